/*
 * address - IP addresses as bytes, and lists of networks.
 */
#ifndef WAYBILL_ADDRESS_H
#define WAYBILL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

/* IPv4 counts as its IPv6 form, ::ffff:a.b.c.d. */
struct address {
    uint8_t bytes[16];
};

/* Reads an address; false if the text is none. */
bool address_read(const char *text, size_t size, struct address *ret);

/* The address that a socket names; zeros if it names none. */
struct address address_of(const struct sockaddr *socket);

/* How many bytes tell clients apart: a household or company has a whole IPv6 /64. */
size_t address_client_size(const struct address *address);

#define NETWORKS_MAX 16

struct networks {
    struct network {
        struct address address;
        unsigned bits;
    } items[NETWORKS_MAX];
    size_t count;
};

/* Reads "10.0.0.0/8,::1"; the empty text is an empty list. False if it is not that. */
bool networks_read(const char *text, struct networks *ret);

bool networks_have(const struct networks *networks, const struct address *address);

#endif
