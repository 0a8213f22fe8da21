/* The payment page, where a shopper's browser is sent: a form for the card, and the bank's question. No scripts. */
#include "page.h"

#include <ctype.h>
#include <string.h>

#include "form.h"
#include "joint.h"
#include "money.h"
#include "pay.h"
#include "text.h"

#define PAGE_MAX ((size_t)32 * 1024)
#define PLACEHOLDER "{CHECKOUT_SESSION_ID}"
#define HTML_TYPE "text/html; charset=utf-8"

static const char head[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\"><title>Sandbox payment</title><style>"
    "body{font:16px/1.5 sans-serif;max-width:26rem;margin:2rem auto;padding:0 1rem}"
    "label{display:block;margin:.8rem "
    "0}input{display:block;width:100%;padding:.5rem;font:inherit;box-sizing:border-box}"
    "button{font:inherit;padding:.6rem 1.2rem;margin:.5rem .5rem 0 0}.refused{color:#a00}.small{color:#555}"
    "</style></head><body><h1>Sandbox payment</h1>";
static const char tail[] = "<p class=\"small\">This is a test page: no money moves.</p></body></html>";

/* --- answers --- */

static enum err answer_page(struct ctx *ctx, int status, const struct buf *buf)
{
    http_status(ctx, status);
    http_header(ctx, "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    http_header(ctx, "Referrer-Policy", "no-referrer");
    http_text(ctx, HTML_TYPE, buf->data, buf->size);
    return ERR_NONE;
}

static enum err redirect(struct ctx *ctx, const char *to)
{
    http_status(ctx, 303);
    http_header(ctx, "Location", to);
    return ERR_NONE;
}

/* The shop's URL with the session's id in its place. */
static const char *fill_in(struct arena *arena, const char *url, const char *session_id)
{
    const char *at = strstr(url, PLACEHOLDER);

    if (at == NULL)
        return url;
    return arena_printf(arena, "%.*s%s%s", (int)(at - url), url, session_id, at + sizeof(PLACEHOLDER) - 1);
}

static enum err return_to_shop(struct ctx *ctx, const struct session *session)
{
    return redirect(ctx, fill_in(ctx->arena, session->success_url, session->id));
}

static void begin(struct ctx *ctx, struct buf *buf)
{
    buf_init(buf, ctx->arena, PAGE_MAX);
    buf_add_text(buf, head);
}

static void add_amount(struct buf *buf, const struct session *session)
{
    char currency[4] = "";
    char text[MONEY_TEXT];

    for (size_t i = 0; i < 3; i++)
        currency[i] = (char)toupper((unsigned char)session->currency[i]);
    buf_add_text(buf, "<p id=\"title\">");
    buf_add_html(buf, session->title);
    buf_add_text(buf, "</p><p><strong id=\"amount\">");
    buf_add_html(buf, money_format(money_of(session->amount, currency), text));
    buf_add_text(buf, "</strong></p>");
}

static enum err answer_over(struct ctx *ctx, const struct session *session)
{
    struct buf buf;

    begin(ctx, &buf);
    buf_add_text(&buf, "<p id=\"over\">This payment page has expired.</p>");
    if (session->cancel_url != NULL) {
        buf_add_text(&buf, "<p><a href=\"");
        buf_add_html(&buf, fill_in(ctx->arena, session->cancel_url, session->id));
        buf_add_text(&buf, "\">Back to the shop</a></p>");
    }
    buf_add_text(&buf, tail);
    return answer_page(ctx, 410, &buf);
}

static enum err answer_nowhere(struct ctx *ctx)
{
    struct buf buf;

    begin(ctx, &buf);
    buf_add_text(&buf, "<p>There is no such payment.</p>");
    buf_add_text(&buf, tail);
    return answer_page(ctx, 404, &buf);
}

/* The form; `code` and `message` tell why the last card was refused. */
static enum err answer_form(struct ctx *ctx, const struct session *session, const char *code, const char *message)
{
    struct buf buf;

    begin(ctx, &buf);
    add_amount(&buf, session);
    if (message != NULL) {
        buf_add_text(&buf, "<p class=\"refused\" role=\"alert\" data-code=\"");
        buf_add_html(&buf, code);
        buf_add_text(&buf, "\">");
        buf_add_html(&buf, message);
        buf_add_text(&buf, "</p>");
    }
    buf_add_text(&buf, "<form method=\"post\" action=\"/pay/");
    buf_add_html(&buf, session->id);
    buf_add_text(&buf,
                 "\"><label>Card number<input name=\"card_number\" inputmode=\"numeric\" autocomplete=\"off\" "
                 "placeholder=\"4242 4242 4242 4242\"></label>"
                 "<label>Expiry<input name=\"card_expiry\" autocomplete=\"off\" placeholder=\"12 / 40\"></label>"
                 "<label>CVC<input name=\"card_cvc\" inputmode=\"numeric\" autocomplete=\"off\" placeholder=\"123\">"
                 "</label><button name=\"action\" value=\"pay\">Pay</button>");
    if (session->cancel_url != NULL)
        buf_add_text(&buf, "<button name=\"action\" value=\"cancel\">Cancel</button>");
    buf_add_text(&buf, "</form>");
    buf_add_text(&buf, tail);
    return answer_page(ctx, message != NULL ? 402 : 200, &buf);
}

/* --- looking at it --- */

static enum err find_session(struct ctx *ctx, struct session *ret, bool *ret_found)
{
    READING(ctx, uow);
    return session_find(uow, path_param(ctx, "session"), ret, ret_found);
}

static bool is_over(const struct session *session)
{
    return text_equal(session->status, "expired") || (text_equal(session->status, "open") && session->is_over);
}

enum err page_show(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct session session;
    bool found;

    TRY(find_session(ctx, &session, &found));
    if (!found)
        return answer_nowhere(ctx);
    if (text_equal(session.status, "complete"))
        return return_to_shop(ctx, &session);
    return is_over(&session) ? answer_over(ctx, &session) : answer_form(ctx, &session, NULL, NULL);
}

enum err page_show_challenge(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct session session;
    struct buf buf;
    bool found;

    TRY(find_session(ctx, &session, &found));
    if (!found)
        return answer_nowhere(ctx);
    if (!text_equal(session.status, "open") || is_over(&session) ||
        !text_equal(session.intent_status, intent_status_names[INTENT_REQUIRES_ACTION]))
        return redirect(ctx, arena_printf(ctx->arena, "/pay/%s", session.id));

    begin(ctx, &buf);
    add_amount(&buf, &session);
    buf_add_text(&buf, "<p>Your bank asks whether it is you who pays.</p><form method=\"post\" action=\"/pay/");
    buf_add_html(&buf, session.id);
    buf_add_text(&buf, "/3ds\"><button name=\"action\" value=\"approve\">Approve</button>"
                       "<button name=\"action\" value=\"refuse\">Refuse</button></form>");
    buf_add_text(&buf, tail);
    return answer_page(ctx, 200, &buf);
}

/* --- sending the forms --- */

/* clang-format off */
static const struct form_spec card_fields[] = {
    { "card_number", FORM_TEXT, .most = 40 },
    { "card_expiry", FORM_TEXT, .most = 10 },
    { "card_cvc",    FORM_TEXT, .most = 4 },
    { "action",      FORM_CHOICE, .choices = "pay cancel", .required = true },
    { NULL },
};

static const struct form_spec challenge_fields[] = {
    { "action", FORM_CHOICE, .choices = "approve refuse", .required = true },
    { NULL },
};
/* clang-format on */

/* Browsers send fields that were left empty; they count as absent. */
static void drop_empty(struct form *form)
{
    size_t kept = 0;

    for (size_t i = 0; i < form->count; i++) {
        if (form->items[i].value[0] != '\0')
            form->items[kept++] = form->items[i];
    }
    form->count = kept;
}

/* A form of ours; *ret_good is false after a page that says what is wrong with it. */
static enum err read_fields(struct ctx *ctx, const struct form_spec *specs, struct form *ret, bool *ret_good)
{
    struct form_error error;
    struct buf buf;
    size_t size;
    const char *body = request_body(ctx, &size);

    *ret_good = form_parse(ctx->arena, body, size, ret, &error);
    if (*ret_good) {
        drop_empty(ret);
        *ret_good = form_check(ctx->arena, ret, specs, &error);
    }
    if (*ret_good)
        return ERR_NONE;
    begin(ctx, &buf);
    buf_add_text(&buf, "<p class=\"refused\" role=\"alert\">");
    buf_add_html(&buf, error.message);
    buf_add_text(&buf, "</p>");
    buf_add_text(&buf, tail);
    return answer_page(ctx, 400, &buf);
}

/* Where the shopper goes next. */
static enum err answer_paid(struct ctx *ctx, const struct payment *payment, enum paid paid)
{
    const struct session *session = &payment->session;
    const struct charge *charge = &payment->intent.charge;

    switch (paid) {
    case PAID:
        return return_to_shop(ctx, session);
    case PAY_AGAIN:
        return answer_form(ctx, session, charge->failure_code, charge->failure_message);
    case PAY_CHALLENGED:
        return redirect(ctx, arena_printf(ctx->arena, "/pay/%s/3ds", session->id));
    case PAY_OVER:
        return answer_over(ctx, session);
    case PAY_NOT_ASKED:
        break;
    }
    return redirect(ctx, arena_printf(ctx->arena, "/pay/%s", session->id));
}

/* What can be said before a bank is asked. */
static enum err answer_first(struct ctx *ctx, const struct session *session, const char *code, const char *message)
{
    if (text_equal(session->status, "complete"))
        return return_to_shop(ctx, session);
    if (is_over(session))
        return answer_over(ctx, session);
    return answer_form(ctx, session, code, message);
}

static enum err cancel_page(struct ctx *ctx, const char *id)
{
    struct session session;
    bool found;

    TRY(find_session(ctx, &session, &found));
    if (!found)
        return answer_nowhere(ctx);
    return redirect(ctx, session.cancel_url != NULL ? fill_in(ctx->arena, session.cancel_url, id)
                                                    : arena_printf(ctx->arena, "/pay/%s", id));
}

static enum err refuse_number(struct ctx *ctx)
{
    struct session session;
    bool found;

    TRY(find_session(ctx, &session, &found));
    return found ? answer_first(ctx, &session, "incorrect_number", "Your card number is incorrect.")
                 : answer_nowhere(ctx);
}

/* One who tries a card. */
struct
try {
    const char *session_id;
    const char *digits;
    struct payment payment;
    enum paid paid;
};

static bool name_session(struct needs *needs, const struct guest *guest)
{
    const struct try *try = guest->of;

    needs_row(needs, &session_rows, try->session_id);
    return true;
}

static enum err try_card(const struct guest *guest)
{
    struct try *try = (struct try *)guest->of;
    bool found;

    try->payment = (struct payment){0};
    TRY(session_pay(guest->ctx, try->session_id, try->digits, &try->payment, &try->paid, &found));
    return found ? answer_paid(guest->ctx, &try->payment, try->paid) : answer_nowhere(guest->ctx);
}

enum err page_pay(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    const char *id = path_param(ctx, "session");
    char digits[CARD_DIGITS_MAX + 1];
    struct form form;
    bool good;

    TRY(read_fields(ctx, card_fields, &form, &good));
    if (!good)
        return ERR_NONE;
    const char *number = form_text(&form, "card_number");
    if (text_equal(form_text(&form, "action"), "cancel"))
        return cancel_page(ctx, id);
    if (number == NULL || !card_read(number, digits))
        return refuse_number(ctx);

    psp_sleep(ctx, card_find(digits)->delay_ms);
    struct try try = {.session_id = id, .digits = digits, .paid = PAY_NOT_ASKED};
    const struct guest guest = {ctx, &try, name_session, try_card};
    enum err err = joint_serve(&guest);
    if (err == ERR_AGAIN)
        err = try_card(&guest);
    if (err == ERR_NONE && try.paid == PAID)
        announce_first(ctx, &try.payment.announcer);
    return err;
}

enum err page_answer_challenge(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct payment payment = {0};
    enum paid paid;
    struct form form;
    bool good, found;

    TRY(read_fields(ctx, challenge_fields, &form, &good));
    if (!good)
        return ERR_NONE;
    TRY(session_answer(ctx, path_param(ctx, "session"), text_equal(form_text(&form, "action"), "approve"), &payment,
                       &paid, &found));
    if (!found)
        return answer_nowhere(ctx);
    if (paid == PAID)
        announce_first(ctx, &payment.announcer);
    return answer_paid(ctx, &payment, paid);
}
