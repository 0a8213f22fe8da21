/*
 * api - what every call of Stripe's API goes through: the key, the form, faults on demand, Idempotency-Key, the list of
 * requests. Then the operation runs in one unit of work.
 */
#ifndef PSP_SANDBOX_API_H
#define PSP_SANDBOX_API_H

#include "form.h"
#include "psp.h"
#include "store.h"
#include "view.h"
#include "webhook.h"

#define LIST_LIMIT_DEFAULT 10
#define LIST_LIMIT_MAX 100

struct operation;

struct asked {
    struct ctx *ctx;
    struct psp *psp;
    const struct operation *operation;
    struct form form;
    const char *key; /* Idempotency-Key, or NULL */
    struct fault fault;
    struct uow *uow; /* while the operation runs */

    /* the answer */
    int status;
    const char *body;
    bool replayed;
    bool hangs; /* keeps the caller waiting instead */
};

struct operation {
    const char *method;
    const char *path; /* as the route has it */
    enum operation_group group;
    const struct form_spec *params;
    /* Answers by reply_*(), refusals too, which come before the first change. An error means that it could not be done
     * and may be tried again. */
    enum err (*run)(struct asked *asked);
};

/* Sets the answer. They return ERR_NONE, so that a refusal can be returned. */
enum err reply(struct asked *asked, const char *body);
enum err reply_error(struct asked *asked, int status, const struct error_view *error);
enum err reply_missing(struct asked *asked, const char *what, const char *id, const char *param);
enum err reply_refusal(struct asked *asked, const struct refusal *refusal, const struct intent *intent);

/* The bits of `expand[]`; false after an answer that names what can't be expanded. `known` lists "payment_intent", ...
 * with their bits, ended by a NULL name. */
struct expandable {
    const char *name;
    unsigned bits;
};
bool read_expand(struct asked *asked, const struct expandable *known, unsigned *ret);

/* --- lists --- */

#define LIST_TIME_MAX INT64_C(99999999999) /* seconds */

/* What every list takes. */
/* clang-format off */
#define LIST_PARAMS                                                                                                    \
    { "limit",          FORM_INT, 1, LIST_LIMIT_MAX },                                                                 \
    { "starting_after", FORM_TEXT, .most = 255 },                                                                      \
    { "ending_before",  FORM_TEXT, .most = 255 },                                                                      \
    { "created",        FORM_INT, 0, LIST_TIME_MAX },                                                                  \
    { "created[gt]",    FORM_INT, 0, LIST_TIME_MAX },                                                                  \
    { "created[gte]",   FORM_INT, 0, LIST_TIME_MAX },                                                                  \
    { "created[lt]",    FORM_INT, 0, LIST_TIME_MAX },                                                                  \
    { "created[lte]",   FORM_INT, 0, LIST_TIME_MAX },                                                                  \
    { "expand[]",       FORM_TEXT, .most = 100 }
/* clang-format on */

struct page {
    int64_t above; /* serial numbers, both excluded; -1: the list begins with the newest */
    int64_t below;
    int64_t from; /* seconds, included */
    int64_t to;   /* excluded */
    int64_t limit;
};

struct place {
    int64_t serial;
};
extern const struct record place_record;

/* Finds the serial number of an id. */
typedef enum err (*find_place)(struct uow *uow, const char *id, struct place *ret, bool *ret_found);

/* What part of a list is asked for; *ret_good is false after an answer that names a cursor which isn't there. */
enum err read_page(struct asked *asked, find_place find, struct page *ret, bool *ret_good) MUST_USE;

/* Answers with the items (JSON) of a page in the order in which they were read: limit + 1 of them mean there are more.
 */
enum err reply_list(struct asked *asked, const struct page *page, struct texts items);

/* All operations, ended by a NULL method; and what serves them. */
extern const struct operation session_operations[], intent_operations[], refund_operations[], event_operations[];
enum err api_handle(struct ctx *ctx, const void *in, void *ret);

#endif
