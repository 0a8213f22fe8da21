/* What we hear, in Stripe's words. */
#include "stripe.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "id.h"
#include "json.h"
#include "text.h"

struct stripe_metadata {
    const char *payment_id;
    const char *intent;
};

struct stripe_failure {
    const char *code;
    const char *decline_code;
};

/* Of a charge, where it was asked for: until when the promise can be taken. */
struct stripe_card {
    int64_t capture_before;
};

struct stripe_payment_method {
    struct stripe_card *card;
};

struct stripe_charge {
    struct stripe_payment_method *payment_method_details;
};

/* A session, a PaymentIntent, a refund, an event or a list, as far as it concerns us. */
struct stripe_object {
    const char *id;
    const char *object; /* which of these */
    const char *type;   /* of an event */
    const char *status;
    const char *url;
    const char *currency;
    const char *payment_intent; /* JSON: an id, or the object where it was asked for */
    const char *latest_charge;  /* JSON: likewise */
    const char *cancellation_reason;
    const char *failure_reason;
    int64_t amount;
    int64_t amount_total;
    int64_t amount_capturable;
    int64_t amount_received;
    int64_t expires_at;
    int64_t created;
    struct stripe_metadata *metadata;
    struct stripe_failure *last_payment_error;
    const char *data; /* JSON: the items of a list, or what an event is about */
    bool has_more;
};

struct stripe_object_list {
    struct stripe_object *items;
    size_t count;
};

struct stripe_event_data {
    const char *object; /* JSON */
};

static RECORD(stripe_metadata, FIELD(stripe_metadata, payment_id, .max = 500),
              FIELD(stripe_metadata, intent, .max = 500));
static RECORD(stripe_failure, FIELD(stripe_failure, code), FIELD(stripe_failure, decline_code));
static RECORD(stripe_card, FIELD(stripe_card, capture_before));
static RECORD(stripe_payment_method, FIELD_OPTIONAL_OF(stripe_payment_method, card, stripe_card_record));
static RECORD(stripe_charge, FIELD_OPTIONAL_OF(stripe_charge, payment_method_details, stripe_payment_method_record));
static RECORD(stripe_event_data, FIELD_AS_JSON(stripe_event_data, object, .flags = FIELD_REQUIRED));
static RECORD(stripe_object, FIELD(stripe_object, id), FIELD(stripe_object, object), FIELD(stripe_object, type),
              FIELD(stripe_object, status), FIELD(stripe_object, url, .max = 2000), FIELD(stripe_object, currency),
              FIELD_AS_JSON(stripe_object, payment_intent), FIELD_AS_JSON(stripe_object, latest_charge),
              FIELD(stripe_object, cancellation_reason), FIELD(stripe_object, failure_reason),
              FIELD(stripe_object, amount), FIELD(stripe_object, amount_total), FIELD(stripe_object, amount_capturable),
              FIELD(stripe_object, amount_received), FIELD(stripe_object, expires_at), FIELD(stripe_object, created),
              FIELD_OPTIONAL_OF(stripe_object, metadata, stripe_metadata_record),
              FIELD_OPTIONAL_OF(stripe_object, last_payment_error, stripe_failure_record),
              FIELD_AS_JSON(stripe_object, data), FIELD(stripe_object, has_more));

static const char *upper(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);
    for (char *c = copy; c != NULL && *c != '\0'; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    return copy;
}

/* Ids go into paths: letters, digits and underscores, as Stripe makes them. */
static bool is_stripe_id(const char *text)
{
    return text != NULL && text[0] != '\0' &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

static const char *as_token(struct arena *arena, const char *text, const char *otherwise)
{
    if (text == NULL || text[0] == '\0' || strlen(text) > 64 || !text_has_format(text, TEXT_TOKEN))
        return otherwise;
    return arena_strdup(arena, text);
}

/* An amount of Stripe's in ISO 4217's minor units; what can't be ours becomes one that nobody asked for. */
static void set_amount(struct arena *arena, const struct stripe_object *object, int64_t amount, struct fact *fact)
{
    fact->currency = object->currency != NULL ? upper(arena, object->currency) : "";
    const int64_t factor = stripe_factor(fact->currency);
    fact->amount_minor = amount % factor == 0 ? amount / factor : -1;
}

/* What every fact of an object has. Those that stand for a state are named by it, so that seeing it again adds
 * nothing. */
static struct fact fact_of(struct arena *arena, const struct stripe_object *object, enum fact_kind kind, int64_t now)
{
    const struct stripe_metadata *metadata = object->metadata;
    struct fact fact = {.kind = kind, .occurred_at = now};
    int64_t intent = 0;

    if (metadata != NULL && metadata->payment_id != NULL && metadata->intent != NULL &&
        id_is_valid(metadata->payment_id) && text_to_int(metadata->intent, strlen(metadata->intent), &intent) &&
        intent > 0) {
        fact.payment_id = metadata->payment_id;
        fact.intent = intent;
    }
    fact.id = arena_printf(arena, "%s:%s:%" PRId64, object->id, fact_kind_names[kind],
                           object->amount_capturable + object->amount_received + object->amount_total);
    return fact;
}

struct reading {
    struct ctx *ctx;
    int64_t now;
    struct fact *facts; /* room for two an object */
    size_t count;
};

/* Until when the promise can be taken; 0 if that was not told. */
static int64_t read_capture_before(struct ctx *ctx, const char *json)
{
    struct stripe_charge charge = {0};

    if (json == NULL || json[0] != '{')
        return 0;
    if (json_decode(ctx, &stripe_charge_record, json, strlen(json), JSON_OPEN, &charge) != ERR_NONE) {
        ctx_clear_problem(ctx);
        return 0;
    }
    if (charge.payment_method_details == NULL || charge.payment_method_details->card == NULL)
        return 0;
    return charge.payment_method_details->card->capture_before * CLOCK_SECOND;
}

static void read_intent(struct reading *reading, const struct stripe_object *object)
{
    struct arena *arena = reading->ctx->arena;
    struct fact *fact = &reading->facts[reading->count];
    const struct stripe_failure *failure = object->last_payment_error;

    if (text_equal(object->status, "requires_capture")) {
        *fact = fact_of(arena, object, FACT_AUTHORIZED, reading->now);
        set_amount(arena, object, object->amount_capturable, fact);
        fact->expires_at = read_capture_before(reading->ctx, object->latest_charge);
    } else if (text_equal(object->status, "succeeded")) {
        *fact = fact_of(arena, object, FACT_CAPTURED, reading->now);
        set_amount(arena, object, object->amount_received, fact);
    } else if (text_equal(object->status, "canceled")) {
        const char *reason = object->cancellation_reason; /* "automatic": its time was over */
        *fact = fact_of(arena, object, FACT_CANCELLED, reading->now);
        fact->code = text_equal(reason, "automatic") ? "expired" : as_token(arena, reason, "cancelled");
    } else if (text_equal(object->status, "requires_payment_method") && failure != NULL) {
        *fact = fact_of(arena, object, FACT_CARD_REFUSED, reading->now);
        const char *code = failure->decline_code != NULL ? failure->decline_code : failure->code;
        fact->code = as_token(arena, code, "card_declined");
    } else {
        return; /* on its way: nothing can be said yet */
    }
    fact->payment_ref = object->id;
    reading->count++;
}

static void read_refund(struct reading *reading, const struct stripe_object *object, const char *payment_ref)
{
    struct arena *arena = reading->ctx->arena;
    enum fact_kind kind = FACT_REFUND_PENDING;

    if (text_equal(object->status, "succeeded"))
        kind = FACT_REFUNDED;
    else if (text_equal(object->status, "failed") || text_equal(object->status, "canceled"))
        kind = FACT_REFUND_FAILED;

    struct fact *fact = &reading->facts[reading->count++];
    *fact = fact_of(arena, object, kind, reading->now);
    set_amount(arena, object, object->amount, fact);
    fact->payment_ref = payment_ref;
    fact->refund_ref = object->id;
    fact->code = as_token(arena, object->failure_reason, NULL);
}

static void read_session(struct reading *reading, const struct stripe_object *object, const char *payment_ref)
{
    struct arena *arena = reading->ctx->arena;
    struct fact *fact = &reading->facts[reading->count];

    if (text_equal(object->status, "open") && object->url == NULL)
        return; /* a page that nobody can be sent to */
    reading->count++;
    if (text_equal(object->status, "open")) {
        *fact = fact_of(arena, object, FACT_PAGE, reading->now);
        if (object->currency != NULL)
            set_amount(arena, object, object->amount_total, fact);
        fact->redirect_url = object->url;
        fact->expires_at = object->expires_at * CLOCK_SECOND;
    } else if (text_equal(object->status, "expired")) {
        *fact = fact_of(arena, object, FACT_ENDED, reading->now);
        fact->code = "expired";
    } else {
        *fact = fact_of(arena, object, FACT_COMPLETED, reading->now);
    }
    fact->page_ref = object->id;
    fact->payment_ref = payment_ref;
}

/* Reads one object and the PaymentIntent inside it, if it was expanded. False if it is none of Stripe's. */
static bool read_object(struct reading *reading, const struct stripe_object *object)
{
    struct ctx *ctx = reading->ctx;
    const char *inside = object->payment_intent;
    const char *payment_ref = NULL;
    struct stripe_object intent = {0};

    if (!is_stripe_id(object->id))
        return false;
    if (text_equal(object->object, "payment_intent")) {
        read_intent(reading, object);
        return true;
    }
    if (inside != NULL && inside[0] == '"') {
        payment_ref = arena_copy(ctx->arena, inside + 1, strlen(inside) - 2);
    } else if (inside != NULL && inside[0] == '{') {
        if (json_decode(ctx, &stripe_object_record, inside, strlen(inside), JSON_OPEN, &intent) != ERR_NONE)
            return false;
        payment_ref = intent.id;
    }
    if (payment_ref != NULL && !is_stripe_id(payment_ref))
        return false;

    if (text_equal(object->object, "checkout.session"))
        read_session(reading, object, payment_ref);
    else if (text_equal(object->object, "refund"))
        read_refund(reading, object, payment_ref);
    if (intent.id != NULL)
        read_intent(reading, &intent);
    return true;
}

/* Objects of other kinds are none of our business, whatever they look like. */
static bool concerns_us(const char *type)
{
    static const char *const families[] = {"checkout.session.", "payment_intent.", "refund.", "charge.refund."};

    for (size_t i = 0; type != NULL && i < COUNT(families); i++) {
        if (strncmp(type, families[i], strlen(families[i])) == 0)
            return true;
    }
    return false;
}

/* An event tells what its object was like then, under the event's own id. */
static bool read_event(struct reading *reading, const struct stripe_object *event)
{
    struct ctx *ctx = reading->ctx;
    struct stripe_event_data data = {0};
    struct stripe_object object = {0};

    if (event->id == NULL || event->id[0] == '\0' || event->type == NULL)
        return false;
    if (!concerns_us(event->type))
        return true;
    if (event->data == NULL ||
        json_decode(ctx, &stripe_event_data_record, event->data, strlen(event->data), JSON_OPEN, &data) != ERR_NONE ||
        json_decode(ctx, &stripe_object_record, data.object, strlen(data.object), JSON_OPEN, &object) != ERR_NONE)
        return false;

    const size_t before = reading->count;
    const int64_t now = reading->now;
    reading->now = event->created * CLOCK_SECOND;
    const bool understood = read_object(reading, &object);
    reading->now = now;
    for (size_t i = before; i < reading->count; i++)
        reading->facts[i].id = i == before ? event->id : arena_printf(ctx->arena, "%s:%zu", event->id, i - before);
    return understood;
}

static bool read_list(struct reading *reading, const struct stripe_object *list, struct stripe_news *ret)
{
    struct ctx *ctx = reading->ctx;
    struct stripe_object_list items = {0};

    if (list->data == NULL ||
        json_decode_list(ctx, &stripe_object_record, list->data, strlen(list->data), (struct list *)&items) != ERR_NONE)
        return false;
    reading->facts = arena_array(ctx->arena, 2 * items.count, sizeof(struct fact));
    for (size_t i = 0; i < items.count; i++) {
        const struct stripe_object *item = &items.items[i];
        const bool is_event = text_equal(item->object, "event");
        /* One event that can't be read must not hide those behind it; an object that can't be read could be ours. */
        const bool understood = is_event ? read_event(reading, item) : read_object(reading, item);
        if (!is_stripe_id(item->id) || (!understood && !is_event))
            return false;
        ret->last_id = item->id;
        if (is_event && item->created * CLOCK_SECOND > ret->newest)
            ret->newest = item->created * CLOCK_SECOND;
    }
    ret->has_more = list->has_more && items.count > 0;
    return true;
}

bool stripe_read(struct ctx *ctx, const char *body, size_t size, int64_t now, struct stripe_news *ret)
{
    struct reading reading = {.ctx = ctx, .now = now};
    struct stripe_object object = {0};
    bool understood;

    *ret = (struct stripe_news){.newest = 0};
    if (json_decode(ctx, &stripe_object_record, body, size, JSON_OPEN, &object) != ERR_NONE)
        return false;
    if (text_equal(object.object, "list")) {
        understood = read_list(&reading, &object, ret);
    } else {
        reading.facts = arena_array(ctx->arena, 2, sizeof(struct fact));
        understood = read_object(&reading, &object);
    }
    ret->facts = (struct fact_list){.items = reading.facts, .count = reading.count};
    return understood;
}

bool stripe_read_event(struct ctx *ctx, const char *body, size_t size, struct fact_list *ret)
{
    struct reading reading = {.ctx = ctx, .facts = arena_array(ctx->arena, 2, sizeof(struct fact))};
    struct stripe_object event = {0};

    *ret = (struct fact_list){.count = 0};
    if (json_decode(ctx, &stripe_object_record, body, size, JSON_OPEN, &event) != ERR_NONE ||
        !read_event(&reading, &event))
        return false;
    *ret = (struct fact_list){.items = reading.facts, .count = reading.count};
    return true;
}

const char *stripe_error_code(struct arena *arena, const char *body, size_t size)
{
    static const char *const paths[] = {"error.decline_code", "error.code", "error.type"};

    for (size_t i = 0; i < COUNT(paths); i++) {
        const char *code = as_token(arena, json_find(arena, body, size, paths[i]), NULL);
        if (code != NULL)
            return code;
    }
    return "refused";
}
