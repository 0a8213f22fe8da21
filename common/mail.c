/*
 * mail - headers by RFC 5322 and 2047, bodies quoted-printable, text and HTML as alternatives.
 */
#include "mail.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "text.h"

#define HEADER_MAX 900 /* bytes of a header's value; a line may have 998 */
#define WORD_BYTES 39  /* of text in one encoded word: behind "Subject: " it stays within 76 characters */
#define QUOTED_WIDTH 76
#define PLAIN_WIDTH 70

/* "=_" can't come out of quoted-printable, so no body can contain it. */
#define BOUNDARY "=_waybill_part"

static bool is_header_value(const char *text)
{
    if (text == NULL || text[0] == '\0' || strlen(text) > HEADER_MAX || !utf8_is_valid(text, strlen(text)))
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    }
    return true;
}

const char *mail_address(struct arena *arena, const char *text)
{
    size_t size = strlen(text);
    const char *open = strrchr(text, '<');

    if (open == NULL || text[size - 1] != '>')
        return arena_strdup(arena, text);
    return arena_copy(arena, open + 1, (size_t)(text + size - 1 - (open + 1)));
}

/* One @ with something on both sides; no space, bracket or quote that could end the command it stands in. */
static bool is_address(const char *address)
{
    const char *at = strchr(address, '@');

    return at != NULL && at != address && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
           strpbrk(address, " \t<>\"(),:;\\[]") == NULL && strlen(address) <= 254;
}

static bool is_ascii(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~')
            return false;
    }
    return true;
}

/* Whether a header can say it without encoding. */
static bool is_plain(const char *text)
{
    return is_ascii(text) && strlen(text) <= PLAIN_WIDTH && strstr(text, "=?") == NULL;
}

/* Base64 with padding. */
static void add_base64(struct buf *buf, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16;
        three |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        three |= i + 2 < size ? bytes[i + 2] : 0;
        buf_add_char(buf, digits[three >> 18]);
        buf_add_char(buf, digits[three >> 12 & 63]);
        buf_add_char(buf, i + 1 < size ? digits[three >> 6 & 63] : '=');
        buf_add_char(buf, i + 2 < size ? digits[three & 63] : '=');
    }
}

/* Text in a header: as it is, or as encoded words that break between characters. */
static void add_words(struct buf *buf, const char *text, bool quoted)
{
    size_t left = strlen(text);

    if (is_plain(text) && !quoted) {
        buf_add_text(buf, text);
        return;
    }
    if (is_plain(text) && strpbrk(text, "\"\\") == NULL) {
        buf_printf(buf, "\"%s\"", text);
        return;
    }
    for (const char *at = text; left > 0;) {
        size_t size = left < WORD_BYTES ? left : WORD_BYTES;
        while (size < left && ((unsigned char)at[size] & 0xc0) == 0x80)
            size--;
        buf_add_text(buf, at == text ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        add_base64(buf, (const unsigned char *)at, size);
        buf_add_text(buf, "?=");
        at += size;
        left -= size;
    }
}

static void add_mailbox(struct buf *buf, const char *header, const char *text)
{
    const char *address = mail_address(buf->arena, text);
    const char *open = strrchr(text, '<');

    buf_printf(buf, "%s: ", header);
    if (open != NULL) {
        size_t size = (size_t)(open - text);
        while (size > 0 && text[size - 1] == ' ')
            size--;
        if (size > 0) {
            add_words(buf, arena_copy(buf->arena, text, size), true);
            buf_add_text(buf, "\r\n ");
        }
    }
    buf_printf(buf, "<%s>\r\n", address);
}

static void add_date(struct buf *buf)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)(clock_now() / CLOCK_SECOND);
    struct tm utc;

    gmtime_r(&now, &utc);
    buf_printf(buf, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon],
               utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

/* Quoted-printable: lines of at most 76 characters, no dot at a line's start, every line end CR LF. */
static void add_quoted(struct buf *buf, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t column = 0;

    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '\r' && at[1] == '\n')
            continue;
        if (c == '\n') {
            buf_add_text(buf, "\r\n");
            column = 0;
            continue;
        }
        bool ends_line = at[1] == '\n' || at[1] == '\0' || (at[1] == '\r' && at[2] == '\n');
        bool plain = (c > ' ' && c <= '~' && c != '=') || (c == ' ' && !ends_line);
        plain &= !(c == '.' && column == 0);
        size_t width = plain ? 1 : 3;
        if (column + width > QUOTED_WIDTH - 1) {
            buf_add_text(buf, "=\r\n");
            column = 0;
            plain &= c != '.';
            width = plain ? 1 : 3;
        }
        if (plain)
            buf_add_char(buf, (char)c);
        else
            buf_add(buf, (const char[]){'=', digits[c >> 4], digits[c & 15]}, 3);
        column += width;
    }
    buf_add_text(buf, "\r\n");
}

static void add_part(struct buf *buf, const char *type, const char *text)
{
    buf_printf(buf, "Content-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", type);
    add_quoted(buf, text);
}

const char *mail_write(struct arena *arena, const struct mail *mail, struct buf *ret)
{
    buf_init(ret, arena, MAIL_MAX);
    if (!is_header_value(mail->from) || !is_header_value(mail->to) || !is_header_value(mail->message_id) ||
        !is_header_value(mail->subject))
        return "a header is empty, too long, not UTF-8, or has a control character";
    if (!is_address(mail_address(arena, mail->from)) || !is_address(mail_address(arena, mail->to)))
        return "an address cannot be one";
    if (!is_ascii(mail->message_id) || !is_address(mail->message_id))
        return "the message id cannot be one";
    if (mail->text == NULL || !utf8_is_valid(mail->text, strlen(mail->text)) ||
        (mail->html != NULL && !utf8_is_valid(mail->html, strlen(mail->html))))
        return "the body is missing or not UTF-8";

    add_date(ret);
    add_mailbox(ret, "From", mail->from);
    add_mailbox(ret, "To", mail->to);
    buf_printf(ret, "Message-ID: <%s>\r\nSubject: ", mail->message_id);
    add_words(ret, mail->subject, false);
    buf_add_text(ret, "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
    if (mail->html == NULL) {
        add_part(ret, "text/plain", mail->text);
    } else {
        buf_add_text(ret, "Content-Type: multipart/alternative; boundary=\"" BOUNDARY "\"\r\n\r\n--" BOUNDARY "\r\n");
        add_part(ret, "text/plain", mail->text);
        buf_add_text(ret, "--" BOUNDARY "\r\n");
        add_part(ret, "text/html", mail->html);
        buf_add_text(ret, "--" BOUNDARY "--\r\n");
    }
    return ret->overflowed ? "the mail is too large" : NULL;
}
