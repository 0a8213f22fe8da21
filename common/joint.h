/*
 * joint - requests that come together share a transaction.
 *
 * What a small command costs is hardly its statements but its round trips and its commit. So whoever comes while others
 * are being served waits for them, and then one thread serves all who wait: it locks and reads the rows of all by one
 * statement for each kind (needs.h), calls one handler after another, and commits once. Who comes alone waits for
 * nobody.
 *
 * A request that is refused before it sent a statement leaves the others alone. Whatever else goes wrong, nothing of
 * the transaction is kept and each of its requests is served by itself, as if there had been no others. Only if nobody
 * could learn whether the commit went through all are told so (503).
 *
 * Handlers notice nothing: their unit of work becomes a part of the shared one (uow.h). They add no tasks. Requests
 * that claim an Idempotency-Key by a row of its own stay alone: they would take locks in another order.
 */
#ifndef WAYBILL_JOINT_H
#define WAYBILL_JOINT_H

#include "ctx.h"

#define JOINT_MAX 32 /* requests of one transaction */

struct joint;

/* Aborts when out of memory. */
struct joint *joint_new(struct service *service);

/* Accepts NULL. Nobody may be inside. */
void joint_free(struct joint *joint);

/* How many wait for their turn at this moment. */
int joint_waiting(struct joint *joint);

/* Whether the request may share a transaction: its route joins, and it has no key to claim. */
bool joint_may_serve(const struct ctx *ctx);

/* Calls the route's handler for the request, perhaps in another request's thread. ERR_AGAIN: call it again, alone. */
enum err joint_serve(struct joint *joint, struct ctx *ctx, const void *in) MUST_USE;

#endif
