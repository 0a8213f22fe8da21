/*
 * web - the server under test and a client on bare sockets.
 */
#include "web.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

#define KEY_HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PATIENCE_S 10

static const struct setting listen_settings[] = {
    {"WAYBILL_LISTEN", SETTING_TEXT, "127.0.0.1:0", 0, 0, "where to listen"},
    {0},
};

void web_start(struct web *web, const struct route *routes, struct edge *edge, const struct setting *settings)
{
    signal(SIGPIPE, SIG_IGN);
    log_open("test", getenv("TEST_LOG") != NULL ? LOG_DEBUG : LOG_ERROR);
    *web = (struct web){0};
    web->arena = arena_new(1024 * 1024);
    web->service.name = "test";
    web->service.shop = "main";
    web->service.routes = routes;
    web->service.edge = edge;
    web->service.arena = web->arena;
    web->service.config = config_read(web->arena, listen_settings, settings);
    ck_assert_ptr_nonnull(web->service.config);
    web->service.identity_keys = keys_read(web->arena, KEY_HEX);
    if (edge != NULL)
        ck_assert(edge_start(&web->service));
    web->http = http_start(&web->service);
    ck_assert_ptr_nonnull(web->http);
}

void web_stop(struct web *web)
{
    http_stop(web->http, 1000);
    edge_stop(&web->service);
    arena_free(web->arena);
}

const char *web_url(struct web *web)
{
    return arena_printf(web->arena, "http://127.0.0.1:%d", http_port(web->http));
}

int web_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

void web_send(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server may answer and close before it has read all */
        bytes += sent;
        size -= (size_t)sent;
    }
}

static bool read_head(int fd, struct reply *ret)
{
    size_t size = 0;

    while (size < sizeof(ret->head) - 1) {
        if (recv(fd, ret->head + size, 1, 0) != 1)
            return false;
        ret->head[++size] = '\0';
        if (size >= 4 && memcmp(ret->head + size - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static bool read_bytes(int fd, struct reply *ret, size_t size)
{
    ck_assert_uint_lt(ret->size + size, sizeof(ret->body));
    for (size_t left = size; left > 0;) {
        ssize_t got = recv(fd, ret->body + ret->size, left, 0);
        if (got <= 0)
            return false;
        ret->size += (size_t)got;
        left -= (size_t)got;
    }
    ret->body[ret->size] = '\0';
    return true;
}

static bool read_chunks(int fd, struct reply *ret)
{
    for (;;) {
        char line[32] = "";
        size_t size = 0;
        while (size < sizeof(line) - 1 && strchr(line, '\n') == NULL) {
            if (recv(fd, line + size++, 1, 0) != 1)
                return false;
        }
        size_t chunk = strtoul(line, NULL, 16);
        if (!read_bytes(fd, ret, chunk + 2))
            return false;
        ret->size -= 2;
        ret->body[ret->size] = '\0';
        if (chunk == 0)
            return true;
    }
}

bool web_read(int fd, const char *method, struct reply *ret)
{
    char text[512];

    ret->status = 0;
    ret->size = 0;
    ret->body[0] = '\0';
    ret->head[0] = '\0';
    if (!read_head(fd, ret) || sscanf(ret->head, "HTTP/1.1 %d", &ret->status) != 1)
        return false;
    if (strcmp(method, "HEAD") == 0 || ret->status == 204)
        return true;
    if (strcmp(reply_header(ret, "Transfer-Encoding", text), "chunked") == 0)
        return read_chunks(fd, ret);
    return read_bytes(fd, ret, strtoul(reply_header(ret, "Content-Length", text), NULL, 10));
}

void web_ask(struct web *web, const char *method, const char *target, const char *more, const char *body,
             struct reply *ret)
{
    char length[64] = "";
    int fd = web_connect(http_port(web->http));

    if (body != NULL)
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    const char *head = arena_printf(web->arena, "%s %s HTTP/1.1\r\nHost: test\r\n%s%s\r\n", method, target, length,
                                    more != NULL ? more : "");
    web_send(fd, head, strlen(head));
    if (body != NULL)
        web_send(fd, body, strlen(body));
    if (!web_read(fd, method, ret))
        ret->status = 0;
    close(fd);
}

const char *reply_header(const struct reply *reply, const char *name, char text[512])
{
    size_t size = strlen(name);

    text[0] = '\0';
    for (const char *at = strstr(reply->head, "\r\n"); at != NULL; at = strstr(at, "\r\n")) {
        at += 2;
        if (strncasecmp(at, name, size) == 0 && at[size] == ':') {
            at += size + 1;
            at += strspn(at, " ");
            snprintf(text, 512, "%.*s", (int)strcspn(at, "\r"), at);
            break;
        }
    }
    return text;
}

const char *web_identity(struct web *web, enum role role, const char *rights)
{
    struct ctx ctx = {.arena = web->arena};
    struct caller caller = {.role = role, .shop = "main", .rights = rights};

    return arena_printf(web->arena, "%s: %s\r\n", IDENTITY_HEADER,
                        identity_sign(&ctx, web->service.identity_keys, &caller));
}
