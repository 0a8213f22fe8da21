/*
 * reference - what a customer writes on a transfer: a creditor reference by ISO 11649, "RF28WB1000042". Pure.
 *
 * Its two check digits (ISO 7064, mod 97-10) catch any wrong digit and any two digits that were swapped, so a typo
 * doesn't name somebody else's payment.
 */
#ifndef WAYBILL_PAYMENT_REFERENCE_H
#define WAYBILL_PAYMENT_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

#define REFERENCE_BODY_MAX 21 /* characters behind RF and the check digits */

/* The reference around a body of capital letters and digits: "WB1000042" gives "RF28WB1000042". */
char *reference_make(struct arena *arena, const char *body) MUST_USE;

/* The reference of the n-th transfer. */
char *reference_number(struct arena *arena, int64_t number) MUST_USE;

/* As it is compared: capital letters and digits only. Statements put spaces and hyphens anywhere. */
char *reference_normal(struct arena *arena, const char *text) MUST_USE;

/* Whether a normal text is a creditor reference with the right check digits. */
bool reference_is_valid(const char *text);

#endif
