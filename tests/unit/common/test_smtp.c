/*
 * test_smtp - what became of a mail, for each point at which a server can fail.
 */
#include "smtp.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

/* A server that answers each command by a script; "" hangs up instead of answering. */
struct script {
    const char *greeting;
    const char *ehlo;
    const char *mail;
    const char *rcpt;
    const char *data;
    const char *message;
    bool hangs_up_after; /* after a message was taken, without QUIT */
    int good_messages;   /* that are taken with 250 before `message` is said */
};

#define OK_SCRIPT "220 hello", "250 hello", "250 ok", "250 ok", "354 go on", "250 taken"

struct server {
    int fd;
    int port;
    pthread_t thread;
    const struct script *script;
    _Atomic int connections;
    _Atomic int messages; /* that came whole, up to the lone dot */
    char message[65536];
};

static struct ctx ctx;
static struct server server;

static bool say(int fd, const char *line)
{
    char text[200];

    if (line[0] == '\0')
        return false;
    int size = snprintf(text, sizeof(text), "%s\r\n", line);
    return send(fd, text, (size_t)size, MSG_NOSIGNAL) == size;
}

static bool read_line(int fd, char *line, size_t max)
{
    size_t size = 0;

    while (size < max - 1 && recv(fd, line + size, 1, 0) == 1) {
        if (line[size++] == '\n') {
            line[size] = '\0';
            return true;
        }
    }
    return false;
}

static bool take_message(int fd)
{
    char line[2000];
    size_t size = 0;

    while (read_line(fd, line, sizeof(line))) {
        if (strcmp(line, ".\r\n") == 0) {
            atomic_fetch_add(&server.messages, 1);
            return true;
        }
        size += (size_t)snprintf(server.message + size, sizeof(server.message) - size, "%s", line);
    }
    return false;
}

static const char *end_of(const struct script *script)
{
    return atomic_load(&server.messages) <= script->good_messages ? "250 taken" : script->message;
}

static void converse(int fd, const struct script *script)
{
    char line[2000];
    bool going = say(fd, script->greeting);

    while (going && read_line(fd, line, sizeof(line))) {
        if (strncasecmp(line, "EHLO", 4) == 0 || strncasecmp(line, "HELO", 4) == 0)
            going = say(fd, script->ehlo);
        else if (strncasecmp(line, "MAIL", 4) == 0)
            going = say(fd, script->mail);
        else if (strncasecmp(line, "RCPT", 4) == 0)
            going = say(fd, script->rcpt);
        else if (strncasecmp(line, "DATA", 4) == 0)
            going = say(fd, script->data) && (script->data[0] != '3' ||
                                              (take_message(fd) && say(fd, end_of(script)) && !script->hangs_up_after));
        else if (strncasecmp(line, "QUIT", 4) == 0)
            going = say(fd, "221 bye") && false;
        else
            going = say(fd, "250 ok");
    }
}

static void *serve(void *of UNUSED)
{
    for (;;) {
        int fd = accept(server.fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        atomic_fetch_add(&server.connections, 1);
        converse(fd, server.script);
        close(fd);
    }
}

static void start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);

    signal(SIGPIPE, SIG_IGN);
    ctx = (struct ctx){.arena = arena_new(16 * 1024 * 1024)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server.fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(server.fd, 10), 0);
    getsockname(server.fd, (struct sockaddr *)&address, &size);
    server.port = ntohs(address.sin_port);
}

static void stop(void)
{
    shutdown(server.fd, SHUT_RDWR);
    close(server.fd);
    arena_free(ctx.arena);
}

static const struct mail mail = {
    .from = "Waybill <shop@example.org>",
    .to = "anna@example.net",
    .message_id = "1@example.org",
    .subject = "Your order",
    .text = "It is on its way.\n",
};

static enum smtp_result send_to(const struct script *script, const char **why)
{
    if (server.script == NULL) {
        server.script = script;
        pthread_create(&server.thread, NULL, serve, NULL);
    }
    server.script = script;
    return smtp_send(&ctx, arena_printf(ctx.arena, "smtp://127.0.0.1:%d", server.port), &mail, why);
}

/* It would align the columns, however far to the right. */
/* clang-format off */
static const struct {
    struct script script;
    enum smtp_result result;
    const char *why;
} cases[] = {
    {{OK_SCRIPT}, SMTP_ACCEPTED, "accepted"},
    {{"554 no", "", "", "", "", ""}, SMTP_REFUSED, "the mail server answered 554"},
    {{"421 later", "", "", "", "", ""}, SMTP_LATER, "the mail server answered 421"},
    {{"", "", "", "", "", ""}, SMTP_LATER, "not sent: "},
    {{"220 hello", "", "", "", "", ""}, SMTP_LATER, "not sent: "},
    {{"220 hello", "250 ok", "550 not you", "", "", ""}, SMTP_REFUSED, "the mail server answered 550"},
    {{"220 hello", "250 ok", "451 later", "", "", ""}, SMTP_LATER, "the mail server answered 451"},
    {{"220 hello", "250 ok", "", "", "", ""}, SMTP_LATER, "not sent: "},
    {{"220 hello", "250 ok", "250 ok", "550 nobody", "", ""}, SMTP_REFUSED, "the mail server answered 550"},
    {{"220 hello", "250 ok", "250 ok", "450 greylisted", "", ""}, SMTP_LATER, "the mail server answered 450"},
    {{"220 hello", "250 ok", "250 ok", "", "", ""}, SMTP_LATER, "not sent: "},
    {{"220 hello", "250 ok", "250 ok", "250 ok", "554 no", ""}, SMTP_REFUSED, "the mail server answered 554"},
    {{"220 hello", "250 ok", "250 ok", "250 ok", "451 later", ""}, SMTP_LATER, "the mail server answered 451"},
    {{"220 hello", "250 ok", "250 ok", "250 ok", "", ""}, SMTP_LATER, "not sent: "},
    {{"220 hello", "250 ok", "250 ok", "250 ok", "354 go on", "554 spam"}, SMTP_REFUSED,
     "the mail server answered 554"},
    {{"220 hello", "250 ok", "250 ok", "250 ok", "354 go on", "452 full"}, SMTP_LATER,
     "the mail server answered 452"},
    {{"220 hello", "250 ok", "250 ok", "250 ok", "354 go on", ""}, SMTP_UNKNOWN, "no answer to the message: "},
};
/* clang-format on */

START_TEST(each_end_of_a_conversation_is_told_apart)
{
    const char *why = NULL;

    ck_assert_int_eq(send_to(&cases[_i].script, &why), cases[_i].result);
    ck_assert_msg(strncmp(why, cases[_i].why, strlen(cases[_i].why)) == 0, "%s", why);
    ck_assert_ptr_null(strstr(why, "anna"));
    ck_assert_int_eq(atomic_load(&server.connections), 1);
}
END_TEST

START_TEST(the_message_arrives_whole)
{
    static const struct script script = {OK_SCRIPT};
    const char *why;

    ck_assert_int_eq(send_to(&script, &why), SMTP_ACCEPTED);
    ck_assert_ptr_nonnull(strstr(server.message, "To: <anna@example.net>\r\n"));
    ck_assert_ptr_nonnull(strstr(server.message, "\r\n\r\nIt is on its way.\r\n"));
}
END_TEST

START_TEST(a_connection_is_kept_for_the_next_mail)
{
    static const struct script script = {OK_SCRIPT};
    const char *why;

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(send_to(&script, &why), SMTP_ACCEPTED);
    ck_assert_int_eq(atomic_load(&server.connections), 1);
    ck_assert_int_eq(atomic_load(&server.messages), 3);
}
END_TEST

START_TEST(a_kept_connection_that_was_closed_is_made_anew)
{
    static const struct script script = {OK_SCRIPT, .hangs_up_after = true};
    const char *why;

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(send_to(&script, &why), SMTP_ACCEPTED);
    ck_assert_int_eq(atomic_load(&server.connections), 3);
    ck_assert_int_eq(atomic_load(&server.messages), 3);
}
END_TEST

START_TEST(after_an_unknown_end_nothing_is_sent_again_by_itself)
{
    static const struct script script = {.greeting = "220 hello",
                                         .ehlo = "250 hello",
                                         .mail = "250 ok",
                                         .rcpt = "250 ok",
                                         .data = "354 go on",
                                         .message = "",
                                         .good_messages = 1};
    const char *why;

    ck_assert_int_eq(send_to(&script, &why), SMTP_ACCEPTED);
    ck_assert_int_eq(send_to(&script, &why), SMTP_UNKNOWN);
    ck_assert_int_eq(atomic_load(&server.connections), 1);
    ck_assert_int_eq(atomic_load(&server.messages), 2);
}
END_TEST

START_TEST(where_nobody_listens_it_is_later)
{
    const char *why;

    close(server.fd);
    server.fd = -1;
    ck_assert_int_eq(smtp_send(&ctx, arena_printf(ctx.arena, "smtp://127.0.0.1:%d", server.port), &mail, &why),
                     SMTP_LATER);
    ck_assert_msg(strncmp(why, "not sent: ", 10) == 0, "%s", why);
}
END_TEST

START_TEST(what_is_no_mail_is_refused_without_a_connection)
{
    struct mail forged = mail;
    const char *why;

    forged.subject = "Hi\r\nBcc: all@example.org";
    ck_assert_int_eq(smtp_send(&ctx, "smtp://127.0.0.1:1", &forged, &why), SMTP_REFUSED);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 30);
    ADD_TABLE_TEST(tests, each_end_of_a_conversation_is_told_apart, cases);
    tcase_add_test(tests, the_message_arrives_whole);
    tcase_add_test(tests, a_connection_is_kept_for_the_next_mail);
    tcase_add_test(tests, a_kept_connection_that_was_closed_is_made_anew);
    tcase_add_test(tests, after_an_unknown_end_nothing_is_sent_again_by_itself);
    tcase_add_test(tests, where_nobody_listens_it_is_later);
    tcase_add_test(tests, what_is_no_mail_is_refused_without_a_connection);
}

RUN_SUITE(smtp, add_tests)
