/*
 * http - the adapter around ulfius and libmicrohttpd: one thread per connection, everything else in dispatch.c.
 *
 * ulfius's own routing, body parsing and sizes are not used: all requests come to one callback.
 */
#include "http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <ulfius.h>
#include <unistd.h>

#include "clock.h"
#include "connections.h"
#include "desk.h"
#include "dispatch.h"
#include "edge.h"
#include "log.h"
#include "metrics.h"
#include "path.h"
#include "service.h"
#include "text.h"

#define CONNECTIONS_SERVICE 512
#define CONNECTIONS_GATEWAY 1024
#define CONNECTIONS_SPARE 64 /* slots of connections that are being closed while new ones come */
#define BACKLOG 511
#ifdef SANITIZED
#define STACK_SIZE ((size_t)1024 * 1024)
#else
#define STACK_SIZE ((size_t)256 * 1024)
#endif
#define SENDING_MAX_S 300   /* for a client to take an answer */
#define STREAM_TIMEOUT_S 60 /* between two pieces of a stream */
#define STREAM_BLOCK ((size_t)16 * 1024)
#define STREAM_PIECE_MAX ((size_t)256 * 1024)
#define IDLE_GRACE_S 2 /* the server's own time-out comes first; ours is for those who drip */
#define DRAIN_PAUSE_US 10000

struct http {
    struct service *service;
    struct arena *arena;
    struct path_tree *paths;
    struct connections *connections;
    struct _u_instance instance;
    int socket;
    int port;
    int receive_max_s;
    _Atomic bool stopping;
    _Atomic int streams;
};

/* The connection that this thread serves: ulfius doesn't hand it on. */
static _Thread_local struct MHD_Connection *thread_connection;

static struct metric streams_open = {"waybill_http_streams", "Streams open.", METRIC_GAUGE, NULL, NULL, NULL};

/* --- one request --- */

const char *request_header(const struct ctx *ctx, const char *name)
{
    const struct _u_request *ulfius = ctx->request->ulfius;
    if (ulfius == NULL)
        return NULL;

    const char *value = u_map_get_case(ulfius->map_header, name);
    return value != NULL && utf8_is_valid(value, strlen(value)) ? value : NULL;
}

bool request_has_header(const struct ctx *ctx, const char *name)
{
    const struct _u_request *ulfius = ctx->request->ulfius;

    return ulfius != NULL && u_map_get_case(ulfius->map_header, name) != NULL;
}

bool http_is_stopping(const struct ctx *ctx)
{
    return atomic_load(&ctx->request->http->stopping);
}

/* What clients may call their methods is a short list; the name is logged. */
static const char *known_method(const char *method)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

    for (size_t i = 0; i < COUNT(methods); i++) {
        if (strcmp(methods[i], method) == 0)
            return methods[i];
    }
    return "OTHER";
}

static void fill_request(struct exchange *exchange, const struct _u_request *ulfius)
{
    struct arena *arena = exchange->base;
    struct request *request = &exchange->request;
    const char *question = strchr(ulfius->http_url, '?');
    size_t size = question != NULL ? (size_t)(question - ulfius->http_url) : strlen(ulfius->http_url);

    request->ulfius = ulfius;
    request->method = known_method(ulfius->http_verb);
    request->path = arena_copy(arena, ulfius->http_url, size);
    request->query = question != NULL ? arena_strdup(arena, question + 1) : "";
    request->body = ulfius->binary_body != NULL ? ulfius->binary_body : "";
    request->body_size = ulfius->binary_body_length;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(thread_connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    request->peer = info != NULL ? info->client_addr : NULL;
}

/* --- streams --- */

struct stream {
    struct exchange *exchange;
    struct buf buf;
    size_t sent;
    bool ended;
    bool is_events;
};

/* Asks for the next piece. Blocks; afterwards there is something to send, or it has ended. */
static void stream_fill(struct stream *stream)
{
    struct exchange *exchange = stream->exchange;
    struct ctx *ctx = &exchange->ctx;
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

    while (!stream->ended) {
        arena_clear(exchange->large);
        ctx->arena = exchange->large;
        ctx_clear_problem(ctx);
        buf_init(&stream->buf, ctx->arena, STREAM_PIECE_MAX);
        stream->sent = 0;
        stream->ended =
            http_is_stopping(ctx) || !exchange->request.stream(ctx, &stream->buf, exchange->request.stream_state);
        if (stream->buf.overflowed)
            stream->ended = true;
        if (stream->buf.size > 0)
            return;
        if (stream->is_events && !stream->ended) {
            buf_add_text(&stream->buf, ":\n\n");
            return;
        }
        if (!stream->ended)
            (void)nanosleep(&pause, NULL); /* shorter is as good */
    }
}

static ssize_t stream_read(void *of, uint64_t offset UNUSED, char *out, size_t max)
{
    struct stream *stream = of;

    if (stream->sent == stream->buf.size) {
        if (stream->ended)
            return U_STREAM_END;
        stream_fill(stream);
    }
    size_t left = stream->buf.size - stream->sent;
    if (left == 0)
        return U_STREAM_END;
    size_t size = left < max ? left : max;
    memcpy(out, stream->buf.data + stream->sent, size);
    stream->sent += size;
    return (ssize_t)size;
}

static void stream_free(void *of)
{
    struct stream *stream = of;
    struct exchange *exchange = stream->exchange;
    struct http *http = exchange->request.http;

    exchange->request.ulfius = NULL;                                                      /* may be gone */
    (void)exchange->request.stream(&exchange->ctx, NULL, exchange->request.stream_state); /* nothing more is asked */
    exchange_give_back(exchange);
    free(stream);
    metric_set(&streams_open, NULL, NULL, atomic_fetch_sub(&http->streams, 1) - 1);
}

/* Hands the exchange over to the stream. */
static void start_stream(struct exchange *exchange, struct _u_response *response)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL)
        abort();

    stream->exchange = exchange;
    stream->is_events = strncmp(exchange->request.content_type, "text/event-stream", 17) == 0;
    if (exchange->large == NULL)
        exchange->large = arena_new(EXCHANGE_ARENA_MAX);
    ulfius_set_stream_response(response, (unsigned int)exchange->request.status, stream_read, stream_free,
                               U_STREAM_SIZE_UNKNOWN, STREAM_BLOCK, stream);
    response->timeout = STREAM_TIMEOUT_S;
}

enum err http_stream_open(struct ctx *ctx)
{
    struct request *request = ctx->request;

    int before = atomic_fetch_add(&request->http->streams, 1);
    metric_set(&streams_open, NULL, NULL, before + 1);
    if (before < HTTP_STREAMS_MAX)
        return ERR_NONE;
    metric_set(&streams_open, NULL, NULL, atomic_fetch_sub(&request->http->streams, 1) - 1);
    return FAIL(ctx, BUSY, "%d streams are open already", HTTP_STREAMS_MAX);
}

/* --- between ulfius and the dispatcher --- */

static struct slot *slot_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static int serve(const struct _u_request *ulfius, struct _u_response *response, void *of)
{
    struct http *http = of;
    struct slot *slot = slot_of(thread_connection);

    /* While we work the connection has no time-out: the server would take our silence for the client's. Zero and then
     * `response->timeout` makes it count from the answer. */
    connections_mark(http->connections, slot, true, 0);
    (void)MHD_set_connection_option(thread_connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u); /* it then closes early */
    response->timeout = HTTP_IDLE_MAX_S;

    struct exchange *exchange = exchange_take(http, http->service);
    struct request *request = &exchange->request;
    fill_request(exchange, ulfius);
    dispatch(exchange, http->paths);

    response->status = request->status;
    for (size_t i = 0; i < request->header_count; i++)
        u_map_put(response->map_header, request->headers[i].name, request->headers[i].value);
    if (request->content_type != NULL)
        u_map_put(response->map_header, "Content-Type", request->content_type);
    if (atomic_load(&http->stopping))
        u_map_put(response->map_header, "Connection", "close");
    if (request->stream != NULL) {
        start_stream(exchange, response);
        return U_CALLBACK_COMPLETE;
    }
    if (request->answer_size > 0)
        ulfius_set_binary_body_response(response, (unsigned int)request->status, request->answer, request->answer_size);
    exchange_give_back(exchange);
    connections_mark(http->connections, slot, true, SENDING_MAX_S);
    return U_CALLBACK_COMPLETE;
}

/* The request line has come. */
static void *on_request(void *of, const char *uri, struct MHD_Connection *connection)
{
    struct http *http = of;

    thread_connection = connection;
    connections_mark(http->connections, slot_of(connection), true, http->receive_max_s);
    return ulfius_uri_logger(NULL, uri);
}

static void on_completed(void *of, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct http *http = of;

    mhd_request_completed(NULL, connection, state, code);
    connections_mark(http->connections, slot_of(connection), false, HTTP_IDLE_MAX_S + IDLE_GRACE_S);
}

static void on_connection(void *of, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = of;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        connections_close(http->connections, *slot);
        *slot = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *slot = connections_open(http->connections, info->connect_fd, HTTP_IDLE_MAX_S + IDLE_GRACE_S);
}

/* The server's complaints are about clients: broken requests, connections lost. */
static void on_log(void *of UNUSED, const char *format, va_list arguments)
{
    char text[256];

    if (!log_wants(LOG_DEBUG))
        return;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    vsnprintf(text, sizeof(text), format, arguments);
#pragma GCC diagnostic pop
    log_debug(NULL, "http server", LOG_TEXT("detail", utf8_is_valid(text, strlen(text)) ? text : "not UTF-8"));
}

/* --- start and stop --- */

/* A listening socket for one address, or -1. */
static int listen_on(const struct addrinfo *address)
{
    const int on = 1, off = 0;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* else bind() tells */
    if (address->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)); /* else IPv6 alone */
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A listening socket for "host:port", or -1. */
static int open_socket(const char *listen_text)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[256];
    int fd = -1;

    const char *colon = strrchr(listen_text, ':');
    if (colon == NULL || (size_t)(colon - listen_text) >= sizeof(host))
        return -1;
    size_t size = (size_t)(colon - listen_text);
    bool brackets = size >= 2 && listen_text[0] == '[' && colon[-1] == ']';
    snprintf(host, sizeof(host), "%.*s", (int)(brackets ? size - 2 : size), listen_text + brackets);
    /* Nothing before the colon: IPv6 takes IPv4 along where there is both. */
    const char *const hosts[] = {host[0] != '\0' ? host : "::", host[0] != '\0' ? NULL : "0.0.0.0"};
    for (size_t i = 0; fd < 0 && i < COUNT(hosts) && hosts[i] != NULL; i++) {
        if (getaddrinfo(hosts[i], colon + 1, &hints, &found) != 0)
            continue;
        for (const struct addrinfo *address = found; fd < 0 && address != NULL; address = address->ai_next)
            fd = listen_on(address);
        freeaddrinfo(found);
    }
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

static size_t largest_body(const struct route *routes)
{
    size_t largest = HTTP_BODY_MAX;

    for (const struct route *route = routes; route != NULL && route->method != NULL; route++) {
        if (route->body_max > largest)
            largest = route->body_max;
    }
    return largest;
}

static bool start_ulfius(struct http *http)
{
    const unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                           MHD_USE_ITC | MHD_USE_ERROR_LOG;
    const unsigned limit = http->service->edge != NULL ? CONNECTIONS_GATEWAY : CONNECTIONS_SERVICE;
    size_t body_max = largest_body(http->service->routes);
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, http},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_request, http},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, http},
        {MHD_OPTION_LISTEN_SOCKET, http->socket, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, HTTP_IDLE_MAX_S, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, limit, NULL},
        {MHD_OPTION_THREAD_STACK_SIZE, (intptr_t)STACK_SIZE, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    http->receive_max_s = body_max > HTTP_BODY_MAX ? 10 * HTTP_RECEIVE_MAX_S : HTTP_RECEIVE_MAX_S;
    http->connections = connections_new(limit + CONNECTIONS_SPARE);
    if (http->connections == NULL)
        return false;
    if (ulfius_init_instance(&http->instance, (unsigned int)http->port, NULL, NULL) != U_OK)
        return false;
    /* It cuts bodies at this size without a word: one more than any route takes lets us tell. */
    http->instance.max_post_body_size = body_max + 1;
    http->instance.check_utf8 = 0;
    http->instance.allowed_post_processor = U_POST_PROCESS_NONE;
    ulfius_set_default_endpoint(&http->instance, serve, http);
    if (ulfius_start_framework_with_mhd_options(&http->instance, flags, options) == U_OK)
        return true;
    ulfius_clean_instance(&http->instance);
    return false;
}

static void http_free(struct http *http)
{
    connections_free(http->connections);
    arena_free(http->arena);
    free(http);
}

struct http *http_start(struct service *service)
{
    const char *listen_text = config_text(service->config, "WAYBILL_LISTEN");
    struct http *http = calloc(1, sizeof(*http));
    if (http == NULL)
        abort();

    http->service = service;
    http->arena = arena_new(EXCHANGE_ARENA_MAX);
    http->paths = path_tree_new(http->arena);
    path_tree_add(http->paths, service->routes);
    path_tree_add(http->paths, probe_routes);
    if (service->queries != NULL && !service->sandbox)
        path_tree_add(http->paths, desk_routes);
    if (service->edge != NULL)
        path_tree_add(http->paths, page_routes);

    http->socket = open_socket(listen_text);
    http->port = http->socket >= 0 ? port_of(http->socket) : 0;
    if (http->socket < 0 || !start_ulfius(http)) {
        log_error(NULL, "could not listen", LOG_TEXT("address", listen_text));
        if (http->socket >= 0)
            close(http->socket);
        http_free(http);
        return NULL;
    }
    log_info(NULL, "listening", LOG_TEXT("address", listen_text), LOG_INT("port", http->port));
    return http;
}

int http_port(const struct http *http)
{
    return http->port;
}

/* Who is connected but was not taken yet is served too; from then on connections are refused, not left waiting. */
static void take_last(struct http *http, int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    int client;

    (void)fcntl(fd, F_SETFL, O_NONBLOCK); /* if not, the last accept() would wait */
    while ((client = accept4(fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        (void)MHD_add_connection(http->instance.mhd_daemon, client, (struct sockaddr *)&address, size); /* closes it */
        size = sizeof(address);
    }
    (void)shutdown(fd, SHUT_RDWR);
}

void http_stop(struct http *http, int patience_ms)
{
    const struct timespec pause = {.tv_nsec = DRAIN_PAUSE_US * 1000};
    if (http == NULL)
        return;

    int64_t deadline = clock_monotonic() + patience_ms * CLOCK_MS;
    atomic_store(&http->stopping, true);
    MHD_socket fd = MHD_quiesce_daemon(http->instance.mhd_daemon);
    if (fd != MHD_INVALID_SOCKET)
        take_last(http, fd);
    while (connections_shut_idle(http->connections) > 0 && clock_monotonic() < deadline)
        (void)nanosleep(&pause, NULL); /* shorter is as good */

    ulfius_stop_framework(&http->instance);
    if (fd != MHD_INVALID_SOCKET)
        close(fd);
    ulfius_clean_instance(&http->instance);
    http_free(http);
}
