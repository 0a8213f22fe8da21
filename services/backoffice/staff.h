/*
 * staff - whose key it is that was shown, and what its holder may do.
 */
#ifndef WAYBILL_STAFF_H
#define WAYBILL_STAFF_H

#include "edge.h"

/* Reads the keys; false with a line on standard error. For service.start. */
bool staff_start(struct service *service);

/* Finds out which clerk asks. Who shows no key, or one that is not known, is refused and noted in the log. */
enum err staff_authenticate(struct ctx *ctx, const struct route *route) MUST_USE;

#endif
