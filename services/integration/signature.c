/* Reads the header and compares each signature with what each secret gives, in constant time. */
#include "signature.h"

#include <string.h>

#include "identity.h"
#include "text.h"

#define SECRET_MIN 16 /* bytes */

const char *const signature_verdict_names[] = {"good", "missing", "malformed", "wrong", "stale"};

bool secrets_read(struct arena *arena, const char *text, struct secrets *ret)
{
    *ret = (struct secrets){0};
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, ",");
        if (size < SECRET_MIN || ret->count == SECRETS_MAX)
            return false;
        ret->items[ret->count++] = arena_copy(arena, at, size);
        at += size;
        if (*at == '\0')
            return true;
    }
}

struct parts {
    const char *time; /* as it was sent: it is part of what is signed */
    int64_t time_s;
    const char *signatures[SIGNATURES_MAX];
    size_t count;
};

/* Takes one "name=value". False if the header can't be meant seriously. */
static bool take_part(struct arena *arena, const char *at, size_t size, struct parts *parts)
{
    if (size > 2 && strncmp(at, "t=", 2) == 0) {
        if (parts->time != NULL || !text_to_int(at + 2, size - 2, &parts->time_s) || parts->time_s < 0)
            return false;
        parts->time = arena_copy(arena, at + 2, size - 2);
        return true;
    }
    if (size > 3 && strncmp(at, "v1=", 3) == 0) {
        if (parts->count == SIGNATURES_MAX)
            return false;
        parts->signatures[parts->count++] = arena_copy(arena, at + 3, size - 3);
        return true;
    }
    return memchr(at, '=', size) != NULL; /* of another scheme */
}

static bool read_parts(struct arena *arena, const char *header, struct parts *ret)
{
    *ret = (struct parts){0};
    if (strlen(header) > SIGNATURE_HEADER_MAX)
        return false;
    for (const char *at = header; *at != '\0';) {
        at += strspn(at, " ");
        size_t size = strcspn(at, ",");
        if (!take_part(arena, at, size, ret))
            return false;
        at += size;
        at += *at == ',';
    }
    return ret->time != NULL && ret->count > 0;
}

/* All pairs are compared, so that time doesn't tell which one fits. */
static bool is_signed(struct arena *arena, const struct secrets *secrets, const struct parts *parts, const char *body,
                      size_t size)
{
    size_t before = strlen(parts->time) + 1;
    char *message = arena_alloc(arena, before + size);
    bool good = false;

    memcpy(message, parts->time, before - 1);
    message[before - 1] = '.';
    memcpy(message + before, body, size);
    for (size_t i = 0; i < secrets->count; i++) {
        const char *secret = secrets->items[i];
        const char *expected = hmac_sha256_hex(arena, secret, strlen(secret), message, before + size);
        for (size_t j = 0; j < parts->count; j++)
            good |= text_equal_secret(expected, parts->signatures[j]);
    }
    return good;
}

enum signature_verdict signature_check(struct arena *arena, const struct secrets *secrets, const char *header,
                                       const char *body, size_t size, int64_t now_s)
{
    struct parts parts;

    if (header == NULL || header[0] == '\0')
        return SIGNATURE_MISSING;
    if (!read_parts(arena, header, &parts))
        return SIGNATURE_MALFORMED;
    if (!is_signed(arena, secrets, &parts, body, size))
        return SIGNATURE_WRONG;
    if (parts.time_s < now_s - SIGNATURE_TOLERANCE_S || parts.time_s > now_s + SIGNATURE_TOLERANCE_S)
        return SIGNATURE_STALE;
    return SIGNATURE_GOOD;
}
