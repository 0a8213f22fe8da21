/*
 * ledger - what each change of money means in double entry. Pure; store.h books what is built here.
 *
 * An amount above 0 is a debit, below 0 a credit; every entry sums to 0. Its cause is booked once. The claim on the
 * customer is booked when the order is placed, against deferred revenue: nothing was delivered yet, so neither revenue
 * nor tax is earned; whoever keeps the accounts moves it on when a parcel leaves.
 *
 *   receivable:<order>        the customer owes us        deferred_revenue      sold, not delivered
 *   customer_money:<payment>  we owe the customer         refunds               given back, though the order stands
 *   psp_clearing:stripe       the provider owes us        carrier_cod           the carrier owes us
 *   bank:main                 on the account              bank_unmatched:<receipt>  ... and nobody knows whose
 *   auth_held:<payment>, auth_contra    promised and not taken: off the books, among themselves
 */
#ifndef WAYBILL_PAYMENT_LEDGER_H
#define WAYBILL_PAYMENT_LEDGER_H

#include "payment.h"

#define ENTRY_LEGS_MAX 8

struct entry {
    const char *what;
    const char *cause;
    const char *currency;
    struct leg {
        const char *account;
        const char *subject;
        int64_t amount;
    } legs[ENTRY_LEGS_MAX];
    size_t leg_count;
};

/* Where money that came stands until the provider, the carrier or the bank has handed it on. */
enum money_source { SOURCE_PSP, SOURCE_RECEIPT, SOURCE_CARRIER };

extern const char *const money_source_names[];

/* Each fills `ret` from how the payment stands after the change. Texts that are made live in the arena. */
void ledger_authorized(struct arena *arena, const struct payment *payment, const struct intent *intent,
                       struct entry *ret);
void ledger_released(struct arena *arena, const struct payment *payment, const struct intent *intent,
                     struct entry *ret);
/* `held_minor` is what is still held for it: the card's promise, unless that was let go before. */
void ledger_captured(struct arena *arena, const struct payment *payment, const struct intent *intent,
                     enum money_source source, int64_t held_minor, struct entry *ret);
void ledger_placed(struct arena *arena, const struct payment *payment, const struct intent *intent, struct entry *ret);
void ledger_cancelled(struct arena *arena, const struct payment *payment, const struct intent *intent,
                      struct entry *ret);

/* Of `amount`, given back when `refunded_minor` is now all; below 0 when it came back again. A card's money goes back
 * through the provider, all other from the bank account. */
void ledger_refunded(struct arena *arena, const struct payment *payment, const struct intent *intent, int64_t amount,
                     struct entry *ret);
void ledger_unmatched(struct arena *arena, const char *receipt_id, struct money amount, struct entry *ret);

/* The opposite: the money of this receipt is about to be booked as part of a whole. */
void ledger_matched(struct arena *arena, const char *receipt_id, struct money amount, struct entry *ret);

/* Adds what an entry posts to the balances that its payment keeps. */
void ledger_balance(struct payment *payment, const struct entry *entry);

/* Whether it has two legs or more, none is 0, and they sum to 0. */
bool entry_is_balanced(const struct entry *entry);

#endif
