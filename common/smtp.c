/*
 * smtp - one mail by libcurl; each thread keeps a handle and with it a connection.
 */
#include "smtp.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "curl_start.h"
#include "mail.h"

#define TIMEOUT_MS 30000
#define CONNECT_TIMEOUT_MS 5000
#define UPLOAD_BUFFER 16384L

static pthread_key_t handle_key; /* the thread's handle */
static pthread_once_t handle_once = PTHREAD_ONCE_INIT;

static void make_handle_key(void)
{
    if (pthread_key_create(&handle_key, curl_easy_cleanup) != 0)
        abort();
}

/* The thread's handle with its connection; a fresh one after something failed. */
static CURL *thread_handle(bool fresh)
{
    curl_start();
    (void)pthread_once(&handle_once, make_handle_key); /* can't fail with a valid `once` */
    CURL *curl = pthread_getspecific(handle_key);
    if (curl != NULL && !fresh) {
        curl_easy_reset(curl);
        return curl;
    }
    curl_easy_cleanup(curl);
    curl = curl_easy_init();
    if (curl == NULL || pthread_setspecific(handle_key, curl) != 0)
        abort();
    return curl;
}

struct sending {
    const char *bytes;
    size_t left;
    bool began; /* the server said yes to DATA */
};

/* libcurl asks for the message only after the server's 354. */
static size_t on_read(char *out, size_t size, size_t count, void *of)
{
    struct sending *sending = of;
    size_t take = size * count < sending->left ? size * count : sending->left;

    sending->began = true;
    memcpy(out, sending->bytes, take);
    sending->bytes += take;
    sending->left -= take;
    return take;
}

static void set_options(CURL *curl, const char *url, const char *from, const struct curl_slist *to,
                        struct sending *sending)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY); /* smtps:// insists on it */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER); /* thrice that is taken anew for each mail */
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, sending);
}

/* Whether the last answer of the server settles it, whatever libcurl thinks of it. 354 settles nothing. */
static enum smtp_result judge(CURLcode code, long status, bool began)
{
    if (code == CURLE_OK)
        return SMTP_ACCEPTED;
    if (status >= 500 && status <= 599)
        return SMTP_REFUSED;
    if (status >= 400 && status <= 499)
        return SMTP_LATER;
    return began ? SMTP_UNKNOWN : SMTP_LATER;
}

/* One line for logs: the server's own words may quote the address, so only the number. */
static const char *explain(struct ctx *ctx, enum smtp_result result, CURLcode code, long status)
{
    switch (result) {
    case SMTP_ACCEPTED:
        return "accepted";
    case SMTP_REFUSED:
    case SMTP_LATER:
        if (status >= 400)
            return arena_printf(ctx->arena, "the mail server answered %ld", status);
        break;
    case SMTP_UNKNOWN:
        break;
    }
    return arena_printf(ctx->arena, "%s: %s", result == SMTP_UNKNOWN ? "no answer to the message" : "not sent",
                        curl_easy_strerror(code));
}

static enum smtp_result send_once(struct ctx *ctx, const char *url, const struct mail *mail, const struct buf *message,
                                  bool fresh, bool *ret_reused, const char **ret_why)
{
    struct sending sending = {.bytes = message->data, .left = message->size};
    struct curl_slist *to = curl_slist_append(NULL, mail_address(ctx->arena, mail->to));
    CURL *curl = thread_handle(fresh);
    long status = 0;
    long connects = 0;

    if (to == NULL)
        abort();
    set_options(curl, url, mail_address(ctx->arena, mail->from), to, &sending);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
    curl_slist_free_all(to);
    enum smtp_result result = judge(code, status, sending.began);
    *ret_reused = connects == 0;
    *ret_why = explain(ctx, result, code, status);
    return result;
}

enum smtp_result smtp_send(struct ctx *ctx, const char *url, const struct mail *mail, const char **ret_why)
{
    struct buf message;
    bool reused;

    *ret_why = mail_write(ctx->arena, mail, &message);
    if (*ret_why != NULL)
        return SMTP_REFUSED;
    enum smtp_result result = send_once(ctx, url, mail, &message, false, &reused, ret_why);
    /* A kept connection that the server closed meanwhile says nothing about the server. */
    if (result == SMTP_LATER && reused)
        result = send_once(ctx, url, mail, &message, true, &reused, ret_why);
    return result;
}
