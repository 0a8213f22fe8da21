/*
 * money - int64 minor units and a currency; no floating point anywhere.
 *
 * Additions check currency and overflow. Shares are given out by one rule, the largest remainder, so that parts always
 * add up and allocate(-x) = -allocate(x). Source of exponents: ISO 4217.
 */
#ifndef WAYBILL_MONEY_H
#define WAYBILL_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "macros.h"

/* The largest amount anywhere: what a double can carry exactly, so that no JSON reader bends it. */
#define MONEY_MAX INT64_C(9007199254740991)

struct money {
    int64_t amount;   /* minor units: 1999 is 19.99 EUR or 1999 JPY */
    char currency[4]; /* ISO 4217, upper case */
};

/* Whether the three letters are a currency known here. */
bool currency_is_known(const char *currency);

/* Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD. The currency must be known. */
int currency_exponent(const char *currency);

struct money money_of(int64_t amount, const char *currency);
bool money_equal(struct money a, struct money b);

/* sum = a + b, false if the result passes MONEY_MAX either way. The currencies must be equal: a mix asserts. */
bool money_add(struct money a, struct money b, struct money *ret_sum) MUST_USE;

/* product = unit * count, false on overflow. */
bool money_multiply(struct money unit, int64_t count, struct money *ret_product) MUST_USE;

/* Like money_add() and money_multiply() for bare minor units of one currency. */
bool minor_add(int64_t a, int64_t b, int64_t *ret_sum) MUST_USE;
bool minor_multiply(int64_t a, int64_t b, int64_t *ret_product) MUST_USE;

/* amount * numerator / denominator, rounded half away from zero. denominator > 0. False on overflow. */
bool minor_ratio(int64_t amount, int64_t numerator, int64_t denominator, int64_t *ret) MUST_USE;

/*
 * Splits `amount` over `count` weights (each >= 0) by the largest remainder, ties to the earlier one. All weights 0: an
 * equal split. shares[] adds up to the amount exactly.
 */
void minor_allocate(int64_t amount, const int64_t *weights, size_t count, int64_t *ret_shares);

/*
 * minor_ratio() of the sum of `amounts` (each >= 0), and the share of each in it: its own amount * numerator /
 * denominator to the next unit above or below, by the largest remainder, ties to the earlier one. shares[] adds up to
 * the sum exactly, and what comes out even is left as it is: the rounding of the sum is no reason to tax 14.90 at 20 %
 * by 2.99. False on overflow. numerator >= 0, denominator > 0.
 */
bool minor_ratio_each(const int64_t *amounts, size_t count, int64_t numerator, int64_t denominator, int64_t *ret_sum,
                      int64_t *ret_shares) MUST_USE;

/* "19.99 EUR" for people, into text of at least MONEY_TEXT bytes. */
#define MONEY_TEXT 32
const char *money_format(struct money money, char text[MONEY_TEXT]);

#endif
