/*
 * move - the only way an intent's state changes: along the table, with its events, its ledger entries and the call to
 * the provider that follows from it.
 */
#ifndef WAYBILL_PAYMENT_MOVE_H
#define WAYBILL_PAYMENT_MOVE_H

#include "ledger.h"
#include "payment.h"
#include "uow.h"

struct move {
    enum intent_event on;
    enum money_source source;     /* with money that came */
    const char *code;             /* why not */
    enum psp_operation operation; /* that had no answer */
    int64_t refunded_minor;       /* in all, as the provider says, or a clerk */
};

/* Moves the intent and says what is to be said. ERR_CONFLICT when the table refuses (only people's commands). */
enum err intent_move(struct uow *uow, struct payment *payment, struct intent *intent, const struct move *move) MUST_USE;

/* Takes what the provider's facts say that the intent doesn't know yet, move by move. */
enum err intent_settle(struct uow *uow, struct payment *payment, struct intent *intent) MUST_USE;

/* Gives up every intent up to `number`, asked for or not; checkout is told once no money can come of them. */
enum err payment_close(struct uow *uow, struct payment *payment, int64_t placement, int64_t number) MUST_USE;

/* Tells checkout that what it gave up is closed, if it is. The last thing before payment_save(). */
enum err payment_tell_closed(struct uow *uow, struct payment *payment) MUST_USE;

#endif
