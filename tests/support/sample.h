/*
 * sample - a record with a field of every type, for tests and the fuzzer of json.
 */
#ifndef WAYBILL_SAMPLE_H
#define WAYBILL_SAMPLE_H

#include "record.h"

enum sample_state { SAMPLE_NEW, SAMPLE_PAID, SAMPLE_SHIPPED };

UNUSED static const char *const sample_state_names[] = {"new", "paid", "shipped", NULL};
UNUSED static const char *const sample_channels[] = {"web", "shop", NULL};

struct sample_line {
    const char *sku;
    int64_t quantity;
    struct money price;
    struct texts notes;
};

struct sample_address {
    const char *street;
    const char *country;
    int64_t floor;
};

struct sample {
    const char *id;
    const char *email;
    const char *name;
    const char *channel;
    const char *site;
    const char *locale;
    enum sample_state state;
    int64_t copies;
    int64_t points;
    bool gift;
    bool news;
    int64_t placed_at;
    struct money total;
    const char *data;
    struct sample_address address;
    struct sample_address *billing;
    struct {
        struct sample_line *items;
        size_t count;
    } lines;
    struct texts tags;
};

static RECORD(sample_line, FIELD(sample_line, sku, .flags = FIELD_REQUIRED, .format = TEXT_TOKEN),
              FIELD(sample_line, quantity, .flags = FIELD_REQUIRED, .least = 1, .most = 999),
              FIELD(sample_line, price, .least = 0, .most = 100000), FIELD(sample_line, notes, .max = 3));

static RECORD(sample_address, FIELD(sample_address, street, .flags = FIELD_REQUIRED, .max = 20),
              FIELD(sample_address, country, .format = TEXT_COUNTRY),
              FIELD(sample_address, floor, .flags = FIELD_DEFAULT, .fallback = 1));

static RECORD(sample, FIELD(sample, id, .flags = FIELD_REQUIRED, .format = TEXT_UUID),
              FIELD(sample, email, .format = TEXT_EMAIL), FIELD(sample, name, .min = 2, .max = 10),
              FIELD(sample, channel, .names = sample_channels), FIELD(sample, site, .format = TEXT_URL),
              FIELD(sample, locale, .format = TEXT_LOCALE), FIELD_AS_ENUM(sample, state, sample_state_names),
              FIELD(sample, copies, .flags = FIELD_DEFAULT, .least = 1, .most = 9, .fallback = 1),
              FIELD(sample, points), FIELD(sample, gift), FIELD(sample, news, .flags = FIELD_DEFAULT, .fallback = 1),
              FIELD_AS_TIME(sample, placed_at), FIELD(sample, total, .flags = FIELD_REQUIRED),
              FIELD_AS_JSON(sample, data, .max = 40),
              FIELD_OBJECT_OF(sample, address, sample_address_record, .flags = FIELD_REQUIRED),
              FIELD_OPTIONAL_OF(sample, billing, sample_address_record),
              FIELD_LIST_OF(sample, lines, sample_line_record, .flags = FIELD_REQUIRED, .min = 1, .max = 3),
              FIELD(sample, tags, .max = 2, .format = TEXT_TOKEN));

#endif
