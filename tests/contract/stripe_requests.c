/* Prints every request that payment's adaptor makes, for test_stripe_mock.py: a line of operation, method, path and
 * form each, told apart by tabs. Nothing is sent here. */
#include <stdio.h>

#include "clock.h"
#include "stripe.h"

#define PAYMENT "01920c5e-9d44-7f0b-8a6e-51c7e2b9d302"
#define KEY "wb-" PAYMENT "-1-refund-3"
#define NOW (1700000000 * CLOCK_SECOND)

static void show(const char *operation, const struct psp_call *call)
{
    printf("%s\t%s\t%s\t%s\n", operation, call->method, call->path, call->form != NULL ? call->form : "");
    if (call->also != NULL)
        printf("%s, its second question\t%s\t%s\t\n", operation, call->method, call->also);
}

static void ask_for_money(struct arena *arena, const struct payment *payment, struct intent *intent)
{
    static const char *const currencies[] = {"EUR", "GBP", "JPY", "ISK", "KWD"};
    static const char *const locales[] = {"de-AT", "en-GB", "fil-PH", "xx"};

    for (size_t i = 0; i < COUNT(currencies); i++) {
        struct psp_call call = {0};
        intent->currency = currencies[i];
        intent->locale = locales[i % COUNT(locales)];
        stripe_make_page(arena, payment, intent, "https://shop.example:8080", &call);
        show("authorize", &call);
    }
    intent->currency = "EUR";
}

static void ask_for_truth(struct arena *arena, struct intent *intent)
{
    struct intent known = *intent;
    struct psp_call calls[4] = {0};

    stripe_query(arena, &known, &calls[0]);
    known.page_ref = NULL;
    stripe_query(arena, &known, &calls[1]);
    known.payment_ref = NULL;
    stripe_query(arena, &known, &calls[2]);
    intent->captured_minor = intent->amount_minor;
    stripe_query(arena, intent, &calls[3]);
    for (size_t i = 0; i < COUNT(calls); i++)
        show("query", &calls[i]);
    printf("query, next page\tGET\t%s\t\n", stripe_next_page(arena, calls[2].path, "cs_test_a1"));
    printf("poll\tGET\t%s\t\n", stripe_events_path(arena, NOW, NULL));
    printf("poll, next page\tGET\t%s\t\n", stripe_events_path(arena, NOW, "evt_a1"));
}

int main(void)
{
    struct arena *arena = arena_new(1 << 20);
    const struct payment payment = {.head = {.id = PAYMENT}, .shop = "main"};
    struct psp_call calls[4] = {0};
    struct intent intent = {
        .number = 1,
        .method = "card",
        .amount_minor = 12500,
        .currency = "EUR",
        .locale = "de-AT",
        .expires_at = NOW + 3600 * CLOCK_SECOND,
        .created_at = NOW,
        .page_ref = "cs_test_a1",
        .payment_ref = "pi_a1",
    };

    ask_for_money(arena, &payment, &intent);
    stripe_expire(arena, &intent, &calls[0]);
    show("expire", &calls[0]);
    stripe_capture(arena, &intent, &calls[1]);
    show("capture", &calls[1]);
    stripe_void(arena, &intent, &calls[2]);
    show("void", &calls[2]);
    ask_for_truth(arena, &intent);
    stripe_refund(arena, &payment, &intent, KEY, &calls[3]);
    show("refund", &calls[3]);
    arena_free(arena);
    return 0;
}
