/*
 * problem - an error as a client sees it: application/problem+json (RFC 9457).
 *
 * Members: type, title, status, detail, code (the kind's name), errors [{field, message}], correlation_id, and what the
 * handler added. Of a 5xx nothing but the kind is told; the log has the rest under the correlation id.
 */
#ifndef WAYBILL_PROBLEM_H
#define WAYBILL_PROBLEM_H

#include "http.h"

/* Makes the request's answer the problem in ctx. Headers like Allow and Retry-After that were set stay. */
void problem_answer(struct ctx *ctx, enum err err);

#endif
