/* The table of an intent's moves: complete, and right where it matters. */
#include "payment.h"

#include "suite.h"
#include "text.h"

#define CARD "card"
#define TRANSFER "bank_transfer"
#define COD "cash_on_delivery"

START_TEST(the_table_has_no_defect)
{
    char memory[8192];
    struct buf complaints;

    buf_init_fixed(&complaints, memory, sizeof(memory));
    ck_assert_msg(fsm_check(&intent_fsm, &complaints), "%s", complaints.data);
}
END_TEST

/* What the payment is like beside the intent: an order on it, cancelled or not; given up up to the intent. */
enum around { NOTHING, ORDERED, CANCELLED, GIVEN_UP };

/* clang-format off */
static const struct {
    enum intent_state given; enum intent_event when; const char *method; const char *capture; int64_t amount;
    enum around around; enum fsm_outcome outcome; enum intent_state then;
} moves[] = {
    { INTENT_NONE,       ON_ASKED,     CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_REQUESTED  },
    { INTENT_NONE,       ON_ASKED,     CARD,     "instant",  100, GIVEN_UP,  FSM_IGNORE,    INTENT_NONE       }, /* tombstone */
    { INTENT_NONE,       ON_ASKED,     TRANSFER, "instant",  100, NOTHING,   FSM_ACT,       INTENT_DUE        },
    { INTENT_NONE,       ON_ASKED,     COD,      "instant",  100, NOTHING,   FSM_ACT,       INTENT_DUE        },
    { INTENT_NONE,       ON_ASKED,     CARD,     "instant",  0,   NOTHING,   FSM_ACT,       INTENT_AUTHORIZED },

    { INTENT_REQUESTED,  ON_NO_ANSWER, CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_UNKNOWN    }, /* R6 */
    { INTENT_UNKNOWN,    ON_PAGE,      CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_PENDING    },
    { INTENT_UNKNOWN,    ON_AUTHORIZED, CARD,    "instant",  100, NOTHING,   FSM_ACT,       INTENT_AUTHORIZED },
    { INTENT_PENDING,    ON_ENDED,     CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_DECLINED   }, /* R5 */
    { INTENT_PENDING,    ON_MISMATCH,  CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_UNKNOWN    },

    { INTENT_REQUESTED,  ON_CLOSE,     CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_CLOSING    }, /* R4 */
    { INTENT_UNKNOWN,    ON_CLOSE,     CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_CLOSING    },
    { INTENT_PENDING,    ON_CLOSE,     CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_CLOSING    },
    { INTENT_AUTHORIZED, ON_CLOSE,     CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_VOIDING    },
    { INTENT_AUTHORIZED, ON_CLOSE,     CARD,     "instant",  100, ORDERED,   FSM_WORK_ITEM, INTENT_AUTHORIZED }, /* R7 */
    { INTENT_DUE,        ON_CLOSE,     TRANSFER, "instant",  100, NOTHING,   FSM_ACT,       INTENT_CLOSED     },
    { INTENT_CLOSING,    ON_NO_ANSWER, CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_CLOSING    },
    { INTENT_CLOSING,    ON_ENDED,     CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_CLOSED     },
    { INTENT_CLOSING,    ON_AUTHORIZED, CARD,    "instant",  100, NOTHING,   FSM_ACT,       INTENT_VOIDING    },
    { INTENT_CLOSING,    ON_CAPTURED,  CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_REFUNDING  },
    { INTENT_VOIDING,    ON_ENDED,     CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_VOIDED     },
    { INTENT_CAPTURED,   ON_CLOSE,     CARD,     "instant",  100, ORDERED,   FSM_IGNORE,    INTENT_CAPTURED   },
    { INTENT_CAPTURED,   ON_CLOSE,     CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_REFUNDING  }, /* R8 */

    { INTENT_DECLINED,   ON_AUTHORIZED, CARD,    "instant",  100, NOTHING,   FSM_ACT,       INTENT_VOIDING    }, /* R10 */
    { INTENT_CLOSED,     ON_AUTHORIZED, CARD,    "instant",  100, NOTHING,   FSM_ACT,       INTENT_VOIDING    },
    { INTENT_CLOSED,     ON_CAPTURED,  CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_REFUNDING  },
    { INTENT_VOIDED,     ON_CAPTURED,  CARD,     "instant",  100, NOTHING,   FSM_ACT,       INTENT_REFUNDING  },

    { INTENT_AUTHORIZED, ON_PLACED,    CARD,     "instant",  100, ORDERED,   FSM_ACT,       INTENT_CAPTURING  }, /* R8 */
    { INTENT_AUTHORIZED, ON_PLACED,    CARD,     "deferred", 100, ORDERED,   FSM_IGNORE,    INTENT_AUTHORIZED },
    { INTENT_AUTHORIZED, ON_PLACED,    CARD,     "instant",  0,   ORDERED,   FSM_IGNORE,    INTENT_AUTHORIZED },
    { INTENT_AUTHORIZED, ON_PACKED,    CARD,     "deferred", 100, ORDERED,   FSM_ACT,       INTENT_CAPTURING  },
    { INTENT_AUTHORIZED, ON_PACKED,    CARD,     "deferred", 100, CANCELLED, FSM_IGNORE,    INTENT_AUTHORIZED },
    { INTENT_AUTHORIZED, ON_PACKED,    CARD,     "deferred", 100, NOTHING,   FSM_IGNORE,    INTENT_AUTHORIZED },
    { INTENT_CAPTURING,  ON_PACKED,    CARD,     "deferred", 100, ORDERED,   FSM_IGNORE,    INTENT_CAPTURING  }, /* once */
    { INTENT_CAPTURED,   ON_PACKED,    CARD,     "deferred", 100, ORDERED,   FSM_IGNORE,    INTENT_CAPTURED   },
    { INTENT_CAPTURING,  ON_NO_ANSWER, CARD,     "instant",  100, ORDERED,   FSM_ACT,       INTENT_CAPTURING  },
    { INTENT_CAPTURING,  ON_REFUSED,   CARD,     "instant",  100, ORDERED,   FSM_ACT,       INTENT_AUTHORIZED },
    { INTENT_CAPTURING,  ON_REFUSED,   CARD,     "instant",  100, CANCELLED, FSM_ACT,       INTENT_VOIDING    },
    { INTENT_CAPTURING,  ON_AUTHORIZED, CARD,    "instant",  100, ORDERED,   FSM_IGNORE,    INTENT_CAPTURING  }, /* never back */
    { INTENT_CLOSED,     ON_PLACED,    CARD,     "instant",  100, ORDERED,   FSM_WORK_ITEM, INTENT_CLOSED     },

    { INTENT_DUE,        ON_RECEIPT,   TRANSFER, "instant",  100, ORDERED,   FSM_ACT,       INTENT_CAPTURED   },
    { INTENT_CLOSED,     ON_RECEIPT,   TRANSFER, "instant",  100, CANCELLED, FSM_REFUSE,    INTENT_CLOSED     },
    { INTENT_CAPTURED,   ON_RECEIPT,   TRANSFER, "instant",  100, ORDERED,   FSM_REFUSE,    INTENT_CAPTURED   },
    { INTENT_DUE,        ON_DELIVERED, COD,      "instant",  100, ORDERED,   FSM_ACT,       INTENT_CAPTURED   },
    { INTENT_DUE,        ON_DELIVERED, TRANSFER, "instant",  100, ORDERED,   FSM_WORK_ITEM, INTENT_DUE        },
    { INTENT_CAPTURED,   ON_DELIVERED, COD,      "instant",  100, ORDERED,   FSM_IGNORE,    INTENT_CAPTURED   }, /* once */

    { INTENT_CAPTURED,   ON_CANCELLED, TRANSFER, "instant",  100, CANCELLED, FSM_ACT,       INTENT_REFUNDING  },
    { INTENT_REFUNDING,  ON_SENT_BACK, TRANSFER, "instant",  100, CANCELLED, FSM_ACT,       INTENT_REFUNDED   },
    { INTENT_REFUNDING,  ON_SENT_BACK, COD,      "instant",  100, CANCELLED, FSM_ACT,       INTENT_REFUNDED   },
    { INTENT_REFUNDING,  ON_SENT_BACK, CARD,     "instant",  100, CANCELLED, FSM_REFUSE,    INTENT_REFUNDING  }, /* the provider's */
    { INTENT_REFUNDED,   ON_SENT_BACK, TRANSFER, "instant",  100, CANCELLED, FSM_REFUSE,    INTENT_REFUNDED   }, /* once */
    { INTENT_CAPTURED,   ON_SENT_BACK, TRANSFER, "instant",  100, ORDERED,   FSM_REFUSE,    INTENT_CAPTURED   },
    { INTENT_DUE,        ON_SENT_BACK, TRANSFER, "instant",  100, ORDERED,   FSM_REFUSE,    INTENT_DUE        },
    { INTENT_CLOSED,     ON_SENT_BACK, COD,      "instant",  100, CANCELLED, FSM_REFUSE,    INTENT_CLOSED     }, /* nothing came */

    { INTENT_DUE,        ON_CANCELLED, TRANSFER, "instant",  100, CANCELLED, FSM_ACT,       INTENT_CLOSED     },
    { INTENT_AUTHORIZED, ON_CANCELLED, CARD,     "deferred", 100, CANCELLED, FSM_ACT,       INTENT_VOIDING    },
    { INTENT_AUTHORIZED, ON_CANCELLED, CARD,     "instant",  0,   CANCELLED, FSM_ACT,       INTENT_VOIDED     },
    { INTENT_CAPTURING,  ON_CANCELLED, CARD,     "instant",  100, CANCELLED, FSM_ACT,       INTENT_CAPTURING  },
    { INTENT_CAPTURING,  ON_CAPTURED,  CARD,     "instant",  100, CANCELLED, FSM_ACT,       INTENT_REFUNDING  },
    { INTENT_CAPTURED,   ON_CANCELLED, CARD,     "instant",  100, CANCELLED, FSM_ACT,       INTENT_REFUNDING  },
    { INTENT_REFUNDING,  ON_CANCELLED, CARD,     "instant",  100, CANCELLED, FSM_IGNORE,    INTENT_REFUNDING  }, /* once */
    { INTENT_REFUNDED,   ON_REFUND_FAILED, CARD, "instant",  100, CANCELLED, FSM_ACT,       INTENT_REFUNDING  },
};
/* clang-format on */

START_TEST(an_intent_moves_only_along_the_table)
{
    const enum around around = moves[_i].around;
    const struct payment payment = {
        .closed_to = around == GIVEN_UP ? 1 : 0,
        .order_intent = around == ORDERED || around == CANCELLED ? 1 : 0,
        .cancelled = around == CANCELLED,
    };
    const struct intent intent = {.number = 1,
                                  .method = moves[_i].method,
                                  .capture = moves[_i].capture,
                                  .amount_minor = moves[_i].amount,
                                  .state = moves[_i].given};

    const struct fsm_move move = fsm_next(&intent_fsm, (int)intent.state, (int)moves[_i].when, &intent, &payment);
    ck_assert_int_eq(move.outcome, moves[_i].outcome);
    ck_assert_int_eq(move.to, moves[_i].then);
}
END_TEST

/* A person gives money back in one state alone, and only what the provider can't. */
START_TEST(only_money_that_waits_for_a_person_is_given_back_by_one)
{
    static const char *const methods[] = {CARD, TRANSFER, COD};
    const struct payment payment = {.order_intent = 1, .cancelled = true};

    for (int state = 0; state < INTENT_STATES; state++) {
        for (size_t i = 0; i < COUNT(methods); i++) {
            const struct intent intent = {.number = 1,
                                          .method = methods[i],
                                          .capture = "instant",
                                          .amount_minor = 100,
                                          .state = (enum intent_state)state};
            const struct fsm_move move = fsm_next(&intent_fsm, state, ON_SENT_BACK, &intent, &payment);
            const bool waits = state == INTENT_REFUNDING && !text_equal(methods[i], CARD);
            ck_assert_int_eq(move.outcome, waits ? FSM_ACT : FSM_REFUSE);
            ck_assert_int_eq(move.to, waits ? (int)INTENT_REFUNDED : state);
        }
    }
}
END_TEST

/* Whatever happens to it, an intent that is over never asks for money again, and money is never taken without an order.
 */
START_TEST(money_moves_only_where_it_may)
{
    const struct payment payment = {.closed_to = 1};

    for (int state = 0; state < INTENT_STATES; state++) {
        for (int on = 0; on < INTENT_EVENTS; on++) {
            const struct intent intent = {.number = 1,
                                          .method = CARD,
                                          .capture = "instant",
                                          .amount_minor = 100,
                                          .state = (enum intent_state)state};
            const struct fsm_move move = fsm_next(&intent_fsm, state, on, &intent, &payment);
            if (state != INTENT_CAPTURING)
                ck_assert_int_ne(move.to, INTENT_CAPTURING);
            if (intent_is_over(&intent)) {
                ck_assert_int_ne(move.to, INTENT_AUTHORIZED);
                ck_assert_int_ne(move.to, INTENT_CAPTURED);
                ck_assert_int_ne(move.to, INTENT_PENDING);
            }
        }
    }
}
END_TEST

static const struct {
    enum intent_state states[3];
    size_t count;
    int64_t closed_to, closed_told;
    bool owes;
} tombstones[] = {
    {{INTENT_CLOSED, INTENT_DECLINED, INTENT_VOIDED}, 3, 3, 0, true},
    {{INTENT_CLOSED, INTENT_DECLINED, INTENT_VOIDED}, 3, 3, 3, false}, /* told */
    {{INTENT_CLOSED, INTENT_CLOSING}, 2, 2, 0, false},
    {{INTENT_CLOSED, INTENT_PENDING}, 2, 1, 0, true}, /* the newer one lives */
    {{INTENT_CLOSED, INTENT_VOIDING}, 2, 2, 1, false},
    {{INTENT_CAPTURED}, 1, 1, 0, false}, /* nothing is told */
    {{INTENT_REFUNDING}, 1, 1, 0, true}, /* no more can come, and it goes back */
    {{INTENT_NONE}, 0, 2, 0, true},      /* never asked for */
    {{INTENT_NONE}, 0, 0, 0, false},
};

START_TEST(closed_is_told_when_nothing_is_left_open)
{
    struct intent intents[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    const struct payment payment = {
        .closed_to = tombstones[_i].closed_to,
        .closed_told = tombstones[_i].closed_told,
        .intents = {.items = intents, .count = tombstones[_i].count},
    };

    for (size_t i = 0; i < 3; i++)
        intents[i].state = tombstones[_i].states[i];
    ck_assert_int_eq(payment_owes_closed(&payment), tombstones[_i].owes);
}
END_TEST

START_TEST(questions_become_rarer)
{
    static const int64_t seconds[] = {2, 10, 60, 300, 1800, 7200, 86400, 86400, 86400};

    for (int64_t asks = 0; asks < (int64_t)COUNT(seconds); asks++)
        ck_assert_int_eq(ask_pause_ms(asks), seconds[asks] * 1000);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, the_table_has_no_defect);
    ADD_TABLE_TEST(tests, an_intent_moves_only_along_the_table, moves);
    tcase_add_test(tests, only_money_that_waits_for_a_person_is_given_back_by_one);
    tcase_add_test(tests, money_moves_only_where_it_may);
    ADD_TABLE_TEST(tests, closed_is_told_when_nothing_is_left_open, tombstones);
    tcase_add_test(tests, questions_become_rarer);
}

RUN_SUITE(intent_fsm, add_tests)
