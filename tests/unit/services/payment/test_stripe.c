/* stripe: what is asked in its words, and what its answers mean in ours. */
#include "stripe.h"

#include <string.h>

#include "clock.h"
#include "suite.h"
#include "text.h"

#define PAYMENT "01920c5e-9d44-7f0b-8a6e-51c7e2b9d302"
#define OURS "\"metadata\":{\"payment_id\":\"" PAYMENT "\",\"intent\":\"1\"}"

static struct ctx ctx;
static struct payment payment;
static struct intent intent;

static void begin(void)
{
    ctx = (struct ctx){.arena = arena_new(1024 * 1024)};
    payment = (struct payment){.head = {.id = PAYMENT}, .shop = "main"};
    intent = (struct intent){
        .number = 1,
        .method = "card",
        .amount_minor = 12500,
        .currency = "EUR",
        .locale = "de-AT",
        .expires_at = 1700003600 * CLOCK_SECOND,
        .created_at = 1700000000 * CLOCK_SECOND,
    };
}

static void end(void)
{
    arena_free(ctx.arena);
}

/* --- what is asked --- */

START_TEST(a_page_asks_for_one_line_captured_later)
{
    struct psp_call call = {0};
    static const char *const parts[] = {
        "mode=payment",
        "payment_method_types%5B0%5D=card",
        "%5Bcurrency%5D=eur",
        "%5Bunit_amount%5D=12500",
        "line_items%5B0%5D%5Bquantity%5D=1",
        "client_reference_id=" PAYMENT,
        "&metadata%5Bpayment_id%5D=" PAYMENT,
        "payment_intent_data%5Bmetadata%5D%5Bintent%5D=1",
        "capture_method%5D=manual",
        "locale=de&",
        "expires_at=1700003600",
        "success_url=http%3A%2F%2Fshop%2Freturn%2F" PAYMENT "%3Fsession%3D%7BCHECKOUT_SESSION_ID%7D",
        "cancel_url=http%3A%2F%2Fshop%2Freturn%2F" PAYMENT,
    };

    stripe_make_page(ctx.arena, &payment, &intent, "http://shop", &call);
    ck_assert_str_eq(call.method, "POST");
    ck_assert_str_eq(call.path, "/v1/checkout/sessions");
    for (size_t i = 0; i < COUNT(parts); i++)
        ck_assert_msg(strstr(call.form, parts[i]) != NULL, "%s is not in %s", parts[i], call.form);
}
END_TEST

static const struct {
    const char *currency;
    int64_t amount;
    const char *form;
} amounts[] = {
    {"EUR", 12500, "amount_to_capture=12500"},
    {"JPY", 12500, "amount_to_capture=12500"}, /* never a hundredfold */
    {"KWD", 12500, "amount_to_capture=12500"},
    {"ISK", 12500, "amount_to_capture=1250000"}, /* Stripe counts hundredths that don't exist */
};

START_TEST(amounts_are_in_stripes_smallest_unit)
{
    struct psp_call call = {0};

    intent.currency = amounts[_i].currency;
    intent.amount_minor = amounts[_i].amount;
    intent.payment_ref = "pi_1";
    stripe_capture(ctx.arena, &intent, &call);
    ck_assert_str_eq(call.path, "/v1/payment_intents/pi_1/capture");
    ck_assert_str_eq(call.form, amounts[_i].form);
}
END_TEST

START_TEST(a_refund_asks_for_what_is_left_and_carries_its_key)
{
    struct psp_call call = {0};

    intent.payment_ref = "pi_1";
    intent.captured_minor = 12500;
    intent.refunded_minor = 500;
    stripe_refund(ctx.arena, &payment, &intent, "wb-1", &call);
    ck_assert_str_eq(call.path, "/v1/refunds");
    ck_assert(strstr(call.form, "amount=12000") != NULL);
    ck_assert(strstr(call.form, "metadata%5Brefund%5D=wb-1") != NULL);
}
END_TEST

START_TEST(a_query_goes_by_what_is_known)
{
    struct psp_call call = {0};

    stripe_query(ctx.arena, &intent, &call);
    ck_assert_str_eq(call.path, "/v1/checkout/sessions?created%5Bgte%5D=1699999940&limit=100"
                                "&expand%5B%5D=data.payment_intent.latest_charge");
    intent.payment_ref = "pi_1";
    stripe_query(ctx.arena, &intent, &call);
    ck_assert_str_eq(call.path, "/v1/payment_intents/pi_1?expand%5B%5D=latest_charge");
    intent.page_ref = "cs_1";
    stripe_query(ctx.arena, &intent, &call);
    ck_assert_str_eq(call.path, "/v1/checkout/sessions/cs_1?expand%5B%5D=payment_intent.latest_charge");
    ck_assert_ptr_null(call.also);
    intent.captured_minor = 12500;
    stripe_query(ctx.arena, &intent, &call);
    ck_assert_str_eq(call.also, "/v1/refunds?payment_intent=pi_1&limit=100");
}
END_TEST

/* --- what is heard --- */

/* clang-format off */
static const struct {
    const char *body; enum fact_kind kind; int64_t amount; const char *currency; const char *code; const char *payment_ref;
} objects[] = {
    { "{\"id\":\"cs_1\",\"object\":\"checkout.session\",\"status\":\"open\",\"url\":\"https://pay.example.com/cs_1\",\"amount_total\":12500,"
      "\"currency\":\"eur\",\"expires_at\":1700003600,\"payment_intent\":null," OURS "}", FACT_PAGE, 12500, "EUR", NULL, NULL },
    { "{\"id\":\"cs_1\",\"object\":\"checkout.session\",\"status\":\"complete\",\"payment_status\":\"unpaid\",\"payment_intent\":\"pi_1\","
      OURS "}", FACT_COMPLETED, 0, NULL, NULL, "pi_1" }, /* "unpaid" is normal with manual capture */
    { "{\"id\":\"cs_1\",\"object\":\"checkout.session\",\"status\":\"expired\"," OURS "}", FACT_ENDED, 0, NULL, "expired", NULL },
    { "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"status\":\"requires_capture\",\"amount\":12500,\"amount_capturable\":12500,"
      "\"currency\":\"eur\"," OURS "}", FACT_AUTHORIZED, 12500, "EUR", NULL, "pi_1" },
    { "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"status\":\"succeeded\",\"amount_received\":12400,\"currency\":\"usd\"," OURS "}",
      FACT_CAPTURED, 12400, "USD", NULL, "pi_1" },
    { "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"status\":\"canceled\",\"cancellation_reason\":\"abandoned\"," OURS "}",
      FACT_CANCELLED, 0, NULL, "abandoned", "pi_1" },
    { "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"status\":\"requires_payment_method\",\"last_payment_error\":{\"code\":"
      "\"card_declined\",\"decline_code\":\"insufficient_funds\"}," OURS "}", FACT_CARD_REFUSED, 0, NULL, "insufficient_funds", "pi_1" },
    { "{\"id\":\"re_1\",\"object\":\"refund\",\"status\":\"pending\",\"amount\":500,\"currency\":\"eur\",\"payment_intent\":\"pi_1\"}",
      FACT_REFUND_PENDING, 500, "EUR", NULL, "pi_1" },
    { "{\"id\":\"re_1\",\"object\":\"refund\",\"status\":\"succeeded\",\"amount\":500,\"currency\":\"eur\",\"payment_intent\":\"pi_1\"}",
      FACT_REFUNDED, 500, "EUR", NULL, "pi_1" },
    { "{\"id\":\"re_1\",\"object\":\"refund\",\"status\":\"failed\",\"failure_reason\":\"lost_or_stolen_card\",\"amount\":500,"
      "\"currency\":\"eur\",\"payment_intent\":\"pi_1\"}", FACT_REFUND_FAILED, 500, "EUR", "lost_or_stolen_card", "pi_1" },
};
/* clang-format on */

static void assert_fact(const struct fact *fact, int row)
{
    ck_assert_int_eq(fact->kind, objects[row].kind);
    ck_assert_int_eq(fact->amount_minor, objects[row].amount);
    ck_assert(text_equal(fact->currency, objects[row].currency));
    ck_assert(text_equal(fact->code, objects[row].code));
    ck_assert(text_equal(fact->payment_ref, objects[row].payment_ref));
    if (strstr(objects[row].body, OURS) != NULL) {
        ck_assert_str_eq(fact->payment_id, PAYMENT);
        ck_assert_int_eq(fact->intent, 1);
    } else {
        ck_assert_ptr_null(fact->payment_id); /* a refund at Stripe's desk names only its PaymentIntent */
    }
}

START_TEST(an_object_tells_one_fact)
{
    struct stripe_news news;

    ck_assert(stripe_read(&ctx, objects[_i].body, strlen(objects[_i].body), 77, &news));
    ck_assert_int_eq(news.facts.count, 1);
    assert_fact(&news.facts.items[0], _i);
    ck_assert_int_eq(news.facts.items[0].occurred_at, 77);
}
END_TEST

/* clang-format off */
static const struct {
    const char *charge;
    int64_t ends_at; /* in seconds */
} promises[] = {
    { "{\"id\":\"ch_1\",\"payment_method_details\":{\"type\":\"card\",\"card\":{\"capture_before\":1700600000}}}", 1700600000 },
    { "{\"id\":\"ch_1\",\"payment_method_details\":{\"type\":\"card\",\"card\":{\"capture_before\":null}}}", 0 },
    { "{\"id\":\"ch_1\",\"payment_method_details\":{\"type\":\"link\"}}", 0 },
    { "{\"id\":\"ch_1\"}", 0 },
    { "{\"payment_method_details\":7}", 0 },
    { "\"ch_1\"", 0 },
    { "null", 0 },
};
/* clang-format on */

START_TEST(a_promise_ends_when_its_charge_says_so)
{
    struct stripe_news news;
    const char *body = arena_printf(
        ctx.arena,
        "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"status\":\"requires_capture\",\"amount_capturable\":12500,"
        "\"currency\":\"eur\",\"latest_charge\":%s," OURS "}",
        promises[_i].charge);

    ck_assert(stripe_read(&ctx, body, strlen(body), 77, &news));
    ck_assert_int_eq(news.facts.count, 1);
    ck_assert_int_eq(news.facts.items[0].expires_at, promises[_i].ends_at * CLOCK_SECOND);
}
END_TEST

START_TEST(the_same_sight_is_the_same_fact)
{
    struct stripe_news first, second;

    ck_assert(stripe_read(&ctx, objects[_i].body, strlen(objects[_i].body), 77, &first));
    ck_assert(stripe_read(&ctx, objects[_i].body, strlen(objects[_i].body), 99, &second));
    ck_assert_str_eq(first.facts.items[0].id, second.facts.items[0].id);
}
END_TEST

START_TEST(an_event_tells_it_under_its_own_id)
{
    static const char *const types[] = {"checkout.session.expired", "payment_intent.succeeded", "refund.updated"};
    const char *type = types[_i < 3 ? 0 : _i < 7 ? 1 : 2];
    const char *body = arena_printf(ctx.arena,
                                    "{\"id\":\"evt_%d\",\"object\":\"event\",\"type\":\"%s\",\"created\":1700000000,"
                                    "\"data\":{\"object\":%s}}",
                                    _i, type, objects[_i].body);
    struct fact_list facts;

    ck_assert(stripe_read_event(&ctx, body, strlen(body), &facts));
    ck_assert_int_eq(facts.count, 1);
    assert_fact(&facts.items[0], _i);
    ck_assert_str_eq(facts.items[0].id, arena_printf(ctx.arena, "evt_%d", _i));
    ck_assert_int_eq(facts.items[0].occurred_at, 1700000000 * CLOCK_SECOND);
}
END_TEST

START_TEST(a_session_with_its_payment_inside_tells_both)
{
    const char *body =
        "{\"id\":\"cs_1\",\"object\":\"checkout.session\",\"status\":\"complete\"," OURS ",\"payment_intent\":"
        "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"status\":\"requires_capture\",\"amount_capturable\":"
        "12500,\"currency\":\"eur\"," OURS "}}";
    struct stripe_news news;

    ck_assert(stripe_read(&ctx, body, strlen(body), 77, &news));
    ck_assert_int_eq(news.facts.count, 2);
    ck_assert_int_eq(news.facts.items[0].kind, FACT_COMPLETED);
    ck_assert_str_eq(news.facts.items[0].payment_ref, "pi_1");
    ck_assert_int_eq(news.facts.items[1].kind, FACT_AUTHORIZED);
}
END_TEST

START_TEST(a_list_tells_of_all_and_where_it_goes_on)
{
    const char *body = arena_printf(ctx.arena, "{\"object\":\"list\",\"has_more\":true,\"data\":[%s,%s]}",
                                    objects[0].body, objects[7].body);
    const char *empty = "{\"object\":\"list\",\"has_more\":false,\"data\":[]}";
    struct stripe_news news;

    ck_assert(stripe_read(&ctx, body, strlen(body), 77, &news));
    ck_assert_int_eq(news.facts.count, 2);
    ck_assert(news.has_more);
    ck_assert_str_eq(news.last_id, "re_1");
    ck_assert(stripe_read(&ctx, empty, strlen(empty), 77, &news));
    ck_assert_int_eq(news.facts.count, 0);
    ck_assert(!news.has_more);
}
END_TEST

#define REFUND_UPDATED(amount)                                                                                         \
    "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"refund.updated\",\"data\":{\"object\":"                         \
    "{\"id\":\"re_1\",\"object\":\"refund\",\"amount\":" amount "}}}"

static const struct {
    const char *body;
    bool understood;
} others[] = {
    {"{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"payout.paid\",\"data\":{\"object\":{\"object\":7}}}", true},
    {"{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"charge.succeeded\",\"data\":{}}", true},
    {"{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"payment_intent.created\",\"data\":{\"object\":{\"id\":\"pi_"
     "1\","
     "\"object\":\"payment_intent\",\"status\":\"requires_payment_method\"}}}",
     true},
    {"{\"id\":\"evt_1\",\"object\":\"event\"}", false},
    {"{\"id\":\"x\",\"type\":\"whatever\"}", true},
    {"{\"id\":\"\",\"type\":\"whatever\"}", false},
    {"{\"type\":\"whatever\"}", false},
    {"{\"id\":\"cs_1\",\"object\":\"checkout.session\",\"status\":\"open\"}", false},
    {REFUND_UPDATED("5.5"), false},
    {"[]", false},
    {"not JSON", false},
    {"", false},
};

START_TEST(other_documents_tell_nothing)
{
    struct fact_list facts;

    ck_assert_int_eq(stripe_read_event(&ctx, others[_i].body, strlen(others[_i].body), &facts), others[_i].understood);
    ck_assert_int_eq(facts.count, 0);
}
END_TEST

START_TEST(ids_that_could_leave_their_path_are_no_ids)
{
    const char *body =
        "{\"id\":\"cs_1\",\"object\":\"checkout.session\",\"status\":\"complete\",\"payment_intent\":\"pi_1/../x\"}";
    struct stripe_news news;

    ck_assert(!stripe_read(&ctx, body, strlen(body), 77, &news));
}
END_TEST

static const struct {
    const char *body;
    const char *code;
} errors[] = {
    {"{\"error\":{\"type\":\"card_error\",\"code\":\"card_declined\",\"decline_code\":\"lost_card\"}}", "lost_card"},
    {"{\"error\":{\"type\":\"card_error\",\"code\":\"card_declined\"}}", "card_declined"},
    {"{\"error\":{\"type\":\"api_error\"}}", "api_error"},
    {"{\"error\":{\"code\":\"two words\"}}", "refused"},
    {"<html>", "refused"},
};

START_TEST(an_error_has_a_code)
{
    ck_assert_str_eq(stripe_error_code(ctx.arena, errors[_i].body, strlen(errors[_i].body)), errors[_i].code);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_page_asks_for_one_line_captured_later);
    ADD_TABLE_TEST(tests, amounts_are_in_stripes_smallest_unit, amounts);
    tcase_add_test(tests, a_refund_asks_for_what_is_left_and_carries_its_key);
    tcase_add_test(tests, a_query_goes_by_what_is_known);
    ADD_TABLE_TEST(tests, an_object_tells_one_fact, objects);
    ADD_TABLE_TEST(tests, a_promise_ends_when_its_charge_says_so, promises);
    ADD_TABLE_TEST(tests, the_same_sight_is_the_same_fact, objects);
    ADD_TABLE_TEST(tests, an_event_tells_it_under_its_own_id, objects);
    tcase_add_test(tests, a_session_with_its_payment_inside_tells_both);
    tcase_add_test(tests, a_list_tells_of_all_and_where_it_goes_on);
    ADD_TABLE_TEST(tests, other_documents_tell_nothing, others);
    tcase_add_test(tests, ids_that_could_leave_their_path_are_no_ids);
    ADD_TABLE_TEST(tests, an_error_has_a_code, errors);
}

RUN_SUITE(stripe, add_tests)
