/*
 * web - a real server on a free port for tests of the HTTP side, and a plain client that sends exactly what it is told.
 */
#ifndef WAYBILL_TEST_WEB_H
#define WAYBILL_TEST_WEB_H

#include "edge.h"
#include "service.h"

#define WEB_REPLY_MAX ((size_t)256 * 1024)

/* A service without database and broker. */
struct web {
    struct service service;
    struct arena *arena;
    struct http *http;
};

/* Starts a server for the routes; a gateway if there is an edge. `settings` may be NULL. Fails the test if it can't. */
void web_start(struct web *web, const struct route *routes, struct edge *edge, const struct setting *settings);
void web_stop(struct web *web);

/* "http://127.0.0.1:PORT" */
const char *web_url(struct web *web);

struct reply {
    int status; /* 0: none came */
    char head[16384];
    char body[WEB_REPLY_MAX];
    size_t size;
};

/* One request on a new connection. `more` are further header lines, each with its CR LF; NULL: none. */
void web_ask(struct web *web, const char *method, const char *target, const char *more, const char *body,
             struct reply *ret);

/* Step by step: connects, sends bytes, reads one reply (false if the connection ended before it was complete). */
int web_connect(int port);
void web_send(int fd, const char *bytes, size_t size);
bool web_read(int fd, const char *method, struct reply *ret);

/* A header of a reply into text of at least 512 bytes; "" if it isn't there. */
const char *reply_header(const struct reply *reply, const char *name, char text[512]);

/* Header line with an identity signed by the service's own keys. */
const char *web_identity(struct web *web, enum role role, const char *rights);

#endif
