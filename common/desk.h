/*
 * desk - what the back office asks of every service with a database: what needs a person, and messages set aside.
 *
 * Any staff may see and close work items; parked messages are for those with the right "admin". The gateway merges what
 * all services answer.
 */
#ifndef WAYBILL_DESK_H
#define WAYBILL_DESK_H

#include "http.h"

/* Served beside a service's own routes; ended by a NULL method. */
extern const struct route desk_routes[];

#endif
