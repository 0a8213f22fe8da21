/* fold: whatever order, number and source facts come in, there is one truth. */
#include "fold.h"

#include <stdio.h>
#include <string.h>

#include "payment.h"
#include "suite.h"
#include "text.h"

#define ASKED 12500
#define FACTS_MAX 5

/* Facts by name: as few words as possible, since the tables below are made of them. */
#define PAGE                                                                                                           \
    {                                                                                                                  \
        .id = "p", .kind = FACT_PAGE, .intent = 1, .amount_minor = ASKED, .currency = "EUR"                            \
    }
#define CHEAP_PAGE                                                                                                     \
    {                                                                                                                  \
        .id = "h", .kind = FACT_PAGE, .intent = 1, .amount_minor = 1, .currency = "EUR"                                \
    }
#define DONE                                                                                                           \
    {                                                                                                                  \
        .id = "d", .kind = FACT_COMPLETED, .intent = 1, .payment_ref = "pi_1"                                          \
    }
#define NO_CARD                                                                                                        \
    {                                                                                                                  \
        .id = "n", .kind = FACT_CARD_REFUSED, .intent = 1, .payment_ref = "pi_1", .code = "card_declined"              \
    }
#define ENDED                                                                                                          \
    {                                                                                                                  \
        .id = "e", .kind = FACT_ENDED, .intent = 1, .code = "expired"                                                  \
    }
#define PROMISED                                                                                                       \
    {                                                                                                                  \
        .id = "a", .kind = FACT_AUTHORIZED, .intent = 1, .payment_ref = "pi_1", .amount_minor = ASKED,                 \
        .currency = "EUR"                                                                                              \
    }
#define CANCELLED                                                                                                      \
    {                                                                                                                  \
        .id = "x", .kind = FACT_CANCELLED, .intent = 1, .payment_ref = "pi_1", .code = "abandoned"                     \
    }
#define TAKEN                                                                                                          \
    {                                                                                                                  \
        .id = "c", .kind = FACT_CAPTURED, .intent = 1, .payment_ref = "pi_1", .amount_minor = ASKED, .currency = "EUR" \
    }
#define SHORT                                                                                                          \
    {                                                                                                                  \
        .id = "s", .kind = FACT_AUTHORIZED, .intent = 1, .payment_ref = "pi_1", .amount_minor = 12400,                 \
        .currency = "EUR"                                                                                              \
    }
#define DOLLARS                                                                                                        \
    {                                                                                                                  \
        .id = "u", .kind = FACT_CAPTURED, .intent = 1, .payment_ref = "pi_1", .amount_minor = ASKED, .currency = "USD" \
    }
#define ANOTHER                                                                                                        \
    {                                                                                                                  \
        .id = "o", .kind = FACT_CAPTURED, .intent = 2, .payment_ref = "pi_2", .amount_minor = 99, .currency = "EUR"    \
    }
#define SECOND                                                                                                         \
    {                                                                                                                  \
        .id = "2", .kind = FACT_AUTHORIZED, .intent = 1, .payment_ref = "pi_9", .amount_minor = ASKED,                 \
        .currency = "EUR"                                                                                              \
    }
#define REFUND(name, what, refund, minor)                                                                              \
    {                                                                                                                  \
        .id = (name), .kind = (what), .intent = 1, .payment_ref = "pi_1", .refund_ref = (refund),                      \
        .amount_minor = (minor), .currency = "EUR"                                                                     \
    }

/* clang-format off */
static const struct {
    struct fact facts[FACTS_MAX]; size_t count;
    enum fact_rank rank; int64_t refunded, refunding; bool refund_failed, mismatched, contested, several; const char *code;
} folds[] = {
    { { PAGE }, 0,                                    RANK_NONE },
    { { PAGE }, 1,                                    RANK_PAGE },
    { { PAGE, DONE }, 2,                              RANK_PAGE }, /* done says nothing of money */
    { { PAGE, NO_CARD }, 2,                           RANK_PAGE }, /* the page stays open for another card */
    { { PAGE, NO_CARD, ENDED }, 3,                    RANK_ENDED, .code = "expired" },
    { { PAGE, NO_CARD, PROMISED }, 3,                 RANK_AUTHORIZED },
    { { PAGE, DONE, PROMISED, TAKEN }, 4,             RANK_CAPTURED }, /* never falls back */
    { { PAGE, ENDED, PROMISED }, 3,                   RANK_AUTHORIZED }, /* money may come of it */
    { { PAGE, PROMISED, CANCELLED }, 3,               RANK_CANCELLED, .code = "abandoned" },
    { { PAGE, ENDED, CANCELLED }, 3,                  RANK_CANCELLED, .code = "abandoned" },
    { { PROMISED, CANCELLED, TAKEN }, 3,              RANK_CAPTURED },
    { { PAGE, SHORT }, 2,                             RANK_PAGE, .mismatched = true, .contested = true },
    { { PAGE, DOLLARS }, 2,                           RANK_PAGE, .mismatched = true, .contested = true },
    { { CHEAP_PAGE }, 1,                              RANK_NONE, .mismatched = true, .contested = true },
    { { CHEAP_PAGE, PAGE }, 2,                        RANK_PAGE, .mismatched = true }, /* the answer was garbled, the page is right */
    { { PAGE, SHORT, PROMISED }, 3,                   RANK_AUTHORIZED, .mismatched = true },
    { { PAGE, ANOTHER }, 2,                           RANK_PAGE },
    { { PROMISED, SECOND }, 2,                        RANK_AUTHORIZED, .several = true },
    { { TAKEN, REFUND("r", FACT_REFUND_PENDING, "re_1", 500) }, 2, RANK_CAPTURED, .refunding = 500 },
    { { TAKEN, REFUND("r", FACT_REFUND_PENDING, "re_1", 500), REFUND("q", FACT_REFUNDED, "re_1", 500) }, 3,
                                                      RANK_CAPTURED, .refunded = 500 },
    { { TAKEN, REFUND("r", FACT_REFUNDED, "re_1", 500), REFUND("q", FACT_REFUNDED, "re_1", 500),
        REFUND("t", FACT_REFUNDED, "re_2", 700) }, 4, RANK_CAPTURED, .refunded = 1200 }, /* each refund once */
    { { TAKEN, REFUND("r", FACT_REFUND_PENDING, "re_1", 500), REFUND("q", FACT_REFUNDED, "re_1", 500),
        REFUND("f", FACT_REFUND_FAILED, "re_1", 500) }, 4, RANK_CAPTURED, .refund_failed = true }, /* it came back */
    { { TAKEN, REFUND("r", FACT_REFUNDED, "re_1", 13000) }, 2, RANK_CAPTURED, .refunded = 13000, .mismatched = true },
};
/* clang-format on */

static void assert_fold(const struct fact *facts, size_t count, int row)
{
    const struct fact_list list = {.items = (struct fact *)facts, .count = count};
    struct verdict verdict;

    facts_fold(&list, 1, ASKED, "EUR", &verdict);
    ck_assert_int_eq(verdict.rank, folds[row].rank);
    ck_assert_int_eq(verdict.refunded_minor, folds[row].refunded);
    ck_assert_int_eq(verdict.refunding_minor, folds[row].refunding);
    ck_assert_int_eq(verdict.refund_failed, folds[row].refund_failed);
    ck_assert_int_eq(verdict.mismatched, folds[row].mismatched);
    ck_assert_int_eq(verdict.contested, folds[row].contested);
    ck_assert_int_eq(verdict.several, folds[row].several);
    if (folds[row].code != NULL)
        ck_assert_str_eq(verdict.code, folds[row].code);
}

/* All orders of the first `count` facts, by Heap's method without its recursion. */
static void permute(struct fact *facts, size_t count, int row)
{
    size_t turns[2 * FACTS_MAX] = {0};

    assert_fold(facts, count, row);
    for (size_t i = 0; i < count;) {
        if (turns[i] >= i) {
            turns[i++] = 0;
            continue;
        }
        const size_t other = i % 2 == 0 ? 0 : turns[i];
        const struct fact swapped = facts[other];
        facts[other] = facts[i];
        facts[i] = swapped;
        turns[i]++;
        i = 0;
        assert_fold(facts, count, row);
    }
}

START_TEST(the_order_of_facts_has_no_say)
{
    struct fact facts[FACTS_MAX];

    memcpy(facts, folds[_i].facts, sizeof(facts));
    permute(facts, folds[_i].count, _i);
}
END_TEST

START_TEST(a_fact_that_comes_twice_adds_nothing)
{
    struct fact facts[FACTS_MAX + 1];
    const size_t count = folds[_i].count;

    for (size_t twice = 0; twice < count; twice++) {
        memcpy(facts, folds[_i].facts, sizeof(folds[_i].facts));
        facts[count] = facts[twice];
        permute(facts, count + 1, _i);
    }
}
END_TEST

/* Moves an intent by its news as the service does, without its effects. */
static void settle(struct intent *intent, const struct payment *payment, const struct fact_list *facts)
{
    struct verdict verdict;
    enum intent_event on;

    facts_fold(facts, 1, ASKED, "EUR", &verdict);
    for (int news = 0; news < 10 && intent_news(intent, &verdict, &on); news++) {
        const struct fsm_move move = fsm_next(&intent_fsm, (int)intent->state, (int)on, intent, payment);
        ck_assert_int_ne(move.outcome, FSM_REFUSE);
        if (on == ON_MISMATCH)
            intent->mismatched = true;
        else if (verdict.rank > intent->rank)
            intent->rank = verdict.rank;
        if (on == ON_CAPTURED && move.outcome == FSM_ACT)
            intent->captured_minor = intent->amount_minor;
        if (on == ON_REFUNDED || on == ON_PART_REFUNDED || on == ON_REFUND_FAILED)
            intent->refunded_minor = verdict.refunded_minor;
        intent->state = (enum intent_state)move.to;
        ck_assert_int_lt(news, 9);
    }
}

/* Money that is promised or taken in the end doesn't depend on which report came first. */
static const struct {
    struct fact facts[FACTS_MAX];
    size_t count;
    enum intent_state then;
} ways[] = {
    {{PAGE, NO_CARD, DONE, PROMISED}, 4, INTENT_AUTHORIZED},
    {{PAGE, DONE, PROMISED, TAKEN}, 4, INTENT_CAPTURED},
    {{PAGE, DONE, TAKEN, REFUND("r", FACT_REFUNDED, "re_1", ASKED)}, 4, INTENT_REFUNDED},
    {{PAGE, SHORT}, 2, INTENT_UNKNOWN},
    {{CHEAP_PAGE, PAGE}, 2, INTENT_PENDING},
    {{PAGE, SHORT, PROMISED}, 3, INTENT_AUTHORIZED},
    {{PAGE, NO_CARD, ENDED}, 3, INTENT_DECLINED},
};

static void settle_one_by_one(struct fact *facts, size_t count, enum intent_state then)
{
    const struct payment payment = {.closed_to = 0};
    struct intent intent = {.number = 1,
                            .method = "card",
                            .capture = "instant",
                            .state = INTENT_REQUESTED,
                            .amount_minor = ASKED,
                            .currency = "EUR"};

    for (size_t known = 1; known <= count; known++)
        settle(&intent, &payment, &(struct fact_list){.items = facts, .count = known});
    ck_assert_int_eq(intent.state, then);
}

START_TEST(every_way_ends_in_the_same_state)
{
    struct fact facts[FACTS_MAX];
    size_t turns[FACTS_MAX] = {0};
    const size_t count = ways[_i].count;

    memcpy(facts, ways[_i].facts, sizeof(facts));
    settle_one_by_one(facts, count, ways[_i].then);
    for (size_t i = 0; i < count;) {
        if (turns[i] >= i) {
            turns[i++] = 0;
            continue;
        }
        const size_t other = i % 2 == 0 ? 0 : turns[i];
        const struct fact swapped = facts[other];
        facts[other] = facts[i];
        facts[i] = swapped;
        turns[i]++;
        i = 0;
        settle_one_by_one(facts, count, ways[_i].then);
    }
}
END_TEST

/* clang-format off */
static const struct {
    struct fact fact;
    bool fits;
} moneys[] = {
    { { .kind = FACT_AUTHORIZED, .amount_minor = ASKED, .currency = "EUR" },     true  },
    { { .kind = FACT_AUTHORIZED, .amount_minor = ASKED - 1, .currency = "EUR" }, false },
    { { .kind = FACT_CAPTURED, .amount_minor = ASKED, .currency = "USD" },       false },
    { { .kind = FACT_COMPLETED },                                                true  }, /* speaks of no money */
    { { .kind = FACT_REFUNDED, .amount_minor = 1, .currency = "EUR" },           true  }, /* a part */
    { { .kind = FACT_REFUNDED, .amount_minor = 1, .currency = "USD" },           false },
};
/* clang-format on */

START_TEST(a_fact_fits_if_it_speaks_of_the_money_that_was_asked_for)
{
    ck_assert_int_eq(fact_fits(&moneys[_i].fact, ASKED, "EUR"), moneys[_i].fits);
}
END_TEST

/* clang-format off */
static const struct {
    enum intent_state state;
    enum fact_rank rank;
    struct fact fact;
    bool known;
} repeats[] = {
    { INTENT_AUTHORIZED, RANK_AUTHORIZED, { .kind = FACT_COMPLETED, .page_ref = "cs_1", .payment_ref = "pi_1" },  true  },
    { INTENT_PENDING,    RANK_PAGE,       { .kind = FACT_COMPLETED, .page_ref = "cs_1", .payment_ref = "pi_1" },  false },
    { INTENT_UNKNOWN,    RANK_NONE,       { .kind = FACT_COMPLETED, .page_ref = "cs_1", .payment_ref = "pi_1" },  false },
    { INTENT_CLOSING,    RANK_PAGE,       { .kind = FACT_COMPLETED, .page_ref = "cs_1", .payment_ref = "pi_1" },  false },
    { INTENT_AUTHORIZED, RANK_AUTHORIZED, { .kind = FACT_COMPLETED, .page_ref = "cs_2", .payment_ref = "pi_1" },  false },
    { INTENT_AUTHORIZED, RANK_AUTHORIZED, { .kind = FACT_COMPLETED, .page_ref = "cs_1", .payment_ref = "pi_2" },  false },
    { INTENT_AUTHORIZED, RANK_AUTHORIZED, { .kind = FACT_COMPLETED, .page_ref = "cs_1" },                         false },
    { INTENT_AUTHORIZED, RANK_AUTHORIZED, { .kind = FACT_AUTHORIZED, .payment_ref = "pi_1", .amount_minor = ASKED, .currency = "EUR" }, true },
    { INTENT_CAPTURED,   RANK_CAPTURED,   { .kind = FACT_AUTHORIZED, .payment_ref = "pi_1", .amount_minor = ASKED, .currency = "EUR" }, true },
    { INTENT_PENDING,    RANK_PAGE,       { .kind = FACT_AUTHORIZED, .payment_ref = "pi_1", .amount_minor = ASKED, .currency = "EUR" }, false },
    { INTENT_AUTHORIZED, RANK_AUTHORIZED, { .kind = FACT_AUTHORIZED, .payment_ref = "pi_1", .amount_minor = ASKED, .currency = "EUR", .expires_at = 1 }, false },
    { INTENT_AUTHORIZED, RANK_AUTHORIZED, { .kind = FACT_AUTHORIZED, .payment_ref = "pi_1", .amount_minor = ASKED - 1, .currency = "EUR" }, false },
    { INTENT_AUTHORIZED, RANK_AUTHORIZED, { .kind = FACT_AUTHORIZED, .payment_ref = "pi_2", .amount_minor = ASKED, .currency = "EUR" }, false },
    { INTENT_CAPTURED,   RANK_CAPTURED,   { .kind = FACT_CAPTURED, .payment_ref = "pi_1", .amount_minor = ASKED, .currency = "EUR" }, true },
    { INTENT_CAPTURING,  RANK_AUTHORIZED, { .kind = FACT_CAPTURED, .payment_ref = "pi_1", .amount_minor = ASKED, .currency = "EUR" }, false },
    { INTENT_CAPTURED,   RANK_CAPTURED,   { .kind = FACT_CAPTURED, .payment_ref = "pi_1", .amount_minor = ASKED, .currency = "USD" }, false },
    { INTENT_CAPTURED,   RANK_CAPTURED,   { .kind = FACT_CANCELLED, .payment_ref = "pi_1" },                      false },
    { INTENT_CAPTURED,   RANK_CAPTURED,   { .kind = FACT_REFUNDED, .payment_ref = "pi_1", .amount_minor = ASKED, .currency = "EUR" }, false },
};
/* clang-format on */

START_TEST(only_what_can_change_nothing_any_more_is_known)
{
    const struct intent intent = {
        .state = repeats[_i].state,
        .rank = repeats[_i].rank,
        .amount_minor = ASKED,
        .currency = "EUR",
        .page_ref = "cs_1",
        .payment_ref = "pi_1",
    };

    ck_assert_int_eq(intent_knows(&intent, &repeats[_i].fact), repeats[_i].known);
    ck_assert(!intent_knows(&(struct intent){.amount_minor = ASKED, .currency = "EUR"}, &repeats[_i].fact));
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, only_what_can_change_nothing_any_more_is_known, repeats);
    ADD_TABLE_TEST(tests, a_fact_fits_if_it_speaks_of_the_money_that_was_asked_for, moneys);
    ADD_TABLE_TEST(tests, the_order_of_facts_has_no_say, folds);
    ADD_TABLE_TEST(tests, a_fact_that_comes_twice_adds_nothing, folds);
    ADD_TABLE_TEST(tests, every_way_ends_in_the_same_state, ways);
}

RUN_SUITE(fold, add_tests)
