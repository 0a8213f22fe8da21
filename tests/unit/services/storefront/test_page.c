/*
 * test_page - the customer's page: escaped, without what is only for staff, links only to the web.
 */
#include "page.h"

#include <string.h>

#include "suite.h"

#define EVIL "<b>\"&'"
#define EVIL_ESCAPED "&lt;b&gt;&quot;&amp;&#39;"

static struct line line = {.title = EVIL, .quantity = 2, .unit_price = {1290, "EUR"}, .total = {2580, "EUR"}};
static struct group group = {.label = "First class", .earliest = "2026-11-23", .latest = "2026-11-25"};
static struct shipment_line sent = {.title = "Cup, blue", .quantity = 2};
static struct timeline_entry happened[] = {
    {.sequence = 1, .at = INT64_C(1763794127000000), .what = "placed", .text = "Order W-1 placed", .by = "customer"},
    {.sequence = 2, .what = "note", .text = "Note", .by = "clerk-anna", .detail = "a difficult customer"},
    {.sequence = 3, .what = "held", .text = "Put on hold", .by = "clerk-anna", .detail = "looks like fraud"},
    {.sequence = 4, .what = "payment_refunded", .text = "Given back 5.00 EUR", .detail = "goodwill_of_anna"},
    {.sequence = 5, .what = "shipment_in_transit", .text = "The carrier has the parcel", .detail = "in " EVIL},
};
static const struct timeline_view timeline = {.items = {happened, COUNT(happened)}};

static struct order_shipment shipment;
static struct order_view order;
static struct arena *arena;
static struct buf page;

static void start(void)
{
    arena = arena_new(ORDER_PAGE_MAX * 4);
    buf_init(&page, arena, ORDER_PAGE_MAX);
    shipment = (struct order_shipment){.id = "s-1",
                                       .number = "W-1-1",
                                       .state = "shipped",
                                       .carrier = "post",
                                       .tracking_number = "TR" EVIL,
                                       .tracking_url = "https://track.example/?n=1&l=\"en\"",
                                       .latest = "2026-11-25",
                                       .lines = {&sent, 1}};
    order = (struct order_view){.number = "W-1",
                                .status = "In " EVIL,
                                .placed_at = INT64_C(1763794127000000),
                                .version = 7,
                                .lines = {&line, 1},
                                .groups = {&group, 1},
                                .totals = {.lines = {2580, "EUR"},
                                           .delivery = {490, "EUR"},
                                           .tax = {490, "EUR"},
                                           .tax_included = true,
                                           .total = {3070, "EUR"}},
                                .shipments = {&shipment, 1}};
}

static void stop(void)
{
    arena_free(arena);
}

static bool has(const char *text)
{
    return strstr(page.data, text) != NULL;
}

START_TEST(everything_from_outside_is_escaped)
{
    page_add_order(&page, &order, &timeline, "n1");

    ck_assert(!page.overflowed);
    ck_assert(!has("<b>"));
    ck_assert(has("In " EVIL_ESCAPED));
    ck_assert(has("TR" EVIL_ESCAPED));
    ck_assert(has("in " EVIL_ESCAPED));
    ck_assert(has("href=\"https://track.example/?n=1&amp;l=&quot;en&quot;\""));
}
END_TEST

START_TEST(it_tells_what_the_customer_wants_to_know)
{
    page_add_order(&page, &order, &timeline, "n1");

    ck_assert(has("data-version=\"7\""));
    ck_assert(has("<td class=\"n\">25.80 EUR</td>"));
    ck_assert(has("Tax, included"));
    ck_assert(has("30.70 EUR"));
    ck_assert(has("First class, estimated 2026-11-23 to 2026-11-25"));
    ck_assert(has("Expected by 2026-11-25"));
    ck_assert(has("2 × Cup, blue"));
    ck_assert(has("2025-11-22 06:48 UTC"));
}
END_TEST

START_TEST(what_staff_do_among_themselves_is_not_shown)
{
    page_add_order(&page, &order, &timeline, "n1");

    ck_assert(has("Order W-1 placed"));
    ck_assert(has("Given back 5.00 EUR"));
    ck_assert(!has("clerk-anna"));
    ck_assert(!has("difficult"));
    ck_assert(!has("hold"));
    ck_assert(!has("fraud"));
    ck_assert(!has("goodwill"));
}
END_TEST

START_TEST(only_web_addresses_become_links)
{
    shipment.tracking_url = "javascript:alert(1)";

    page_add_order(&page, &order, &timeline, "n1");

    ck_assert(!has("javascript:"));
    ck_assert(!has("<a "));
    ck_assert(has("TR" EVIL_ESCAPED));
}
END_TEST

START_TEST(scripts_and_styles_carry_the_nonce)
{
    page_add_order(&page, &order, &timeline, "n1");

    ck_assert(has("<script nonce=\"n1\">"));
    ck_assert(has("<style nonce=\"n1\">"));
    ck_assert(!has("<script>"));
    ck_assert(!has(" style=\""));
    ck_assert(!has(" on"
                   "click"));
}
END_TEST

START_TEST(an_arrived_parcel_is_not_expected)
{
    shipment.state = "delivered";

    page_add_order(&page, &order, &timeline, "n1");

    ck_assert(!has("Expected by"));
}
END_TEST

START_TEST(a_bank_transfer_tells_reference_and_day)
{
    struct payment_view due = {.method = "bank_transfer", .status = "due", .amount = {3070, "EUR"}};
    order.payments = (struct payment_view_list){&due, 1};
    order.payment_reference = "RF18539007547034";
    order.pay_by = INT64_C(1763794127000000);

    page_add_order(&page, &order, &(struct timeline_view){{0}}, "n1");

    ck_assert(has("bank transfer, 30.70 EUR: due"));
    ck_assert(has("<strong>RF18539007547034</strong>"));
    ck_assert(!has("What happened"));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, everything_from_outside_is_escaped);
    tcase_add_test(tests, it_tells_what_the_customer_wants_to_know);
    tcase_add_test(tests, what_staff_do_among_themselves_is_not_shown);
    tcase_add_test(tests, only_web_addresses_become_links);
    tcase_add_test(tests, scripts_and_styles_carry_the_nonce);
    tcase_add_test(tests, an_arrived_parcel_is_not_expected);
    tcase_add_test(tests, a_bank_transfer_tells_reference_and_day);
}

RUN_SUITE(page, add_tests)
