/* What the shop offers for a checkout. */
#include "offers.h"

#include <string.h>

#include "clock.h"
#include "text.h"

#define DAY (24 * 3600 * CLOCK_SECOND)
#define DAY_TEXT 10 /* of a time's text: 2026-11-22 */

static RECORD(delivery_choice, FIELD(delivery_choice, method, .flags = FIELD_REQUIRED),
              FIELD(delivery_choice, label, .flags = FIELD_REQUIRED),
              FIELD(delivery_choice, price_minor, .flags = FIELD_REQUIRED),
              FIELD(delivery_choice, days_min, .flags = FIELD_REQUIRED),
              FIELD(delivery_choice, days_max, .flags = FIELD_REQUIRED));

static RECORD(payment_choice, FIELD(payment_choice, method, .flags = FIELD_REQUIRED),
              FIELD(payment_choice, label, .flags = FIELD_REQUIRED),
              FIELD(payment_choice, capture, .flags = FIELD_REQUIRED),
              FIELD(payment_choice, least_minor, .flags = FIELD_REQUIRED),
              FIELD(payment_choice, most_minor, .flags = FIELD_REQUIRED));

RECORD_SHARED(offers, FIELD_OBJECT_OF(offers, rules, tax_rules_record, .flags = FIELD_REQUIRED),
              FIELD_LIST_OF(offers, deliveries, delivery_choice_record, .flags = FIELD_REQUIRED),
              FIELD_LIST_OF(offers, payments, payment_choice_record, .flags = FIELD_REQUIRED),
              FIELD(offers, version, .flags = FIELD_REQUIRED));

static struct tax_rate_list copy_rates(const struct tax_rate_list *from, struct arena *arena)
{
    struct tax_rate_list to = {.items = arena_array(arena, from->count, sizeof(*to.items)), .count = from->count};

    for (size_t i = 0; i < to.count; i++) {
        to.items[i] = from->items[i];
        to.items[i].tax_class = arena_strdup(arena, from->items[i].tax_class);
    }
    return to;
}

static struct delivery_choice_list copy_deliveries(const struct delivery_choice_list *from, struct arena *arena)
{
    struct delivery_choice_list to = {.items = arena_array(arena, from->count, sizeof(*to.items)),
                                      .count = from->count};

    for (size_t i = 0; i < to.count; i++) {
        const struct delivery_choice *choice = &from->items[i];
        to.items[i] = *choice;
        to.items[i].method = arena_strdup(arena, choice->method);
        to.items[i].label = arena_strdup(arena, choice->label);
        to.items[i].earliest = arena_strdup(arena, choice->earliest);
        to.items[i].latest = arena_strdup(arena, choice->latest);
    }
    return to;
}

static struct payment_choice_list copy_payments(const struct payment_choice_list *from, struct arena *arena)
{
    struct payment_choice_list to = {.items = arena_array(arena, from->count, sizeof(*to.items)), .count = from->count};

    for (size_t i = 0; i < to.count; i++) {
        const struct payment_choice *choice = &from->items[i];
        to.items[i] = *choice;
        to.items[i].method = arena_strdup(arena, choice->method);
        to.items[i].label = arena_strdup(arena, choice->label);
        to.items[i].capture = arena_strdup(arena, choice->capture);
    }
    return to;
}

void offers_copy(const struct offers *from, struct arena *arena, struct offers *ret)
{
    *ret = (struct offers){
        .rules = {.included = from->rules.included, .rates = copy_rates(&from->rules.rates, arena)},
        .deliveries = copy_deliveries(&from->deliveries, arena),
        .payments = copy_payments(&from->payments, arena),
        .version = from->version,
    };
}

void offers_date(struct offers *offers, int64_t now, struct arena *arena)
{
    char text[CLOCK_TEXT];

    for (size_t i = 0; i < offers->deliveries.count; i++) {
        struct delivery_choice *choice = &offers->deliveries.items[i];
        choice->earliest = arena_copy(arena, clock_format(now + choice->days_min * DAY, text), DAY_TEXT);
        choice->latest = arena_copy(arena, clock_format(now + choice->days_max * DAY, text), DAY_TEXT);
    }
}

const struct delivery_choice *offers_delivery(const struct offers *offers, const char *method)
{
    for (size_t i = 0; i < offers->deliveries.count; i++) {
        if (text_equal(offers->deliveries.items[i].method, method))
            return &offers->deliveries.items[i];
    }
    return NULL;
}

static bool covers(const struct payment_choice *choice, int64_t total_minor)
{
    return total_minor >= choice->least_minor && (choice->most_minor == 0 || total_minor <= choice->most_minor);
}

const struct payment_choice *offers_payment(const struct offers *offers, const char *method, int64_t total_minor)
{
    for (size_t i = 0; i < offers->payments.count; i++) {
        const struct payment_choice *choice = &offers->payments.items[i];
        if (text_equal(choice->method, method))
            return covers(choice, total_minor) ? choice : NULL;
    }
    return NULL;
}

void offers_show_deliveries(const struct offers *offers, const char *currency, struct arena *arena,
                            struct delivery_options *ret)
{
    ret->items.count = offers->deliveries.count;
    ret->items.items = arena_array(arena, ret->items.count, sizeof(struct delivery_option));
    for (size_t i = 0; i < ret->items.count; i++) {
        const struct delivery_choice *choice = &offers->deliveries.items[i];
        ret->items.items[i] = (struct delivery_option){
            .method = choice->method,
            .label = choice->label,
            .price = money_of(choice->price_minor, currency),
            .earliest = choice->earliest,
            .latest = choice->latest,
        };
    }
}

void offers_show_payments(const struct offers *offers, int64_t total_minor, struct arena *arena,
                          struct payment_options *ret)
{
    ret->items.items = arena_array(arena, offers->payments.count, sizeof(struct payment_option));
    for (size_t i = 0; i < offers->payments.count; i++) {
        const struct payment_choice *choice = &offers->payments.items[i];
        if (covers(choice, total_minor))
            ret->items.items[ret->items.count++] = (struct payment_option){
                .method = choice->method,
                .label = choice->label,
            };
    }
}

bool return_url_is_allowed(const char *hosts, const char *url, struct arena *arena)
{
    static const char host_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    const char *host = strstr(url, "://");
    if (host == NULL)
        return false;

    host += strlen("://");
    const size_t size = strspn(host, host_bytes);
    const char *after = host + size;
    if (*after == ':')
        after += 1 + strspn(after + 1, "0123456789");
    if (size == 0 || (*after != '\0' && strchr("/?#", *after) == NULL))
        return false; /* a user name, a backslash: what browsers read differently has no place here */

    char *name = arena_copy(arena, host, size);
    for (char *c = name; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    return text_has_word(hosts, name);
}
