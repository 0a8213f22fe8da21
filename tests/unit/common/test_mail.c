/*
 * test_mail - what a mail looks like, and what can't be one.
 */
#include "mail.h"

#include <string.h>

#include "clock.h"
#include "suite.h"

static struct arena *arena;

static void start(void)
{
    arena = arena_new(16 * 1024 * 1024);
    clock_set_for_test(INT64_C(1732257600) * CLOCK_SECOND);
}

static void stop(void)
{
    clock_set_for_test(0);
    arena_free(arena);
}

static const struct mail plain = {
    .from = "Waybill <shop@example.org>",
    .to = "anna@example.net",
    .message_id = "0190b3c2@example.org",
    .subject = "Your order",
    .text = "Dear Anna,\n.\nyour order is on its way.\n",
};

START_TEST(a_plain_mail_reads_like_this)
{
    struct buf buf;

    ck_assert_ptr_null(mail_write(arena, &plain, &buf));
    ck_assert_str_eq(buf.data, "Date: Fri, 22 Nov 2024 06:40:00 +0000\r\n"
                               "From: \"Waybill\"\r\n <shop@example.org>\r\n"
                               "To: <anna@example.net>\r\n"
                               "Message-ID: <0190b3c2@example.org>\r\n"
                               "Subject: Your order\r\n"
                               "Auto-Submitted: auto-generated\r\n"
                               "MIME-Version: 1.0\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\n"
                               "Content-Transfer-Encoding: quoted-printable\r\n"
                               "\r\n"
                               "Dear Anna,\r\n=2E\r\nyour order is on its way.\r\n\r\n");
}
END_TEST

START_TEST(html_comes_as_an_alternative)
{
    struct mail mail = plain;
    struct buf buf;

    mail.text = "Hi";
    mail.html = "<p class=\"a\">Hi</p>";
    ck_assert_ptr_null(mail_write(arena, &mail, &buf));
    ck_assert_str_eq(strstr(buf.data, "Content-Type: multipart"),
                     "Content-Type: multipart/alternative; boundary=\"=_waybill_part\"\r\n\r\n"
                     "--=_waybill_part\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: quoted-printable\r\n\r\nHi\r\n"
                     "--=_waybill_part\r\n"
                     "Content-Type: text/html; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: quoted-printable\r\n\r\n<p class=3D\"a\">Hi</p>\r\n"
                     "--=_waybill_part--\r\n");
}
END_TEST

START_TEST(a_subject_of_any_language_is_encoded_between_characters)
{
    struct mail mail = plain;
    struct buf buf;

    mail.subject = "Grüße: ваша посылка уже в пути";
    ck_assert_ptr_null(mail_write(arena, &mail, &buf));
    ck_assert_ptr_nonnull(strstr(buf.data,
                                 "Subject: =?UTF-8?B?R3LDvMOfZTog0LLQsNGI0LAg0L/QvtGB0YvQu9C60LAg0YPQttC1?=\r\n"
                                 " =?UTF-8?B?INCyINC/0YPRgtC4?=\r\n"));
}
END_TEST

START_TEST(no_line_is_longer_than_mail_allows)
{
    struct mail mail = plain;
    struct buf buf;
    char text[5000];

    for (size_t i = 0; i < sizeof(text) - 1; i++)
        text[i] = ". =\t\x7fz"[i % 6];
    text[sizeof(text) - 1] = '\0';
    mail.text = text;
    mail.subject = "A subject that goes on and on and on and on and on and on and on and on and on and on and on";
    ck_assert_ptr_null(mail_write(arena, &mail, &buf));
    for (const char *at = buf.data; *at != '\0';) {
        size_t size = strcspn(at, "\r");
        ck_assert_uint_le(size, 78);
        ck_assert_int_ne(*at, '.');
        ck_assert_int_eq(at[size + 1], '\n');
        at += size + 2;
    }
}
END_TEST

static const struct {
    struct mail mail;
    const char *why;
} refused[] = {
    {{"a@b", "c@d", "i@d", "Hi\r\nBcc: e@f", "t", NULL}, "control"},
    {{"a@b", "c@d\nBcc: e@f", "i@d", "Hi", "t", NULL}, "control"},
    {{"a@b", "c@d>, <e@f", "i@d", "Hi", "t", NULL}, "address"},
    {{"a@b", "c@d e@f", "i@d", "Hi", "t", NULL}, "address"},
    {{"a@b", "nobody", "i@d", "Hi", "t", NULL}, "address"},
    {{"a@b", "", "i@d", "Hi", "t", NULL}, "empty"},
    {{NULL, "c@d", "i@d", "Hi", "t", NULL}, "empty"},
    {{"a@b", "c@d", "i@d>\r\nX: y", "Hi", "t", NULL}, "control"},
    {{"a@b", "c@d", "i d@d", "Hi", "t", NULL}, "message id"},
    {{"a@b", "c@d", "i@d", "Hi\xff", "t", NULL}, "UTF-8"},
    {{"a@b", "c@d", "i@d", "Hi", "t\xff", NULL}, "body"},
    {{"a@b", "c@d", "i@d", "Hi", NULL, "<p>"}, "body"},
};

START_TEST(what_could_forge_a_header_is_no_mail)
{
    struct buf buf;
    const char *why = mail_write(arena, &refused[_i].mail, &buf);

    ck_assert_ptr_nonnull(why);
    ck_assert_ptr_nonnull(strstr(why, refused[_i].why));
}
END_TEST

START_TEST(a_mail_that_is_too_large_is_refused)
{
    struct mail mail = plain;
    struct buf buf;
    char *text = arena_alloc(arena, MAIL_MAX + 1);

    memset(text, 'x', MAIL_MAX);
    mail.text = text;
    ck_assert_str_eq(mail_write(arena, &mail, &buf), "the mail is too large");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, a_plain_mail_reads_like_this);
    tcase_add_test(tests, html_comes_as_an_alternative);
    tcase_add_test(tests, a_subject_of_any_language_is_encoded_between_characters);
    tcase_add_test(tests, no_line_is_longer_than_mail_allows);
    ADD_TABLE_TEST(tests, what_could_forge_a_header_is_no_mail, refused);
    tcase_add_test(tests, a_mail_that_is_too_large_is_refused);
}

RUN_SUITE(mail, add_tests)
