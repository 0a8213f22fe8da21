/*
 * wire - one kept HTTP/1.1 connection of the bench: blocking, as cheap as can be, no library.
 *
 * The bench must cost little beside what it measures, so it speaks only what the gateways answer: Content-Length or
 * chunked bodies up to WIRE_MAX. A connection that breaks is opened again once for each request.
 */
#ifndef WAYBILL_BENCH_WIRE_H
#define WAYBILL_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX (256 * 1024)

struct wire {
    const char *host;
    int port;
    int socket; /* -1: not connected */
    char buffer[WIRE_MAX + 1];
    size_t used;
    int status;       /* of the last answer */
    const char *body; /* in the buffer, NUL-terminated */
    size_t body_size;
    const char *location; /* value of its Location header in the buffer, or NULL */
    const char *etag;
};

void wire_init(struct wire *wire, const char *host, int port);

/* Sends a request and reads the whole answer. `headers` are lines ending with CRLF, or "". False when it broke. */
bool wire_ask(struct wire *wire, const char *method, const char *path, const char *headers, const char *type,
              const char *body);

void wire_close(struct wire *wire);

#endif
