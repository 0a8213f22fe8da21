/*
 * offers - what the shop offers for a checkout: taxes of its destination, ways of delivery, ways to pay. Pure.
 */
#ifndef WAYBILL_CHECKOUT_OFFERS_H
#define WAYBILL_CHECKOUT_OFFERS_H

#include "proto/http_checkout.h"
#include "totals.h"

struct delivery_choice {
    const char *method;
    const char *label;
    int64_t price_minor;
    const char *earliest; /* days, if ordered now: offers_date() */
    const char *latest;
    int64_t days_min;
    int64_t days_max;
};

struct delivery_choice_list {
    struct delivery_choice *items;
    size_t count;
};

struct payment_choice {
    const char *method;
    const char *label;
    const char *capture;
    int64_t least_minor;
    int64_t most_minor; /* 0: any amount */
};

struct payment_choice_list {
    struct payment_choice *items;
    size_t count;
};

struct offers {
    struct tax_rules rules;
    struct delivery_choice_list deliveries; /* cheapest first */
    struct payment_choice_list payments;    /* as the shop wants them shown */
    int64_t version;                        /* how often the shop has changed what it offers */
};

extern const struct record offers_record;

/* A copy in the arena. */
void offers_copy(const struct offers *from, struct arena *arena, struct offers *ret);

/* Says on which days each delivery would arrive if it were ordered now. Days begin at midnight UTC. */
void offers_date(struct offers *offers, int64_t now, struct arena *arena);

/* The choice with this name, or NULL when it isn't offered. A NULL method is none. */
const struct delivery_choice *offers_delivery(const struct offers *offers, const char *method);

/* The same for paying `total_minor`. */
const struct payment_choice *offers_payment(const struct offers *offers, const char *method, int64_t total_minor);

/* For the shopper. */
void offers_show_deliveries(const struct offers *offers, const char *currency, struct arena *arena,
                            struct delivery_options *ret);
void offers_show_payments(const struct offers *offers, int64_t total_minor, struct arena *arena,
                          struct payment_options *ret);

/*
 * Whether shoppers may be sent to the address: its host is one of the space-separated names, and nothing in it could
 * make a browser read another host than we do.
 */
bool return_url_is_allowed(const char *hosts, const char *url, struct arena *arena);

#endif
