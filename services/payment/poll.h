/*
 * poll - reading the provider's own list of events, for those whose webhooks were lost. One copy at a time.
 *
 * The list is newest first, so a round reads from its end down to where the last round began; a round that is longer
 * than one call goes on with the next. Rounds overlap, since an event can show up a little after a younger one.
 */
#ifndef WAYBILL_PAYMENT_POLL_H
#define WAYBILL_PAYMENT_POLL_H

#include "task.h"
#include "timer.h"

#define POLL_EVERY_MS 30000
#define POLL_OVERLAP_S 300

/* The timer's: adds the next call when it is due. */
enum err poll_when_due(struct uow *uow, bool *ret_more) MUST_USE;

/* The task's. */
struct task_answer poll_call(struct ctx *ctx, const struct task *task);
enum err poll_record(struct uow *uow, const struct task *task, const struct task_answer *answer) MUST_USE;

#endif
