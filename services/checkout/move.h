/*
 * move - the only way a checkout's state changes: along the table, with what the new state asks of others.
 */
#ifndef WAYBILL_CHECKOUT_MOVE_H
#define WAYBILL_CHECKOUT_MOVE_H

#include "checkout.h"
#include "uow.h"

/*
 * Moves the checkout, emits what entering the new state tells, and saves it. Nothing happens when the move is about
 * another placement or intent, or when the table says ignore or work item. ERR_CONFLICT, with a link to the placement,
 * when the table refuses (only commands of people).
 */
enum err checkout_move(struct uow *uow, struct checkout *checkout, const struct checkout_move *move) MUST_USE;

/* The same refusal without moving: for commands that only change what a checkout holds, or have more to check first. */
enum err checkout_allow(struct uow *uow, const struct checkout *checkout, const struct checkout_move *move) MUST_USE;

#endif
