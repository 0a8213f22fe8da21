/* One kept HTTP/1.1 connection of the bench. */
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_init(struct wire *wire, const char *host, int port)
{
    memset(wire, 0, sizeof(*wire));
    wire->host = host;
    wire->port = port;
    wire->socket = -1;
}

void wire_close(struct wire *wire)
{
    if (wire->socket >= 0)
        (void)close(wire->socket); /* nothing is lost with it */
    wire->socket = -1;
}

static bool open_wire(struct wire *wire)
{
    const struct timeval patience = {.tv_sec = 60};
    const int on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)wire->port)};

    if (inet_pton(AF_INET, wire->host, &to.sin_addr) != 1)
        return false;
    wire->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (wire->socket < 0)
        return false;
    (void)setsockopt(wire->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(wire->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(wire->socket, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        wire_close(wire);
        return false;
    }
    return true;
}

static bool send_all(struct wire *wire, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t sent = send(wire->socket, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Reads more into the buffer; false at the end, on an error, or when the answer is too large. */
static bool read_more(struct wire *wire)
{
    if (wire->used >= WIRE_MAX)
        return false;
    const ssize_t got = recv(wire->socket, wire->buffer + wire->used, WIRE_MAX - wire->used, 0);
    if (got <= 0)
        return false;
    wire->used += (size_t)got;
    wire->buffer[wire->used] = '\0';
    return true;
}

/* The value of a header in the buffer's head, NUL-terminated in place later; NULL if it isn't there. */
static char *find_header(char *head, const char *name)
{
    const size_t size = strlen(name);

    for (char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, size) == 0 && line[2 + size] == ':')
            return line + 3 + size + strspn(line + 3 + size, " ");
    }
    return NULL;
}

/* Takes the chunks of a body together in place. */
static bool read_chunked(struct wire *wire, size_t at)
{
    size_t to = at;
    const size_t begin = at;

    for (;;) {
        char *end;
        while ((end = strstr(wire->buffer + at, "\r\n")) == NULL) {
            if (!read_more(wire))
                return false;
        }
        const size_t size = strtoul(wire->buffer + at, NULL, 16);
        at = (size_t)(end - wire->buffer) + 2;
        while (wire->used < at + size + 2) {
            if (!read_more(wire))
                return false;
        }
        memmove(wire->buffer + to, wire->buffer + at, size);
        to += size;
        at += size + 2;
        if (size == 0)
            break;
    }
    wire->buffer[to] = '\0';
    wire->body = wire->buffer + begin;
    wire->body_size = to - begin;
    return true;
}

static bool read_answer(struct wire *wire)
{
    char *end;

    wire->used = 0;
    wire->buffer[0] = '\0';
    while ((end = strstr(wire->buffer, "\r\n\r\n")) == NULL) {
        if (!read_more(wire))
            return false;
    }
    const size_t body = (size_t)(end - wire->buffer) + 4;
    if (sscanf(wire->buffer, "HTTP/1.1 %d", &wire->status) != 1)
        return false;
    char saved = end[2];
    end[2] = '\0';
    char *location = find_header(wire->buffer, "Location");
    char *etag = find_header(wire->buffer, "ETag");
    const char *length = find_header(wire->buffer, "Content-Length");
    const bool is_chunked = find_header(wire->buffer, "Transfer-Encoding") != NULL;
    const size_t size = length != NULL ? strtoul(length, NULL, 10) : 0;
    end[2] = saved;

    if (is_chunked) {
        if (!read_chunked(wire, body))
            return false;
    } else {
        while (wire->used < body + size) {
            if (!read_more(wire))
                return false;
        }
        wire->buffer[body + size] = '\0';
        wire->body = wire->buffer + body;
        wire->body_size = size;
    }
    wire->location = location;
    wire->etag = etag;
    if (location != NULL)
        location[strcspn(location, "\r")] = '\0';
    if (etag != NULL)
        etag[strcspn(etag, "\r")] = '\0';
    return true;
}

bool wire_ask(struct wire *wire, const char *method, const char *path, const char *headers, const char *type,
              const char *body)
{
    char head[2048];
    const size_t body_size = body != NULL ? strlen(body) : 0;
    const int size =
        snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: %s:%d\r\n%s%s%s%sContent-Length: %zu\r\n\r\n", method,
                 path, wire->host, wire->port, headers, body != NULL ? "Content-Type: " : "", body != NULL ? type : "",
                 body != NULL ? "\r\n" : "", body_size);

    if (size < 0 || (size_t)size >= sizeof(head))
        return false;
    if (wire->socket < 0 && !open_wire(wire))
        return false;
    if (!send_all(wire, head, (size_t)size) || !send_all(wire, body, body_size) || !read_answer(wire)) {
        wire_close(wire);
        return false;
    }
    return true;
}
