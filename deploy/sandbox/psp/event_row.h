/* event_row - an event as it is on record. */
#ifndef PSP_SANDBOX_EVENT_ROW_H
#define PSP_SANDBOX_EVENT_ROW_H

#include "record.h"

struct event_row {
    int64_t serial;
    const char *id;
    const char *type;
    const char *body; /* as webhooks carry it */
};
extern const struct record event_row_record;

#endif
