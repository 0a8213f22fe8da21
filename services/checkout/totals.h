/*
 * totals - tax and totals of a checkout, exact to the minor unit. Pure.
 *
 * Tax is computed once per rate, over lines and delivery together, rounded half up. Each of them shows its own tax,
 * rounded up or down by the largest remainder so that they make that sum. So what lines and delivery show is what the
 * invoice says for the rate, and what the shopper is charged; a refund of any part finds its stored share and never
 * computes tax again. Delivery is taxed like goods of the standard class.
 */
#ifndef WAYBILL_CHECKOUT_TOTALS_H
#define WAYBILL_CHECKOUT_TOTALS_H

#include "ctx.h"
#include "proto/types.h"
#include "record.h"

#define TAX_CLASS_STANDARD "standard"

struct tax_rate {
    const char *tax_class;
    int64_t rate_basis_points; /* 1900 is 19 % */
};

struct tax_rate_list {
    struct tax_rate *items;
    size_t count;
};

/* How a destination taxes and how the shop shows it. Frozen with a placement. */
struct tax_rules {
    bool included; /* prices contain the tax */
    struct tax_rate_list rates;
};

extern const struct record tax_rules_record;

/*
 * Fills tax_lines of lines and groups (whose prices are given) and the totals. Without a country nothing is taxed yet.
 * A class that the rules don't know is taxed as standard: too little tax would be the shop's loss.
 * ERR_INVALID: amounts are negative, too large together, or in another currency.
 */
enum err totals_compute(struct ctx *ctx, const struct tax_rules *rules, const char *country, const char *currency,
                        struct line_list *lines, struct group_list *groups, struct totals *ret) MUST_USE;

#endif
