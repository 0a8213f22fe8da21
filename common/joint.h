/*
 * joint - small pieces of work that come together share a transaction.
 *
 * What a small command costs is hardly its statements but its round trips and its commit. So whoever comes while others
 * are being served waits for them, and then one thread serves all who wait: it locks and reads the rows of all by one
 * statement for each kind (needs.h), serves one after another, and commits once. Who comes alone waits for nobody.
 *
 * Guests are the requests of routes that join (http.h), the answers to tasks whose kind joins (task.h), and whatever
 * else can be done as a part and alone. Who is refused before it sent a statement leaves the others alone. Whatever
 * else goes wrong, nothing of the transaction is kept and each of its guests is to be served by itself, as if there had
 * been no others. Only if nobody could learn whether the commit went through all are told so.
 *
 * Who serves notices nothing: its unit of work becomes a part of the shared one (uow.h).
 */
#ifndef WAYBILL_JOINT_H
#define WAYBILL_JOINT_H

#include "ctx.h"
#include "needs.h"

#define JOINT_MAX 32 /* guests of one transaction */

struct guest {
    struct ctx *ctx;
    const void *of; /* what is served; for the two below */

    /* Names the rows that serving takes; false: this one is served alone. NULL: it takes none. */
    bool (*joins)(struct needs *needs, const struct guest *guest);

    /* Serves it, perhaps in another guest's thread; `ctx->joint` tells. What is read in a shared transaction lives as
     * long as that, so answers that point to it are rendered here. */
    enum err (*serve)(const struct guest *guest);
};

struct joint;

/* Aborts when out of memory. */
struct joint *joint_new(struct service *service);

/* Accepts NULL. Nobody may be inside. */
void joint_free(struct joint *joint);

/* How many wait for their turn at this moment. */
int joint_waiting(struct joint *joint);

/* Serves the guest in its service's joint. ERR_AGAIN: serve it again, alone. ERR_BUSY if nobody knows. */
enum err joint_serve(const struct guest *guest) MUST_USE;

#endif
