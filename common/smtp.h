/*
 * smtp - hands one mail to a mail server and says what became of it (libcurl).
 */
#ifndef WAYBILL_SMTP_H
#define WAYBILL_SMTP_H

#include "ctx.h"

enum smtp_result {
    SMTP_ACCEPTED, /* the server took it: its answer to DATA was 2xx */
    SMTP_REFUSED,  /* 5xx: never again */
    SMTP_LATER,    /* provably not accepted: could not connect, or 4xx */
    SMTP_UNKNOWN,  /* the connection broke after DATA began */
};

struct mail {
    const char *from; /* envelope and header: "address" or "Name <address>" */
    const char *to;
    const char *message_id; /* without <>, with an @ */
    const char *subject;    /* UTF-8; encoded as RFC 2047 */
    const char *text;       /* text/plain, UTF-8 */
    const char *html;       /* NULL: none */
};

/* Sends over a kept connection of this thread; what can't be a mail is refused. `url`: smtp:// (TLS if offered) or
 * smtps://, with user:password@ if needed. `why` is one line without personal data, in ctx->arena. */
enum smtp_result smtp_send(struct ctx *ctx, const char *url, const struct mail *mail, const char **ret_why);

#endif
