/*
 * signature - whether a webhook comes from who it says: the scheme of Stripe-Signature.
 *
 * A header "t=1700000000,v1=HEX,v1=HEX": HMAC-SHA256 with the endpoint's secret over "t.body". Several v1 while the
 * sender changes its secret, several secrets while we do; one pair must fit, and t be within SIGNATURE_TOLERANCE_S of
 * now. Other schemes (v0) are skipped. Pure.
 */
#ifndef WAYBILL_SIGNATURE_H
#define WAYBILL_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

#define SIGNATURE_TOLERANCE_S 300
#define SIGNATURE_HEADER_MAX 2048 /* bytes */
#define SIGNATURES_MAX 8          /* v1 in one header */
#define SECRETS_MAX 2             /* live at the same time */

struct secrets {
    const char *items[SECRETS_MAX];
    size_t count;
};

/* From "new[,old]"; false if it is not one or two secrets of 16 bytes at least. */
bool secrets_read(struct arena *arena, const char *text, struct secrets *ret) MUST_USE;

enum signature_verdict {
    SIGNATURE_GOOD,
    SIGNATURE_MISSING,
    SIGNATURE_MALFORMED,
    SIGNATURE_WRONG,
    SIGNATURE_STALE, /* right, but of another time: a replay, or clocks that differ */
};

/* For logs: "stale". */
extern const char *const signature_verdict_names[];

/* `header` may be NULL. `now_s` is seconds since 1970. */
enum signature_verdict signature_check(struct arena *arena, const struct secrets *secrets, const char *header,
                                       const char *body, size_t size, int64_t now_s);

#endif
