/*
 * describe - the tables of a process as a Markdown page: routes, what it hears, calls and waits for, settings, states.
 */
#ifndef WAYBILL_DESCRIBE_H
#define WAYBILL_DESCRIBE_H

#include <stdio.h>

#include "service.h"

/* Writes the page. Needs no settings, database or broker. */
void service_describe(FILE *out, const struct service *service);

#endif
