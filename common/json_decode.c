/*
 * json_decode - tokens into structs, by their records.
 *
 * A stack of frames follows the open objects and arrays, each with the place where its content goes. A value that
 * nobody wants, that has the wrong shape, or that is kept as text is skipped whole, by counting what it opens.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "json.h"
#include "json_parse.h"
#include "json_scalar.h"
#include "text.h"

#define KEY_SHOWN_MAX 64    /* bytes of an unknown member's name in a complaint */
#define PATH_MAX_BYTES 1000 /* of a path in a complaint */
#define FIRST_ITEMS 4       /* room in a list that has begun */

/* Money as JSON has it; its currency is checked before it gets into the three letters of struct money. */
struct money_text {
    int64_t amount;
    const char *currency;
};

static RECORD(money_text, FIELD(money_text, amount, .flags = FIELD_REQUIRED),
              FIELD(money_text, currency, .flags = FIELD_REQUIRED, .format = TEXT_CURRENCY));

struct frame {
    const struct record *record; /* of an object; NULL: this is an array */
    const struct field *of;      /* the field whose value this object or array is */
    char *target;                /* object: the struct to fill; array: the struct list or texts */

    /* Objects. */
    const struct field *member; /* the field being read, or NULL if its value is to be skipped */
    size_t hint;                /* where the next member's field probably is */
    uint64_t seen;              /* bit i: field i was there */
    uint64_t given;             /* bit i: field i was there and not null */
    struct money *money;        /* where the money goes, if it is one */

    /* Arrays. */
    char *items;
    size_t item_size;
    size_t count; /* items begun, the one being read included */
    size_t capacity;
};

struct decoder {
    struct ctx *ctx;
    const char *bytes;
    enum json_mode mode;
    const struct field *root;
    void *ret;
    bool failed;
    bool full; /* no complaint has room any more: nothing is decoded, but the text must still be JSON */

    struct frame frames[JSON_DEPTH_MAX];
    size_t depth;

    size_t skipped;             /* objects and arrays open in the value that is skipped */
    const char **kept;          /* where the text of the skipped value goes, or NULL */
    const struct field *keeper; /* the field that keeps it */
    size_t kept_from;

    struct money_text money;
};

/* -- Complaints ------------------------------------------------------------------------------------------------------
 */

/* The path through the first `levels` frames and perhaps a member below: lines[2].quantity. */
static const char *path_of(const struct decoder *decoder, size_t levels, const char *member)
{
    struct buf path;

    buf_init(&path, decoder->ctx->arena, PATH_MAX_BYTES);
    for (size_t i = 0; i < levels; i++) {
        const struct frame *frame = &decoder->frames[i];
        if (frame->record == NULL)
            buf_printf(&path, "[%zu]", frame->count - 1);
        else
            buf_printf(&path, "%s%s", path.size > 0 ? "." : "", frame->member->name);
    }
    if (member != NULL)
        buf_printf(&path, "%s%s", path.size > 0 ? "." : "", member);
    return path.data;
}

static void complain_at(struct decoder *decoder, size_t levels, const char *member, const char *message)
{
    struct ctx *ctx = decoder->ctx;

    decoder->failed = true;
    /* The kind is returned when the text has been read. */
    if (levels == 0 && member == NULL)
        (void)FAIL(ctx, INVALID, "the body %s", message);
    else
        (void)err_field(ctx, path_of(decoder, levels, member), "%s", message);
    decoder->full = ctx->problem.error_count == FIELD_ERRORS_MAX;
}

/* About the value being read; NULL is no complaint. */
static void complain(struct decoder *decoder, const char *message)
{
    if (message != NULL)
        complain_at(decoder, decoder->depth, NULL, message);
}

/* -- Where values go -------------------------------------------------------------------------------------------------
 */

static size_t items_max(const struct field *field)
{
    return field->max > 0 ? field->max : LIST_MAX;
}

/* Room for one more item. The old items may be left behind: nothing points to them but the frame. */
static void *add_item(struct decoder *decoder, struct frame *frame)
{
    size_t index = frame->count - 1;

    if (index == frame->capacity) {
        size_t capacity = index == 0 ? FIRST_ITEMS : index * 2;
        char *items = arena_array(decoder->ctx->arena, capacity, frame->item_size);
        if (index > 0)
            memcpy(items, frame->items, index * frame->item_size);
        frame->items = items;
        frame->capacity = capacity;
    }
    return frame->items + index * frame->item_size;
}

/* Finds the place of the value that comes now. False: there is none, and the value is to be skipped. */
static bool next_slot(struct decoder *decoder, struct json_slot *ret)
{
    if (decoder->depth == 0) {
        *ret = (struct json_slot){.field = decoder->root, .type = decoder->root->type, .at = decoder->ret};
        return true;
    }

    struct frame *frame = &decoder->frames[decoder->depth - 1];
    if (frame->record != NULL) {
        const struct field *field = frame->member;
        if (field == NULL)
            return false;
        frame->given |= UINT64_C(1) << (field - frame->record->fields);
        *ret = (struct json_slot){
            .field = field,
            .type = field->type,
            .limits = frame->money != NULL ? frame->of : NULL,
            .at = frame->target + field->offset,
        };
        return true;
    }

    /* An array that is too long is read on to be counted; on_end() complains. */
    if (++frame->count > items_max(frame->of))
        return false;
    enum field_type type = frame->of->type == FIELD_LIST ? FIELD_OBJECT : FIELD_TEXT;
    *ret = (struct json_slot){.field = frame->of, .type = type, .at = add_item(decoder, frame)};
    return true;
}

static void open_object(struct decoder *decoder, const struct json_slot *slot)
{
    struct frame frame = {.of = slot->field, .record = slot->field->record, .target = slot->at};

    if (slot->type == FIELD_MONEY) {
        decoder->money = (struct money_text){0};
        frame.record = &money_text_record;
        frame.target = (char *)&decoder->money;
        frame.money = slot->at;
    } else if (slot->type == FIELD_OPTIONAL) {
        frame.target = arena_alloc(decoder->ctx->arena, frame.record->size);
        *(void **)slot->at = frame.target;
    }
    assert(frame.record->count <= 64 && decoder->depth < JSON_DEPTH_MAX);
    record_fallbacks(frame.record, frame.target);
    decoder->frames[decoder->depth++] = frame;
}

static void open_array(struct decoder *decoder, const struct json_slot *slot)
{
    const struct field *field = slot->field;
    size_t item_size = slot->type == FIELD_LIST ? field->record->size : sizeof(const char *);

    assert(decoder->depth < JSON_DEPTH_MAX);
    decoder->frames[decoder->depth++] = (struct frame){.of = field, .target = slot->at, .item_size = item_size};
}

/* -- Tokens ----------------------------------------------------------------------------------------------------------
 */

static bool is_object(enum field_type type)
{
    return type == FIELD_OBJECT || type == FIELD_OPTIONAL || type == FIELD_MONEY;
}

static bool is_array(enum field_type type)
{
    return type == FIELD_LIST || type == FIELD_TEXTS;
}

static void on_begin(struct decoder *decoder, const struct json_token *token)
{
    bool object = token->kind == JSON_OBJECT_BEGIN;
    struct json_slot slot;

    decoder->kept = NULL;
    if (!next_slot(decoder, &slot)) {
        decoder->skipped = 1;
    } else if (slot.type == FIELD_JSON) {
        decoder->skipped = 1;
        decoder->kept = slot.at;
        decoder->keeper = slot.field;
        decoder->kept_from = token->start;
    } else if (object && is_object(slot.type)) {
        open_object(decoder, &slot);
    } else if (!object && is_array(slot.type)) {
        open_array(decoder, &slot);
    } else {
        complain(decoder, json_shape(slot.type));
        decoder->skipped = 1;
    }
}

static void on_skipped(struct decoder *decoder, const struct json_token *token)
{
    if (token->kind == JSON_OBJECT_BEGIN || token->kind == JSON_ARRAY_BEGIN)
        decoder->skipped++;
    else if (token->kind == JSON_OBJECT_END || token->kind == JSON_ARRAY_END)
        decoder->skipped--;

    if (decoder->kept == NULL)
        return;
    if (token->flaw != NULL) {
        complain(decoder, token->flaw);
        decoder->kept = NULL;
    } else if (decoder->skipped == 0) {
        size_t from = decoder->kept_from;
        complain(decoder, json_keep(decoder->ctx->arena, decoder->keeper, decoder->bytes + from, token->end - from,
                                    decoder->kept));
    }
}

/* The field of a member, tried first after the one before it: most texts keep the record's order. */
static const struct field *find_member(struct frame *frame, const struct json_token *token)
{
    const struct record *record = frame->record;
    const struct field *field;

    if (frame->hint < record->count && text_is(record->fields[frame->hint].name, token->text, token->size))
        field = &record->fields[frame->hint];
    else
        field = record_field(record, token->text, token->size);
    if (field != NULL)
        frame->hint = (size_t)(field - record->fields) + 1;
    return field;
}

static void on_key(struct decoder *decoder, const struct json_token *token)
{
    struct frame *frame = &decoder->frames[decoder->depth - 1];

    frame->member = find_member(frame, token);
    if (frame->member == NULL) {
        if (decoder->mode == JSON_OPEN)
            return;
        size_t shown = token->size < KEY_SHOWN_MAX ? token->size : KEY_SHOWN_MAX;
        const char *name = arena_copy(decoder->ctx->arena, token->text, utf8_valid_size(token->text, shown));
        complain_at(decoder, decoder->depth - 1, name, "is not known here");
        return;
    }

    uint64_t bit = UINT64_C(1) << (frame->member - frame->record->fields);
    if ((frame->seen & bit) != 0) {
        complain(decoder, "is given twice");
        frame->member = NULL;
    }
    frame->seen |= bit;
}

static void close_object(struct decoder *decoder, const struct frame *frame)
{
    for (size_t i = 0; i < frame->record->count; i++) {
        const struct field *field = &frame->record->fields[i];
        if ((field->flags & FIELD_REQUIRED) != 0 && (frame->given & UINT64_C(1) << i) == 0)
            complain_at(decoder, decoder->depth, field->name, "is required");
    }
    if (frame->money != NULL && decoder->money.currency != NULL)
        *frame->money = money_of(decoder->money.amount, decoder->money.currency);
}

/* "must have at least 1 item" */
static const char *count_complaint(const struct decoder *decoder, const char *bound, size_t items)
{
    return arena_printf(decoder->ctx->arena, "must have at %s %zu item%s", bound, items, items == 1 ? "" : "s");
}

static void close_array(struct decoder *decoder, const struct frame *frame)
{
    size_t min = frame->of->min;
    size_t max = items_max(frame->of);

    if (frame->count > max)
        complain(decoder, count_complaint(decoder, "most", max));
    else if (frame->count < min)
        complain(decoder, count_complaint(decoder, "least", min));
    else
        /* By memcpy: struct list stands for every { T *items; size_t count; }. */
        memcpy(frame->target, &(struct list){frame->items, frame->count}, sizeof(struct list));
}

static void on_end(struct decoder *decoder)
{
    /* Closed first, so that complaints are about the object or array itself. */
    const struct frame *frame = &decoder->frames[--decoder->depth];

    if (frame->record != NULL)
        close_object(decoder, frame);
    else
        close_array(decoder, frame);
}

static void on_scalar(struct decoder *decoder, const struct json_token *token)
{
    struct json_slot slot;

    /* In what others tell us, a member that is null counts as absent; our own contracts know no null. */
    if (token->kind == JSON_NULL && decoder->mode == JSON_OPEN && decoder->depth > 0 &&
        decoder->frames[decoder->depth - 1].record != NULL)
        return;
    if (!next_slot(decoder, &slot))
        return;
    if (token->kind == JSON_NULL)
        complain(decoder, json_shape(slot.type));
    else
        complain(decoder, json_put(decoder->ctx->arena, &slot, token, decoder->bytes));
}

static void visit(void *self, const struct json_token *token)
{
    struct decoder *decoder = self;

    if (decoder->full)
        return;
    if (decoder->skipped > 0) {
        on_skipped(decoder, token);
        return;
    }
    switch (token->kind) {
    case JSON_KEY:
        on_key(decoder, token);
        return;
    case JSON_OBJECT_BEGIN:
    case JSON_ARRAY_BEGIN:
        on_begin(decoder, token);
        return;
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
        on_end(decoder);
        return;
    case JSON_NULL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NUMBER:
    case JSON_TEXT:
        on_scalar(decoder, token);
        return;
    }
}

/* -- Entry points ----------------------------------------------------------------------------------------------------
 */

static enum err decode(struct ctx *ctx, const struct field *root, const char *bytes, size_t size, enum json_mode mode,
                       void *ret)
{
    struct decoder decoder = {.ctx = ctx, .bytes = bytes, .mode = mode, .root = root, .ret = ret};
    struct json_fault fault;

    if (!json_parse(bytes, size, JSON_DEPTH_MAX, visit, &decoder, &fault))
        return FAIL(ctx, MALFORMED, "not JSON near byte %zu: %s", fault.at, fault.why);
    return decoder.failed ? ERR_INVALID : ERR_NONE;
}

enum err json_decode(struct ctx *ctx, const struct record *record, const char *bytes, size_t size, enum json_mode mode,
                     void *ret)
{
    const struct field root = {.type = FIELD_OBJECT, .record = record};

    memset(ret, 0, record->size);
    return decode(ctx, &root, bytes, size, mode, ret);
}

enum err json_decode_list(struct ctx *ctx, const struct record *record, const char *bytes, size_t size,
                          struct list *ret)
{
    /* A list in a table was limited when it came in; here only the text's size limits it. */
    const struct field root = {.type = FIELD_LIST, .record = record, .max = SIZE_MAX};

    *ret = (struct list){0};
    return decode(ctx, &root, bytes, size, JSON_OPEN, ret);
}

enum err json_decode_texts(struct ctx *ctx, const char *bytes, size_t size, struct texts *ret)
{
    const struct field root = {.type = FIELD_TEXTS, .max = SIZE_MAX};

    *ret = (struct texts){0};
    return decode(ctx, &root, bytes, size, JSON_OPEN, ret);
}
