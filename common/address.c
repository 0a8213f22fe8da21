/*
 * address - reading and comparing IP addresses.
 */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "text.h"

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool address_read(const char *text, size_t size, struct address *ret)
{
    char copy[INET6_ADDRSTRLEN];
    if (size >= sizeof(copy))
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';

    if (inet_pton(AF_INET6, copy, ret->bytes) == 1)
        return true;
    memcpy(ret->bytes, mapped, sizeof(mapped));
    return inet_pton(AF_INET, copy, ret->bytes + sizeof(mapped)) == 1;
}

struct address address_of(const struct sockaddr *socket)
{
    struct address address = {{0}};

    if (socket != NULL && socket->sa_family == AF_INET6) {
        memcpy(address.bytes, &((const struct sockaddr_in6 *)socket)->sin6_addr, sizeof(address.bytes));
    } else if (socket != NULL && socket->sa_family == AF_INET) {
        memcpy(address.bytes, mapped, sizeof(mapped));
        memcpy(address.bytes + sizeof(mapped), &((const struct sockaddr_in *)socket)->sin_addr, 4);
    }
    return address;
}

static bool is_ipv4(const struct address *address)
{
    return memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

size_t address_client_size(const struct address *address)
{
    return is_ipv4(address) ? 16 : 8;
}

static bool read_network(const char *text, size_t size, struct network *ret)
{
    const char *slash = memchr(text, '/', size);
    size_t address_size = slash != NULL ? (size_t)(slash - text) : size;
    int64_t bits;

    if (!address_read(text, address_size, &ret->address))
        return false;
    int64_t most = is_ipv4(&ret->address) ? 32 : 128;
    bits = most;
    if (slash != NULL && !text_to_int(slash + 1, size - address_size - 1, &bits))
        return false;
    if (bits < 0 || bits > most)
        return false;
    ret->bits = (unsigned)(bits + 128 - most);
    return true;
}

bool networks_read(const char *text, struct networks *ret)
{
    ret->count = 0;
    for (const char *at = text; *at != '\0';) {
        size_t size = strcspn(at, ",");
        if (ret->count == NETWORKS_MAX || !read_network(at, size, &ret->items[ret->count]))
            return false;
        ret->count++;
        at += size;
        at += *at == ',';
    }
    return true;
}

bool networks_have(const struct networks *networks, const struct address *address)
{
    for (size_t i = 0; i < networks->count; i++) {
        const struct network *network = &networks->items[i];
        unsigned whole = network->bits / 8;
        uint8_t mask = (uint8_t)(0xff00 >> network->bits % 8);
        if (memcmp(network->address.bytes, address->bytes, whole) != 0)
            continue;
        if (network->bits % 8 == 0 || ((network->address.bytes[whole] ^ address->bytes[whole]) & mask) == 0)
            return true;
    }
    return false;
}
