/* webhook: the signature, against an answer computed elsewhere; events as JSON. */
#include <string.h>

#include "json.h"
#include "suite.h"
#include "view.h"
#include "webhook.h"

static struct arena *arena;

static void setup(void)
{
    arena = arena_new(1024 * 1024);
}

static void teardown(void)
{
    arena_free(arena);
}

START_TEST(the_signature_is_stripes)
{
    static const char body[] = "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"checkout.session.completed\"}";

    ck_assert_str_eq(webhook_signature(arena, "whsec_test", 1700000000, body, sizeof(body) - 1),
                     "t=1700000000,v1=670e223f19f12fb09ef0441261722546140dc296175e11939853a461c6642659");
}
END_TEST

START_TEST(an_event_carries_its_object)
{
    const struct intent intent = {
        .id = "pi_1",
        .status = INTENT_REQUIRES_CAPTURE,
        .amount = 12500,
        .capturable = 12500,
        .currency = "eur",
        .capture_method = "manual",
        .metadata = "{\"payment_id\":\"p-1\"}",
        .charge = {.id = "ch_1", .status = "succeeded", .amount = 12500, .brand = "visa", .last4 = "4242"},
    };
    const struct event_view event = {
        .id = "evt_1",
        .type = "payment_intent.amount_capturable_updated",
        .object = intent_view(arena, &intent, EXPAND_CHARGE),
        .created = 1700000000,
        .is_delivered_by_webhook = true,
    };
    const char *text = event_view(arena, &event);
    const size_t size = strlen(text);

    ck_assert_str_eq(json_find(arena, text, size, "type"), event.type);
    ck_assert_str_eq(json_find(arena, text, size, "created"), "1700000000");
    ck_assert_str_eq(json_find(arena, text, size, "data.object.id"), "pi_1");
    ck_assert_str_eq(json_find(arena, text, size, "data.object.status"), "requires_capture");
    ck_assert_str_eq(json_find(arena, text, size, "data.object.amount_capturable"), "12500");
    ck_assert_str_eq(json_find(arena, text, size, "data.object.metadata.payment_id"), "p-1");
    ck_assert_str_eq(json_find(arena, text, size, "data.object.latest_charge.payment_method_details.card.last4"),
                     "4242");
    ck_assert_ptr_null(json_find(arena, text, size, "data.object.canceled_at"));
}
END_TEST

START_TEST(an_error_is_stripes)
{
    const struct error_view error = {"card_error", "card_declined", "generic_decline", "Your card was declined."};

    ck_assert_str_eq(error_view(arena, &error),
                     "{\"error\":{\"code\":\"card_declined\",\"decline_code\":\"generic_decline\","
                     "\"message\":\"Your card was declined.\",\"type\":\"card_error\"}}");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_signature_is_stripes);
    tcase_add_test(tests, an_event_carries_its_object);
    tcase_add_test(tests, an_error_is_stripes);
}

RUN_SUITE(webhook, add_tests)
