/* What we ask, in Stripe's words. */
#include "stripe.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "text.h"

#define FORM_MAX 8000

/* Currencies whose minor unit at Stripe is a hundredth of ISO 4217's. */
static const char *const hundredfold[] = {"ISK", "UGX", NULL};

int64_t stripe_factor(const char *currency)
{
    for (size_t i = 0; hundredfold[i] != NULL; i++) {
        if (text_equal(hundredfold[i], currency))
            return 100;
    }
    return 1;
}

static const char *lower(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);
    for (char *c = copy; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    return copy;
}

/* The languages of the page; any other shopper sees it in the browser's. */
static const char *const page_languages =
    "bg cs da de el en es et fi fil fr hr hu id it ja ko lt lv ms mt nb nl pl pt ro ru sk sl sv th tr vi zh";

static const char *page_locale(struct arena *arena, const char *locale)
{
    const char *language = arena_copy(arena, locale, strcspn(locale, "-"));
    return text_has_word(page_languages, language) ? language : "auto";
}

static void post(struct psp_call *call, const char *path, const struct buf *form)
{
    call->method = "POST";
    call->path = path;
    call->form = form != NULL ? form->data : NULL;
}

static void add_metadata(struct buf *form, const char *where, const struct payment *payment,
                         const struct intent *intent)
{
    struct arena *arena = form->arena;

    form_add(form, arena_printf(arena, "%s[payment_id]", where), payment->head.id);
    form_add_int(form, arena_printf(arena, "%s[intent]", where), intent->number);
}

void stripe_make_page(struct arena *arena, const struct payment *payment, const struct intent *intent,
                      const char *public_url, struct psp_call *ret)
{
    const char *back = arena_printf(arena, "%s/return/%s", public_url, payment->head.id);
    struct buf form;

    buf_init(&form, arena, FORM_MAX);
    form_add(&form, "mode", "payment");
    form_add(&form, "payment_method_types[0]", "card");
    form_add(&form, "line_items[0][quantity]", "1");
    form_add(&form, "line_items[0][price_data][currency]", lower(arena, intent->currency));
    form_add_int(&form, "line_items[0][price_data][unit_amount]",
                 intent->amount_minor * stripe_factor(intent->currency));
    form_add(&form, "line_items[0][price_data][product_data][name]", arena_printf(arena, "Order at %s", payment->shop));
    form_add(&form, "client_reference_id", payment->head.id);
    add_metadata(&form, "metadata", payment, intent);
    add_metadata(&form, "payment_intent_data[metadata]", payment, intent);
    form_add(&form, "payment_intent_data[capture_method]", "manual");
    form_add(&form, "locale", page_locale(arena, intent->locale));
    form_add_int(&form, "expires_at", intent->expires_at / CLOCK_SECOND);
    form_add(&form, "success_url", arena_printf(arena, "%s?session={CHECKOUT_SESSION_ID}", back));
    form_add(&form, "cancel_url", back);
    post(ret, "/v1/checkout/sessions", &form);
}

void stripe_expire(struct arena *arena, const struct intent *intent, struct psp_call *ret)
{
    post(ret, arena_printf(arena, "/v1/checkout/sessions/%s/expire", intent->page_ref), NULL);
}

void stripe_capture(struct arena *arena, const struct intent *intent, struct psp_call *ret)
{
    struct buf form;

    buf_init(&form, arena, FORM_MAX);
    form_add_int(&form, "amount_to_capture", intent->amount_minor * stripe_factor(intent->currency));
    post(ret, arena_printf(arena, "/v1/payment_intents/%s/capture", intent->payment_ref), &form);
}

void stripe_void(struct arena *arena, const struct intent *intent, struct psp_call *ret)
{
    struct buf form;

    buf_init(&form, arena, FORM_MAX);
    form_add(&form, "cancellation_reason", "requested_by_customer");
    post(ret, arena_printf(arena, "/v1/payment_intents/%s/cancel", intent->payment_ref), &form);
}

void stripe_refund(struct arena *arena, const struct payment *payment, const struct intent *intent, const char *key,
                   struct psp_call *ret)
{
    const int64_t amount = intent->captured_minor - intent->refunded_minor;
    struct buf form;

    buf_init(&form, arena, FORM_MAX);
    form_add(&form, "payment_intent", intent->payment_ref);
    form_add_int(&form, "amount", amount * stripe_factor(intent->currency));
    form_add(&form, "reason", "requested_by_customer");
    add_metadata(&form, "metadata", payment, intent);
    form_add(&form, "metadata[refund]", key);
    post(ret, "/v1/refunds", &form);
}

void stripe_query(struct arena *arena, const struct intent *intent, struct psp_call *ret)
{
    const bool gives_back = intent->captured_minor > 0 || intent->state == INTENT_REFUNDING;

    ret->method = "GET";
    if (intent->page_ref != NULL)
        ret->path = arena_printf(arena, "/v1/checkout/sessions/%s?expand%%5B%%5D=payment_intent.latest_charge",
                                 intent->page_ref);
    else if (intent->payment_ref != NULL)
        ret->path = arena_printf(arena, "/v1/payment_intents/%s?expand%%5B%%5D=latest_charge", intent->payment_ref);
    else /* a minute earlier, since our clock and Stripe's differ */
        ret->path = arena_printf(arena,
                                 "/v1/checkout/sessions?created%%5Bgte%%5D=%" PRId64
                                 "&limit=100&expand%%5B%%5D=data.payment_intent.latest_charge",
                                 intent->created_at / CLOCK_SECOND - 60);
    if (gives_back && intent->payment_ref != NULL)
        ret->also = arena_printf(arena, "/v1/refunds?payment_intent=%s&limit=100", intent->payment_ref);
}

/* Only what did not reach us: our gateway says 2xx once an event is stored, and Stripe remembers that. */
const char *stripe_events_path(struct arena *arena, int64_t since, const char *after)
{
    static const char *const types[] = {"checkout.session.expired", "payment_intent.amount_capturable_updated",
                                        "payment_intent.succeeded", "payment_intent.payment_failed",
                                        "payment_intent.canceled",  "refund.created",
                                        "refund.updated",           "refund.failed"};
    struct buf path;

    buf_init(&path, arena, 1000);
    buf_printf(&path, "/v1/events?created%%5Bgte%%5D=%" PRId64 "&limit=100&delivery_success=false",
               since / CLOCK_SECOND);
    for (size_t i = 0; i < COUNT(types); i++)
        buf_printf(&path, "&types%%5B%%5D=%s", types[i]);
    return after != NULL ? stripe_next_page(arena, path.data, after) : path.data;
}

const char *stripe_next_page(struct arena *arena, const char *path, const char *after)
{
    return arena_printf(arena, "%s&starting_after=%s", path, after);
}
