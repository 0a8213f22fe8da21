/*
 * mail - a mail as text: RFC 5322 with MIME. Nothing that its fields say can add a header or end the message early.
 */
#ifndef WAYBILL_MAIL_H
#define WAYBILL_MAIL_H

#include "buf.h"
#include "smtp.h"

#define MAIL_MAX ((size_t)1024 * 1024) /* bytes, encoded */

/* Writes the message with CR LF line ends. NULL, or why this can't be a mail (one line without personal data). */
const char *mail_write(struct arena *arena, const struct mail *mail, struct buf *ret);

/* The bare address of "Name <address>" or "address". */
const char *mail_address(struct arena *arena, const char *text);

#endif
