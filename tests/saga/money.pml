/*
 * Payment, the provider, and the order that stands on the money. A part of saga.pml.
 */
mtype = { IN_NONE, IN_REQUESTED, IN_UNKNOWN, IN_PENDING, IN_DUE, IN_AUTHORIZED, IN_CAPTURING, IN_CAPTURED, IN_DECLINED,
          IN_CLOSING, IN_CLOSED, IN_VOIDING, IN_VOIDED, IN_REFUNDING, IN_REFUNDED };
mtype = { IN_ON_ASKED, IN_ON_CLOSE, IN_ON_NO_ANSWER, IN_ON_PAGE, IN_ON_AUTHORIZED, IN_ON_CAPTURED, IN_ON_ENDED,
          IN_ON_REFUNDED, IN_ON_PLACED };
mtype money[4] = IN_NONE;
bit is_sent[4];                      /* the call for a page has left */
byte closed_to[2], closed_told[2];   /* the highest intent that checkout gave up, and that it was told is over */
byte order_intent[2];
byte orders[2];
hidden byte by_card, closes;

/* What the provider has. The numbers are the ranks of what it tells: the highest counts, in any order. */
#define NOTHING 0
#define PAGE 1
#define ENDED 2
#define PROMISED 3
#define CANCELLED 4
#define TAKEN_BY_IT 5
#define GIVEN_BACK 6
byte provider[4], known[4];

#define is_given_up (number <= closed_to[k])
#define is_free (false)
#define is_card (by_card)
#define is_ordered (order_intent[k] != 0 && i == I(order_intent[k]))
#define order_is_cancelled (false)
#define takes_now (is_ordered)

#define i which /* the intent that moves */
hidden byte which;

inline intent_next() {
    acts = 0; was = money[i]; to = was;
    if
#define IS(from, on) was == IN_##from && event == IN_##on
#define TO(next) to = IN_##next
#include "intent.moves"
#undef IS
#undef TO
    :: else
    fi
}

#define NUMBER_OF(index) ((index) - 2 * k + 1)

inline intent_move() {
    intent_next();
    if
    :: acts ->
        money[i] = to;
        if
        :: event == IN_ON_ASKED && to == IN_DUE -> from_payment[k]!AUTHORIZED, NUMBER_OF(i)
        :: event == IN_ON_PAGE && to == IN_PENDING -> from_payment[k]!ACTION, NUMBER_OF(i)
        :: event == IN_ON_AUTHORIZED && to == IN_AUTHORIZED -> from_payment[k]!AUTHORIZED, NUMBER_OF(i)
        :: event == IN_ON_CAPTURED && (was == IN_REQUESTED || was == IN_UNKNOWN || was == IN_PENDING) ->
            from_payment[k]!AUTHORIZED, NUMBER_OF(i)
        :: event == IN_ON_ENDED && to == IN_DECLINED -> from_payment[k]!DECLINED, NUMBER_OF(i)
        :: event == IN_ON_NO_ANSWER && was != IN_UNKNOWN -> from_payment[k]!UNSURE, NUMBER_OF(i)
        :: else
        fi
    :: else
    fi
}

#define IS_OVER(index) (money[index] == IN_NONE || money[index] == IN_DECLINED || money[index] == IN_CLOSED || \
    money[index] == IN_VOIDED || money[index] == IN_REFUNDING || money[index] == IN_REFUNDED)

/* Checkout hears that no money can come once all that it gave up is over. */
inline finish() {
    if
    :: closed_told[k] < closed_to[k] && (closed_to[k] < 1 || IS_OVER(I(1))) && (closed_to[k] < 2 || IS_OVER(I(2))) ->
        closed_told[k] = closed_to[k]; from_payment[k]!CLOSED, closed_to[k]
    :: else
    fi
}

#define HAS_NEWS(index) (provider[index] > known[index])

#define WORK(a) \
    :: money[I(a)] == IN_REQUESTED && !is_sent[I(a)] -> is_sent[I(a)] = 1 \
    :: lost > 0 && money[I(a)] == IN_REQUESTED && is_sent[I(a)] -> lost--; i = I(a); event = IN_ON_NO_ANSWER \
    :: HAS_NEWS(I(a)) -> i = I(a); known[i] = provider[i]; event = TELLS(known[i]) \
    :: money[I(a)] == IN_CLOSING && known[I(a)] >= PAGE && provider[I(a)] == PAGE -> provider[I(a)] = ENDED \
    :: money[I(a)] == IN_VOIDING && provider[I(a)] == PROMISED -> provider[I(a)] = CANCELLED \
    :: money[I(a)] == IN_REFUNDING && provider[I(a)] == TAKEN_BY_IT -> provider[I(a)] = GIVEN_BACK \
    :: money[I(a)] == IN_CAPTURING && provider[I(a)] == PROMISED -> \
        MUST(S3_money_only_for_an_order, orders[k] > 0); provider[I(a)] = TAKEN_BY_IT

#define TELLS(rank) (rank == PAGE -> IN_ON_PAGE : (rank == PROMISED -> IN_ON_AUTHORIZED : \
    (rank == TAKEN_BY_IT -> IN_ON_CAPTURED : (rank == GIVEN_BACK -> IN_ON_REFUNDED : IN_ON_ENDED))))

/* What comes after a move in the same transaction. A call that never left is taken back; one that left has to land. */
inline intent_continue() {
    if
    :: event == IN_ON_CLOSE && money[i] == IN_CLOSING && !is_sent[i] -> known[i] = ENDED; event = IN_ON_ENDED
    :: else ->
        event = 0;
        if
        :: closes && i == I(1) && number >= 2 && money[I(2)] != IN_NONE -> i = I(2); event = IN_ON_CLOSE
        :: else
        fi
    fi
}

proctype payment_service(byte k) {
end:
    do
    :: atomic {
        if
        :: nempty(to_payment[k]) -> hear(to_payment[k]);
            if
            :: what == PAYMENT_ASKED ->
                i = I(number); event = IN_ON_ASKED;
                if :: by_card = 1 :: OFFLINE -> by_card = 0 fi
            :: what == CLOSING_ASKED ->
                if :: number > closed_to[k] -> closed_to[k] = number :: else fi;
                if :: number == closed_to[k] -> closed_told[k] = 0 :: else fi;
                closes = 1; i = I(1);
                if :: money[i] != IN_NONE -> event = IN_ON_CLOSE :: else -> intent_continue() fi
            fi
        :: nempty(placed_to_payment[k]) -> hear(placed_to_payment[k]);
            if
            :: order_intent[k] == 0 -> order_intent[k] = number; i = I(number); event = IN_ON_PLACED
            :: else
            fi
        WORK(1)
        WORK(2)
        fi;
        do
        :: event != 0 -> intent_move(); intent_continue()
        :: else -> break
        od;
        finish();
        closes = 0 }
    od
}

/* Nobody pays for what is not held, unless checkout lost its patience: then payment gives it back. */
#define IS_PAID(a) MUST(S8_nobody_pays_for_what_is_not_held, let_go[k] || (hold[k] != HO_FREE && cart[k] != CA_OPEN))

/* A call lands some time after it left; the shopper pays, the page lapses, or it is never made at all. */
#define PROVIDER(a) \
    :: atomic { is_sent[I(a)] && provider[I(a)] == NOTHING -> \
        if :: provider[I(a)] = PAGE :: provider[I(a)] = ENDED fi } \
    :: atomic { provider[I(a)] == PAGE -> IS_PAID(a); provider[I(a)] = PROMISED } \
    :: atomic { AT_ONCE && provider[I(a)] == PAGE -> IS_PAID(a); provider[I(a)] = TAKEN_BY_IT } \
    :: atomic { provider[I(a)] == PAGE -> provider[I(a)] = ENDED }

proctype provider_and_shopper(byte k) {
end:
    do
    PROVIDER(1)
    PROVIDER(2)
    od
}

#define IS_LIVE(index) (provider[index] == PROMISED || provider[index] == TAKEN_BY_IT || money[index] == IN_DUE)

proctype order_service(byte k) {
end:
    do
    :: atomic { nempty(to_order[k]) -> hear(to_order[k]);
        if
        :: orders[k] == 0 -> /* the order's id is the checkout's */
            orders[k]++;
            MUST(S1_one_order_of_a_checkout, orders[k] == 1);
            MUST(S2_stock_is_never_oversold, orders[0] + orders[1] <= STOCK);
            MUST(S4_an_order_has_its_money, IS_LIVE(I(number)));
            MUST(S4_an_order_has_its_goods, hold[k] == HO_HELD && cart[k] != CA_OPEN);
            placed_to_checkout[k]!PLACED, number;
            placed_to_hold[k]!PLACED, number;
            placed_to_payment[k]!PLACED, number
        :: else
        fi }
    od
}
#undef i
