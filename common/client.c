/*
 * client - libcurl with kept handles: each handle keeps its connection, each URL of an upstream a stack of handles.
 */
#include "client.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "curl_start.h"
#include "log.h"
#include "metrics.h"
#include "path.h"

#define URLS_MAX 16
#define KEPT_MAX 64 /* handles per URL */
#define TIMEOUT_DEFAULT_MS 5000
#define CONNECT_TIMEOUT_MS 1000
#define ANSWER_MAX_DEFAULT ((size_t)4 * 1024 * 1024)
#define EJECTED_US (2 * CLOCK_SECOND)
#define KEPT_FOR_S 20 /* less than the servers' own patience, so that we don't meet a closing connection */

static struct metric calls_total = {"waybill_upstream_calls_total",
                                    "Calls to others over HTTP, by their end.",
                                    METRIC_COUNTER,
                                    "upstream",
                                    "result",
                                    NULL};

struct target {
    char *url;
    const char *prefix;            /* within it: what stands before the path of each call, mostly nothing */
    _Atomic int64_t ejected_until; /* monotonic */
    pthread_mutex_t lock;          /* over what follows */
    CURL *kept[KEPT_MAX];          /* the last used first: its connection is the most likely to live */
    size_t kept_count;
};

struct upstream {
    char *name;
    size_t count;
    _Atomic unsigned next;
    struct target targets[URLS_MAX];
};

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_ALL) != 0)
        abort();
}

void curl_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, start_curl); /* can't fail with a valid `once` */
}

static bool is_visible(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return true;
}

static bool is_base_url(const char *url, size_t size)
{
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return false;
    return size > 8 && size < 1000 && is_visible(url, size);
}

struct upstream *upstream_new(const char *name, const char *urls)
{
    struct upstream *upstream = calloc(1, sizeof(*upstream));
    if (upstream == NULL)
        abort();

    curl_start();
    upstream->name = strdup(name);
    for (const char *at = urls; *at != '\0';) {
        size_t size = strcspn(at, ",");
        size_t used = size;
        while (used > 0 && at[used - 1] == '/')
            used--;
        if (upstream->count == URLS_MAX || !is_base_url(at, used)) {
            upstream->count = 0;
            break;
        }
        struct target *target = &upstream->targets[upstream->count++];
        target->url = strndup(at, used);
        target->prefix = strchrnul(strstr(target->url, "//") + 2, '/');
        pthread_mutex_init(&target->lock, NULL);
        at += size;
        at += *at == ',' && at[1] != '\0';
    }
    if (upstream->count > 0)
        return upstream;
    log_error(NULL, "could not use the list of URLs", LOG_TEXT("upstream", name));
    upstream_free(upstream);
    return NULL;
}

void upstream_free(struct upstream *upstream)
{
    if (upstream == NULL)
        return;
    for (size_t i = 0; i < URLS_MAX && upstream->targets[i].url != NULL; i++) {
        struct target *target = &upstream->targets[i];
        for (size_t j = 0; j < target->kept_count; j++)
            curl_easy_cleanup(target->kept[j]);
        pthread_mutex_destroy(&target->lock);
        free(target->url);
    }
    free(upstream->name);
    free(upstream);
}

/* The next target in turn that isn't left out and isn't `but`; if all are, the next in turn. */
static struct target *pick(struct upstream *upstream, const struct target *but)
{
    unsigned first = atomic_fetch_add_explicit(&upstream->next, 1, memory_order_relaxed);
    int64_t now = clock_monotonic();

    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < upstream->count; i++) {
            struct target *target = &upstream->targets[(first + i) % upstream->count];
            if (target != but && (pass > 0 || atomic_load(&target->ejected_until) <= now))
                return target;
        }
    }
    return &upstream->targets[first % upstream->count];
}

/* One try of a call. */
struct attempt {
    struct ctx *ctx;
    const struct call *call;
    struct answer *answer;
    CURL *curl;
    char *body; /* malloc: it grows */
    size_t size;
    size_t capacity;
    size_t max;
    bool headers_ended; /* a connection that ends within them looks like success to libcurl */
    int sent;           /* how often libcurl began to send */
};

static size_t on_body(char *bytes, size_t size, size_t count, void *of)
{
    struct attempt *attempt = of;
    size_t more = size * count;

    if (more > attempt->max - attempt->size)
        return 0; /* an error to libcurl */
    if (attempt->size + more > attempt->capacity) {
        size_t capacity = attempt->capacity > 0 ? attempt->capacity : 4096;
        while (capacity < attempt->size + more)
            capacity *= 2;
        attempt->body = realloc(attempt->body, capacity);
        if (attempt->body == NULL)
            abort();
        attempt->capacity = capacity;
    }
    memcpy(attempt->body + attempt->size, bytes, more);
    attempt->size += more;
    return more;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *of)
{
    struct attempt *attempt = of;
    struct answer *answer = attempt->answer;
    const struct {
        const char *name;
        const char **value;
    } wanted[] = {
        {"Content-Type:", &answer->content_type},
        {"ETag:", &answer->etag},
        {"Location:", &answer->location},
        {"Retry-After:", &answer->retry_after},
        {"Idempotent-Replayed:", &answer->idempotent_replayed},
    };
    size_t length = size * count;

    attempt->headers_ended = length == 2 && bytes[0] == '\r';
    for (size_t i = 0; i < COUNT(wanted); i++) {
        size_t name = strlen(wanted[i].name);
        if (length <= name || strncasecmp(bytes, wanted[i].name, name) != 0)
            continue;
        size_t from = name, to = length;
        while (from < to && (bytes[from] == ' ' || bytes[from] == '\t'))
            from++;
        while (to > from && (bytes[to - 1] == '\r' || bytes[to - 1] == '\n' || bytes[to - 1] == ' '))
            to--;
        *wanted[i].value = arena_copy(attempt->ctx->arena, bytes + from, to - from);
    }
    return length;
}

/* How many bytes of the request went to the socket. */
static long bytes_sent(CURL *curl)
{
    long size = 0;

    (void)curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &size); /* 0 stays if it isn't known: nothing was begun */
    return size;
}

/* libcurl sends a request again by itself when a kept connection dies before the answer. That would be the call twice,
 * so it may do so only with calls that may be repeated, or when the first time put nothing on the wire. */
static int before_sending(void *of, char *primary_ip UNUSED, char *local_ip UNUSED, int primary_port UNUSED,
                          int local_port UNUSED)
{
    struct attempt *attempt = of;

    if (attempt->sent++ > 0 && !attempt->call->repeatable && bytes_sent(attempt->curl) > 0)
        return CURL_PREREQFUNC_ABORT;
    return CURL_PREREQFUNC_OK;
}

/* What is the same for all calls to a target. Its URL too, which libcurl reads slowly and for each call. */
static CURL *make_handle(const struct target *target)
{
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        abort();

    curl_easy_setopt(curl, CURLOPT_URL, target->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* not what the environment says: this is our own network */
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L); /* a name may stand for many copies */
    curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, (long)KEPT_FOR_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, before_sending);
    return curl;
}

static CURL *take_handle(struct target *target)
{
    CURL *curl = NULL;

    pthread_mutex_lock(&target->lock);
    if (target->kept_count > 0)
        curl = target->kept[--target->kept_count];
    pthread_mutex_unlock(&target->lock);
    return curl != NULL ? curl : make_handle(target);
}

static void keep_handle(struct target *target, CURL *curl)
{
    pthread_mutex_lock(&target->lock);
    if (target->kept_count < KEPT_MAX) {
        target->kept[target->kept_count++] = curl;
        curl = NULL;
    }
    pthread_mutex_unlock(&target->lock);
    curl_easy_cleanup(curl);
}

static struct curl_slist *add_header(struct curl_slist *list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(list, line);
    if (longer == NULL)
        abort();
    return longer;
}

static struct curl_slist *make_headers(struct ctx *ctx, const struct call *call)
{
    struct curl_slist *list = add_header(NULL, "Expect:"); /* no 100-continue: it costs a round trip */

    for (size_t i = 0; i < CALL_HEADERS_MAX && call->headers[i] != NULL; i++) {
        if (strpbrk(call->headers[i], "\r\n") == NULL)
            list = add_header(list, call->headers[i]);
    }
    if (call->content_type != NULL)
        list = add_header(list, arena_printf(ctx->arena, "Content-Type: %s", call->content_type));
    else
        list = add_header(list, "Content-Type:"); /* libcurl would claim a form */
    if (ctx->trace.traceparent[0] != '\0')
        list = add_header(list, arena_printf(ctx->arena, "traceparent: %s", ctx->trace.traceparent));
    return list;
}

/* What each call says anew, so that a kept handle carries nothing over from the one before. */
static void set_options(struct attempt *attempt, const char *path, const struct curl_slist *headers, int64_t timeout_ms)
{
    CURL *curl = attempt->curl;
    const struct call *call = attempt->call;
    bool has_body = call->body != NULL;
    int64_t connect_ms = timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS;

    curl_easy_setopt(curl, CURLOPT_REQUEST_TARGET, path);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, attempt);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, attempt);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, attempt);
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L); /* whatever the handle's last call was */
    if (has_body || strcmp(call->method, "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, has_body ? call->body : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(has_body ? call->body_size : 0));
    }
    bool is_head = strcmp(call->method, "HEAD") == 0;
    if (is_head)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, is_head ? NULL : call->method);
}

/* What a failed call means. Nothing sent is certain only if no byte went to the socket. */
static enum call_result judge(const struct attempt *attempt, CURLcode code)
{
    if (code == CURLE_OK && attempt->headers_ended)
        return CALL_ANSWERED;
    return bytes_sent(attempt->curl) == 0 ? CALL_NOT_SENT : CALL_UNKNOWN;
}

/* Whether the failure says that nobody is there, rather than something about this call. */
static bool is_unreachable(CURLcode code)
{
    return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_OPERATION_TIMEDOUT;
}

static enum call_result try_target(struct ctx *ctx, struct target *target, const struct call *call, int64_t timeout_ms,
                                   struct answer *ret)
{
    struct attempt attempt = {.ctx = ctx, .call = call, .answer = ret};
    const char *path = arena_printf(ctx->arena, "%s%s", target->prefix, call->path);
    long status = 0;

    *ret = (struct answer){0};
    if (!is_visible(path, strlen(path)))
        return CALL_NOT_SENT; /* libcurl wouldn't look: a line break in it would begin a header */
    struct curl_slist *headers = make_headers(ctx, call);
    attempt.max = call->answer_max > 0 ? call->answer_max : ANSWER_MAX_DEFAULT;
    attempt.curl = take_handle(target);
    set_options(&attempt, path, headers, timeout_ms);
    CURLcode code = curl_easy_perform(attempt.curl);
    enum call_result result = judge(&attempt, code);
    if (result == CALL_ANSWERED) {
        curl_easy_getinfo(attempt.curl, CURLINFO_RESPONSE_CODE, &status);
        ret->status = (int)status;
        ret->body = arena_copy(ctx->arena, attempt.size > 0 ? attempt.body : "", attempt.size);
        ret->size = attempt.size;
        atomic_store(&target->ejected_until, 0);
    } else {
        if (result == CALL_NOT_SENT && is_unreachable(code))
            atomic_store(&target->ejected_until, clock_monotonic() + EJECTED_US);
        log_debug(ctx, "call failed", LOG_TEXT("url", target->url), LOG_TEXT("why", curl_easy_strerror(code)));
        *ret = (struct answer){0};
    }
    curl_slist_free_all(headers);
    free(attempt.body);
    if (result == CALL_ANSWERED)
        keep_handle(target, attempt.curl);
    else
        curl_easy_cleanup(attempt.curl); /* after a failure its connection is nothing to keep */
    return result;
}

enum call_result client_call(struct ctx *ctx, struct upstream *upstream, const struct call *call, struct answer *ret)
{
    static const char *const names[] = {"answered", "not_sent", "unknown"};
    int64_t timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : TIMEOUT_DEFAULT_MS;
    int64_t deadline = clock_monotonic() + timeout_ms * CLOCK_MS;

    assert(call->path[0] == '/');
    struct target *target = pick(upstream, NULL);
    enum call_result result = try_target(ctx, target, call, timeout_ms, ret);
    int64_t left_ms = (deadline - clock_monotonic()) / CLOCK_MS;
    struct target *other = pick(upstream, target);
    /* A copy that can't now, since it is starting or stopping, says so; another copy may be able. */
    bool busy = result == CALL_ANSWERED && ret->status == 503 && call->repeatable && other != target;
    /* What provably went nowhere may always be tried elsewhere. */
    bool again = busy || result == CALL_NOT_SENT || (result == CALL_UNKNOWN && call->repeatable);
    if (again && left_ms > 0) {
        const struct answer first = *ret;
        enum call_result second = try_target(ctx, other, call, left_ms, ret);
        /* That the second went nowhere doesn't undo the first. */
        if (second == CALL_NOT_SENT && result != CALL_NOT_SENT)
            *ret = first;
        else
            result = second;
    }
    metric_add(&calls_total, upstream->name, names[result], 1);
    return result;
}

void form_add(struct buf *buf, const char *name, const char *value)
{
    if (buf->size > 0)
        buf_add_char(buf, '&');
    percent_encode(buf, name);
    buf_add_char(buf, '=');
    percent_encode(buf, value);
}

void form_add_int(struct buf *buf, const char *name, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)value);
    form_add(buf, name, text);
}
