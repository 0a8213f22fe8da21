/*
 * The mails as text: what is in them, that nobody's words get into their headers, and what makes two of them the same.
 */
#include "letter.h"

#include <string.h>

#include "suite.h"
#include "text.h"

#define PAGE "https://shop.example/orders/1/page?token=t"

static struct arena *arena;
static struct order_placed order;
static struct order_status_changed changed;

static struct line lines[] = {
    {.sku = "CUP", .title = "Cup, blue", .quantity = 2, .total = {2580, "EUR"}},
    {.sku = "POT", .title = "Pot", .quantity = 1, .total = {3000, "EUR"}},
};
static struct delivery deliveries[] = {
    {.group_id = "home",
     .address =
         {.name = "Ada Example", .line1 = "Torstrasse 1", .city = "Berlin", .postal_code = "10119", .country = "DE"}},
    {.group_id = "work",
     .address = {.name = "Bob Example",
                 .company = "Example Ltd",
                 .line1 = "High St 2",
                 .line2 = "2nd floor",
                 .city = "Leeds",
                 .country = "GB"}},
};

static void setup(void)
{
    arena = arena_new(4 << 20);
    order = (struct order_placed){
        .order_id = "00000000-0000-7000-8000-000000000001",
        .number = "WB-100001",
        .channel = "web",
        .method = "card",
        .lines = {lines, COUNT(lines)},
        .totals = {.delivery = {490, "EUR"}, .tax = {969, "EUR"}, .tax_included = true, .total = {6070, "EUR"}},
        .personal = {.email = "ada@example.com", .billing = {.name = "Ada Example"}, .deliveries = {deliveries, 1}},
    };
    changed = (struct order_status_changed){.number = "WB-100001", .status = "Completed", .mail = "order_shipped"};
}

static void teardown(void)
{
    arena_free(arena);
}

static void check_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in:\n%s", part, text);
}

static void check_lacks(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) == NULL, "\"%s\" in:\n%s", part, text);
}

START_TEST(the_page_is_put_in_when_the_letter_is_sent)
{
    const struct letter letter = {.text = "a title {order page}\nsee {order page}\nbye"};
    const struct letter plain = {.text = "no page"};

    ck_assert_str_eq(letter_text(arena, &letter, PAGE), "a title {order page}\nsee " PAGE "\nbye");
    ck_assert_str_eq(letter_text(arena, &plain, PAGE), "no page");
}
END_TEST

START_TEST(the_confirmation_says_what_was_bought_and_where_it_goes)
{
    const struct letter letter = letter_confirmation(arena, &order);

    ck_assert_str_eq(letter.to, "ada@example.com");
    ck_assert_str_eq(letter.subject, "Your order WB-100001");
    check_has(letter.text, "Hello Ada Example,\n");
    check_has(letter.text, "2 x Cup, blue (CUP)  25.80 EUR\n");
    check_has(letter.text, "1 x Pot (POT)  30.00 EUR\n");
    check_has(letter.text, "\nDelivery: 4.90 EUR\nTax included: 9.69 EUR\nTotal: 60.70 EUR\n");
    check_has(letter.text, "\nWe send it to:\n  Ada Example\n  Torstrasse 1\n  10119 Berlin, DE\n");
    check_has(letter.text, "\nFollow your order: " LETTER_PAGE "\n");
}
END_TEST

START_TEST(tax_that_comes_on_top_is_said_so)
{
    order.totals.tax_included = false;
    check_has(letter_confirmation(arena, &order).text, "\nTax: 9.69 EUR\n");
}
END_TEST

START_TEST(each_delivery_has_its_address)
{
    order.personal.deliveries.count = 2;

    const char *text = letter_confirmation(arena, &order).text;

    check_has(text, "  Ada Example\n  Torstrasse 1\n");
    check_has(text, "  Bob Example\n  Example Ltd\n  High St 2\n  2nd floor\n   Leeds, GB\n");
}
END_TEST

/* clang-format off */
static const struct {
    const char *method;
    const char *reference;
    const char *says; /* NULL: nothing is left to be paid */
} payments[] = {
    { "card",             NULL,     NULL },
    { "bank_transfer",    "WB-REF", "Please transfer 60.70 EUR with the reference WB-REF." },
    { "bank_transfer",    NULL,     "Please transfer 60.70 EUR with the reference WB-100001." },
    { "cash_on_delivery", NULL,     "You pay 60.70 EUR when the parcel is handed over." },
};
/* clang-format on */

START_TEST(the_confirmation_says_how_to_pay)
{
    order.method = payments[_i].method;
    order.reference = payments[_i].reference;

    const char *text = letter_confirmation(arena, &order).text;

    if (payments[_i].says != NULL) {
        check_has(text, payments[_i].says);
    } else {
        check_lacks(text, "transfer");
        check_lacks(text, "You pay");
    }
}
END_TEST

START_TEST(the_merchant_hears_of_the_order_but_not_of_the_person)
{
    const struct letter letter = letter_to_merchant(arena, &order, "shop@example.com", "https://desk.example");

    ck_assert_str_eq(letter.to, "shop@example.com");
    ck_assert_str_eq(letter.subject, "New order WB-100001");
    check_has(letter.text, "2 x Cup, blue (CUP)  25.80 EUR\n");
    check_has(letter.text, "https://desk.example/orders/00000000-0000-7000-8000-000000000001\n");
    check_lacks(letter.text, "Ada");
    check_lacks(letter.text, "ada@example.com");
    check_lacks(letter.text, "token");
}
END_TEST

/* clang-format off */
static const struct {
    const char *mail;
    const char *subject;
    const char *sentence;
} templates[] = {
    { "order_shipped",   "On its way: your order WB-100001", "your order has left our warehouse." },
    { "order_delivered", "Delivered: your order WB-100001",  "your order has been delivered." },
    { "order_cancelled", "Cancelled: your order WB-100001",  "your order was cancelled." },
    { "product_survey",  "News of your order WB-100001",     "your order is now: Completed, On transit." },
};
/* clang-format on */

START_TEST(each_status_worth_a_mail_has_its_words)
{
    changed.mail = templates[_i].mail;
    changed.sub_status = "On transit";

    const struct letter letter = letter_status(arena, &changed, "ada@example.com", "Ada Example");

    ck_assert_str_eq(letter.to, "ada@example.com");
    ck_assert_str_eq(letter.subject, templates[_i].subject);
    check_has(letter.text, templates[_i].sentence);
    check_has(letter.text, "Hello Ada Example,\n");
    check_has(letter.text, LETTER_PAGE);
    check_lacks(letter.text, "racking");
}
END_TEST

START_TEST(a_parcel_on_its_way_can_be_followed)
{
    changed.tracking_number = "1Z999";
    changed.tracking_url = "https://carrier.example/track/1Z999";

    const char *text = letter_status(arena, &changed, "ada@example.com", "Ada").text;

    check_has(text, "\nTracking number: 1Z999\nFollow the parcel: https://carrier.example/track/1Z999\n");
}
END_TEST

START_TEST(a_status_without_a_sub_status_stands_alone)
{
    changed.mail = "own";
    check_has(letter_status(arena, &changed, "ada@example.com", "Ada").text, "is now: Completed.\n");
}
END_TEST

/* Recipient and subject become headers: nothing that a shopper or a merchant typed may come near the subject. */
START_TEST(words_of_others_never_get_into_a_header)
{
    struct line evil = lines[0];
    evil.title = "Cup\r\nBcc: all@example.com";
    order.lines = (struct line_list){&evil, 1};
    order.personal.billing.name = "Ada\r\nBcc: all@example.com";
    order.channel = "web\r\nBcc: all@example.com";
    changed.status = changed.sub_status = "Done\r\nBcc: all@example.com";
    changed.mail = "own\r\nBcc: all@example.com";

    const struct letter letters[] = {
        letter_confirmation(arena, &order),
        letter_to_merchant(arena, &order, "shop@example.com", "https://desk.example"),
        letter_status(arena, &changed, "ada@example.com", order.personal.billing.name),
    };

    for (size_t i = 0; i < COUNT(letters); i++) {
        ck_assert_ptr_null(strpbrk(letters[i].subject, "\r\n"));
        ck_assert_ptr_null(strpbrk(letters[i].to, "\r\n"));
        check_lacks(letters[i].subject, "Bcc");
    }
}
END_TEST

START_TEST(the_longest_order_fits_a_letter)
{
    struct line *many = arena_array(arena, 200, sizeof(*many));
    char title[256] = {0};
    memset(title, 'x', sizeof(title) - 1);
    for (int i = 0; i < 200; i++)
        many[i] = (struct line){.sku = title, .title = title, .quantity = 9999, .total = {MONEY_MAX, "EUR"}};
    order.lines = (struct line_list){many, 200};

    const struct letter letter = letter_confirmation(arena, &order);

    ck_assert_uint_lt(strlen(letter.text), LETTER_MAX);
    check_has(letter.text, "\nFollow your order: " LETTER_PAGE "\n");
}
END_TEST

/* -- once per cause, template and recipient -- */

START_TEST(the_same_mail_has_the_same_id_each_time)
{
    const char *id = letter_message_id(arena, "e1", "order_shipped", "ada@example.com");

    ck_assert_str_eq(letter_message_id(arena, "e1", "order_shipped", "ada@example.com"), id);
    ck_assert_uint_eq(strlen(id), 64 + strlen("@waybill"));
    ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 64);
    ck_assert_str_eq(id + 64, "@waybill");
}
END_TEST

static const char *const others[][3] = {
    {"e2", "order_shipped", "ada@example.com"}, {"e1", "order_delivered", "ada@example.com"},
    {"e1", "order_shipped", "bob@example.com"}, {"e1", "order_shippe", "dada@example.com"},
    {"e", "1order_shipped", "ada@example.com"},
};

START_TEST(another_cause_template_or_recipient_has_another_id)
{
    const char *id = letter_message_id(arena, "e1", "order_shipped", "ada@example.com");

    ck_assert_str_ne(letter_message_id(arena, others[_i][0], others[_i][1], others[_i][2]), id);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_confirmation_says_what_was_bought_and_where_it_goes);
    tcase_add_test(tests, the_page_is_put_in_when_the_letter_is_sent);
    tcase_add_test(tests, tax_that_comes_on_top_is_said_so);
    tcase_add_test(tests, each_delivery_has_its_address);
    ADD_TABLE_TEST(tests, the_confirmation_says_how_to_pay, payments);
    tcase_add_test(tests, the_merchant_hears_of_the_order_but_not_of_the_person);
    ADD_TABLE_TEST(tests, each_status_worth_a_mail_has_its_words, templates);
    tcase_add_test(tests, a_parcel_on_its_way_can_be_followed);
    tcase_add_test(tests, a_status_without_a_sub_status_stands_alone);
    tcase_add_test(tests, words_of_others_never_get_into_a_header);
    tcase_add_test(tests, the_longest_order_fits_a_letter);
    tcase_add_test(tests, the_same_mail_has_the_same_id_each_time);
    ADD_TABLE_TEST(tests, another_cause_template_or_recipient_has_another_id, others);
}

RUN_SUITE(letter, add_tests)
