/*
 * The placement saga, as the services play it today: checkout, cart, fulfilment's hold, payment, order, and the
 * provider with the shopper in front of its page. README.md says what is left out.
 *
 * What happens in which state stands in *.moves, which are held against the tables of the services. Here is the rest:
 * who tells whom, and what a service remembers. A handler is one atomic step, since it is one transaction with its
 * outbox. A topic is one queue per listener and key. Deadlines fire whenever they are armed. Every budget is finite and
 * no step repeats without using one up, so "in the end" is what holds where nothing can happen any more.
 *
 * It differs from the design that it began with: claims are not confirmed in a round of their own, order.placed
 * confirms the hold and checkout.completed the cart (ADR 4). Being paid is five states. A cart has one checkout
 * for ever, so two checkouts share stock only. Money that a provider takes at once goes back by a refund. What
 * payment knows is the highest rank of what the provider ever told. Claims go when closing takes too long (PATIENT 0).
 */
#ifndef STOCK /* pieces of the one thing that both buy */
#define STOCK 1
#endif
#ifndef RIVAL /* 1: a second checkout wants it too */
#define RIVAL 1
#endif
#ifndef INTENTS /* that the first checkout may ask for, over all its placements; the rival has one */
#define INTENTS 2
#endif
#ifndef PLACEMENTS /* of the first checkout */
#define PLACEMENTS 1
#endif
#ifndef LOST /* calls of which no answer comes */
#define LOST 1
#endif
#ifndef TWICE /* messages that are handled, forgotten, and come again after newer ones */
#define TWICE 0
#endif
#ifndef LATE /* messages that a newer one of their topic overtakes */
#define LATE 0
#endif
#ifndef CANCELS
#define CANCELS 1
#endif
#ifndef CHANGES /* placements that find their cart changed */
#define CHANGES 0
#endif
#ifndef OFFLINE /* 1: money may come later, by transfer or at the door */
#define OFFLINE 0
#endif
#ifndef AT_ONCE /* 1: the provider may take money where it should only promise it */
#define AT_ONCE 0
#endif
#ifndef PATIENT /* 0: closing may take so long that the claims go before payment has answered */
#define PATIENT 1
#endif

#define MUST(name, condition) if :: (condition) :: else -> c_code { printf("broken: " #name "\n"); }; assert(false) fi
#define MARK(name, condition) if :: (condition) -> \
    c_code { { static int seen; if (!seen) { seen = 1; printf("reached: " #name "\n"); } } } :: else fi

mtype = { CLAIMS_ASKED, PAYMENT_ASKED, CLOSING_ASKED, FAILED, COMPLETED, LOCKED, REFUSED, HELD, ACTION, AUTHORIZED,
          DECLINED, UNSURE, CLOSED, PLACED };
chan to_cart[2] = [6] of { mtype, byte };
chan to_hold[2] = [6] of { mtype, byte };
chan to_payment[2] = [6] of { mtype, byte };
chan to_order[2] = [3] of { mtype, byte };
chan from_cart[2] = [6] of { mtype, byte };
chan from_hold[2] = [6] of { mtype, byte };
chan from_payment[2] = [8] of { mtype, byte };
chan placed_to_checkout[2] = [2] of { mtype, byte };
chan placed_to_hold[2] = [2] of { mtype, byte };
chan placed_to_payment[2] = [2] of { mtype, byte };

byte lost = LOST, twice = TWICE, late = LATE, cancels = CANCELS, changes = CHANGES;

/* Of the move that is being made. */
hidden mtype what, event, was, to;
hidden byte number;
hidden byte acts;

inline hear(queue) {
    if
    :: queue?what, number
    :: twice > 0 -> twice--; queue?what, number; queue!what, number
    :: late > 0 && len(queue) > 1 -> late--; queue?what, number; queue!what, number; queue?what, number
    fi
}

/* A machine: the rows of its table; what it ignores or refuses is in none of them. */
#define CALL(from, on, next, guard) :: IS(from, on) && (guard) -> MUST(S9_nobody_is_called, false)
#define ACT(from, on, next, guard) :: IS(from, on) && (guard) -> TO(next); acts = 1

/* --- what cart and fulfilment keep --- */

#include "rules.h"
mtype = { CA_OPEN, CA_LOCKED, CA_ORDERED, CA_EXPIRED };
mtype = { CA_ON_CLAIM_NEW, CA_ON_CLAIM_SAME, CA_ON_CLAIM_STALE, CA_ON_RELEASE, CA_ON_RELEASE_STALE, CA_ON_COMPLETED };
mtype = { HO_FREE, HO_HELD, HO_CONFIRMED };
mtype = { HO_ON_CLAIM_NEW, HO_ON_CLAIM_SAME, HO_ON_CLAIM_STALE, HO_ON_RELEASE, HO_ON_RELEASE_STALE, HO_ON_CONFIRM };
mtype cart[2] = CA_OPEN;
mtype hold[2] = HO_FREE;
byte claim_of_cart[2], dead_in_cart[2], claim_of_hold[2], dead_in_hold[2];
byte stock = STOCK;

/* --- checkout --- */

mtype = { CO_OPEN, CO_CLAIMING, CO_PAYING, CO_ACTION, CO_DECLINED, CO_UNSURE, CO_SWITCHING, CO_CLOSING, CO_FAILED,
          CO_COMPLETED };
mtype = { CO_ON_CART_LOCKED, CO_ON_CART_REFUSED, CO_ON_STOCK_HELD, CO_ON_STOCK_REFUSED, CO_ON_ACTION_REQUIRED,
          CO_ON_AUTHORIZED, CO_ON_DECLINED, CO_ON_UNKNOWN, CO_ON_CLOSED, CO_ON_DEADLINE, CO_ON_ORDER_PLACED,
          CO_ON_PLACE, CO_ON_PAY, CO_ON_CANCEL };
mtype checkout[2] = CO_OPEN;
byte placement[2], intent[2], winner[2];
bit cart_locked[2], stock_held[2], other_method, let_go[2];
byte asked_by[4]; /* the placement that asked for the intent */

#define I(a) (2 * k + (a) - 1)
#define INTENTS_MAX (k == 0 -> INTENTS : 1)
#define PLACEMENTS_MAX (k == 0 -> PLACEMENTS : 1)
#define IS_PAYING (checkout[k] == CO_PAYING || checkout[k] == CO_ACTION || checkout[k] == CO_DECLINED || \
                   checkout[k] == CO_UNSURE || checkout[k] == CO_SWITCHING)

#define stock_is_held (stock_held[k])
#define cart_is_locked (cart_locked[k])
#define may_try (intent[k] < INTENTS_MAX)
#define is_same_method (!other_method)
#define may_switch (other_method && may_try)

inline checkout_next() {
    acts = 0; was = checkout[k]; to = was;
    if
#define IS(from, on) was == CO_##from && event == CO_##on
#define TO(next) to = CO_##next
#include "checkout.moves"
#undef IS
#undef TO
    :: else
    fi
}

inline checkout_enter() {
    if
    :: to == CO_CLAIMING -> to_cart[k]!CLAIMS_ASKED, placement[k]; to_hold[k]!CLAIMS_ASKED, placement[k]
    :: to == CO_PAYING -> intent[k]++; asked_by[I(intent[k])] = placement[k]; to_payment[k]!PAYMENT_ASKED, intent[k]
    :: to == CO_SWITCHING || to == CO_CLOSING -> to_payment[k]!CLOSING_ASKED, intent[k]
    :: to == CO_FAILED ->
        let_go[k] = let_go[k] || was == CO_CLOSING && event == CO_ON_DEADLINE;
        cart_locked[k] = 0; stock_held[k] = 0; to_cart[k]!FAILED, placement[k]; to_hold[k]!FAILED, placement[k]
    :: to == CO_COMPLETED ->
        MUST(S4_completed_means_claimed, cart[k] == CA_LOCKED && claim_of_cart[k] == placement[k]);
        MUST(S4_completed_means_claimed, hold[k] == HO_HELD && claim_of_hold[k] == placement[k]);
        to_cart[k]!COMPLETED, placement[k]; to_order[k]!COMPLETED, winner[k]
    :: else
    fi
}

inline checkout_move() {
    checkout_next();
    if
    :: acts ->
        if
        :: event == CO_ON_CART_LOCKED -> cart_locked[k] = 1
        :: event == CO_ON_STOCK_HELD -> stock_held[k] = 1
        :: event == CO_ON_AUTHORIZED -> winner[k] = intent[k]
        :: event == CO_ON_PLACE -> placement[k]++
        :: else
        fi;
        checkout[k] = to;
        if :: to != was -> checkout_enter() :: else fi
    :: else
    fi;
    event = 0; other_method = 0
}

#define OF_PLACEMENT (number == placement[k])
#define OF_INTENT (asked_by[I(number)] == placement[k] && number == intent[k])

proctype checkout_service(byte k) {
end:
    do
    :: atomic {
        if
        :: nempty(from_cart[k]) -> hear(from_cart[k]);
            if
            :: OF_PLACEMENT && what == LOCKED -> event = CO_ON_CART_LOCKED
            :: OF_PLACEMENT && what == REFUSED -> event = CO_ON_CART_REFUSED
            :: else
            fi
        :: nempty(from_hold[k]) -> hear(from_hold[k]);
            if
            :: OF_PLACEMENT && what == HELD -> event = CO_ON_STOCK_HELD
            :: OF_PLACEMENT && what == REFUSED -> event = CO_ON_STOCK_REFUSED
            :: else
            fi
        :: nempty(from_payment[k]) -> hear(from_payment[k]);
            if
            :: OF_INTENT && what == ACTION -> event = CO_ON_ACTION_REQUIRED
            :: OF_INTENT && what == AUTHORIZED -> event = CO_ON_AUTHORIZED
            :: OF_INTENT && what == DECLINED -> event = CO_ON_DECLINED
            :: OF_INTENT && what == UNSURE -> event = CO_ON_UNKNOWN
            :: OF_INTENT && what == CLOSED -> event = CO_ON_CLOSED
            :: else
            fi
        :: nempty(placed_to_checkout[k]) -> hear(placed_to_checkout[k]); event = CO_ON_ORDER_PLACED
        :: checkout[k] == CO_CLAIMING || IS_PAYING || (checkout[k] == CO_CLOSING && !PATIENT) -> event = CO_ON_DEADLINE
        :: (checkout[k] == CO_OPEN || checkout[k] == CO_FAILED) && placement[k] < PLACEMENTS_MAX && may_try ->
            event = CO_ON_PLACE
        :: IS_PAYING && checkout[k] != CO_SWITCHING && may_try ->
            other_method = (checkout[k] != CO_DECLINED); event = CO_ON_PAY
        :: cancels > 0 && (checkout[k] == CO_CLAIMING || IS_PAYING || checkout[k] == CO_COMPLETED) ->
            cancels--; event = CO_ON_CANCEL
        fi;
        checkout_move() }
    od
}

/* --- cart and fulfilment --- */

#define CLAIM_EVENT(machine, claim, dead) \
    if \
    :: what == CLAIMS_ASKED && CLAIM_IS_STALE(claim, dead, number) -> event = machine##_ON_CLAIM_STALE \
    :: what == CLAIMS_ASKED && CLAIM_IS_SAME(claim, dead, number) -> event = machine##_ON_CLAIM_SAME \
    :: what == FAILED && RELEASE_IS_STALE(claim, dead, number) -> event = machine##_ON_RELEASE_STALE \
    :: what == FAILED && !RELEASE_IS_STALE(claim, dead, number) -> event = machine##_ON_RELEASE \
    :: what == CLAIMS_ASKED && !CLAIM_IS_STALE(claim, dead, number) && !CLAIM_IS_SAME(claim, dead, number) -> \
        event = machine##_ON_CLAIM_NEW \
    :: else -> event = 0 \
    fi

inline cart_next() {
    acts = 0; to = cart[k];
    if
#define IS(from, on) cart[k] == CA_##from && event == CA_##on
#define TO(next) to = CA_##next
#include "cart.moves"
#undef IS
#undef TO
    :: else
    fi
}

proctype cart_service(byte k) {
end:
    do
    :: atomic { nempty(to_cart[k]) -> hear(to_cart[k]);
        CLAIM_EVENT(CA, claim_of_cart[k], dead_in_cart[k]);
        if :: what == COMPLETED -> event = CA_ON_COMPLETED :: else fi;
        cart_next();
        if
        :: acts && what == CLAIMS_ASKED ->
            claim_of_cart[k] = number;
            if
            :: cart[k] == CA_ORDERED -> from_cart[k]!REFUSED, number
            :: cart[k] != CA_ORDERED && changes > 0 -> changes--; from_cart[k]!REFUSED, number
            :: cart[k] != CA_ORDERED -> cart[k] = to; from_cart[k]!LOCKED, number
            fi
        :: acts && what == FAILED -> dead_in_cart[k] = number; cart[k] = to
        :: acts && what == COMPLETED -> cart[k] = to
        :: else
        fi;
        event = 0 }
    od
}

inline hold_next() {
    acts = 0; to = hold[k];
    if
#define IS(from, on) hold[k] == HO_##from && event == HO_##on
#define TO(next) to = HO_##next
#include "hold.moves"
#undef IS
#undef TO
    :: else
    fi
}

#define TAKEN(k) (hold[k] != HO_FREE)

proctype hold_service(byte k) {
end:
    do
    :: atomic {
        if
        :: nempty(to_hold[k]) -> hear(to_hold[k]); CLAIM_EVENT(HO, claim_of_hold[k], dead_in_hold[k])
        :: nempty(placed_to_hold[k]) -> hear(placed_to_hold[k]); event = HO_ON_CONFIRM
        fi;
        hold_next();
        if :: acts && hold[k] == HO_HELD && what != PLACED -> stock++ :: else fi;
        if
        :: acts && what == CLAIMS_ASKED && stock == 0 ->
            claim_of_hold[k] = number; hold[k] = HO_FREE; from_hold[k]!REFUSED, number
        :: acts && what == CLAIMS_ASKED && stock > 0 ->
            claim_of_hold[k] = number; hold[k] = to; stock--; from_hold[k]!HELD, number
        :: acts && what == FAILED -> dead_in_hold[k] = number; hold[k] = to
        :: acts && what == PLACED -> hold[k] = to
        :: else
        fi;
        event = 0;
        MUST(S2_stock_is_never_oversold, TAKEN(0) + TAKEN(1) + stock == STOCK) }
    od
}

#include "money.pml"
#include "ends.pml"
