/*
 * carrier - the state of the process and what it reports about parcels.
 */
#ifndef CARRIER_SANDBOX_CARRIER_H
#define CARRIER_SANDBOX_CARRIER_H

#include "client.h"
#include "service.h"

struct carrier {
    struct upstream *gateway; /* where reports go */
    const char *key;          /* of those who announce parcels */
    const char *secret;       /* signs reports */
    int64_t in_transit_s;     /* after the announcement; 0: nothing is reported by itself */
    int64_t delivered_s;
};

/* What a report says: the body of the webhook. */
struct report {
    const char *event_id;
    const char *tracking_number;
    const char *kind; /* in_transit, delivered */
    int64_t at;
    const char *note; /* or NULL */
};
extern const struct record report_record;

/* Plans to send a report, `times` times, after a while. */
void report_plan(struct uow *uow, const struct report *report, int64_t times, int64_t delay_ms);

/* The value of Waybill-Signature for a body sent at a time (seconds); built like Stripe's. */
const char *report_signature(struct arena *arena, const char *secret, int64_t at, const char *body, size_t size);

#endif
