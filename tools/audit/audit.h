/*
 * audit - what must be true of the whole, checked from outside: each service's own books, and what two of them say of
 * the same thing.
 *
 * A check of one service runs a statement that lists offenders. A check of two compares complete lists of (subject,
 * detail); whatever only one has, or has otherwise, is an offender. An offence is reported when it lasts: the checks
 * run again until an offender is gone or older than the patience.
 */
#ifndef WAYBILL_AUDIT_H
#define WAYBILL_AUDIT_H

#include "uow.h"

/* The payment provider's sandbox is audited where there is one: a check with it is left out without. */
enum audited { CART, CHECKOUT, PAYMENT, ORDER, FULFILMENT, NOTIFICATION, CATALOG, PSP_SANDBOX, AUDITED };

extern const char *const audited_names[];

#define OFFENDERS_SHOWN 20 /* of each check; the rest is counted */

struct fact {
    const char *subject;
    const char *detail;
};
struct fact_list {
    struct fact *items;
    size_t count;
};
extern const struct record fact_record;

typedef enum err (*reader)(struct uow *uow, struct fact_list *ret);

/* Offenders in one service. */
struct own_check {
    enum audited service;
    const char *claim; /* what should be true */
    reader offenders;
};

/* Two services' lists that must be equal. */
struct pair_check {
    const char *claim;
    enum audited left;
    reader left_facts;
    enum audited right;
    reader right_facts;
};

extern const struct own_check own_checks[];   /* ended by a NULL claim */
extern const struct pair_check pair_checks[]; /* likewise */

/* The statements that each service's connection prepares. */
extern const struct query *const *const audited_queries[AUDITED][2];

/* Who must have handled what: each listener has the last version of every aggregate of the topic. */
struct listening {
    enum audited listener;
    enum audited teller;
    const char *topic;
};
extern const struct listening listenings[]; /* ended by a NULL topic */

enum err read_told(struct uow *uow, const char *topic, struct fact_list *ret) MUST_USE;
enum err read_handled(struct uow *uow, const char *topic, struct fact_list *ret) MUST_USE;

#endif
