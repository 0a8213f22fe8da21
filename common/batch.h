/*
 * batch - some messages as one unit of work. For consumer.c.
 */
#ifndef WAYBILL_BATCH_H
#define WAYBILL_BATCH_H

#include "delivery.h"
#include "handled.h"
#include "position.h"

struct batch {
    const struct message *messages;
    size_t count;
    const struct positions *begins; /* where each partition was taken over */
    const char *park_reason;        /* not NULL: what would be applied is parked instead, and why */

    /* After batch_apply(): */
    struct positions positions; /* of the partitions that the messages are from */
    struct handled_list keys;   /* of those, `drains` tells where parked messages may go through now */
};

/*
 * Handles the messages and commits, or changes nothing. An error that err_is_of_message() may be the fault of any one
 * of them. Everything is in ctx->arena.
 */
enum err batch_apply(struct ctx *ctx, const struct subscription *subscriptions, struct batch *batch) MUST_USE;

#endif
