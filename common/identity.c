/*
 * identity - HMAC-SHA256 by libsodium.
 */
#include "identity.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "id.h"
#include "json.h"
#include "text.h"

#define KEY_SIZE 32
#define KEYS_MAX 2
#define IDENTITY_MAX 4096 /* bytes of the header */
#define CLOCK_SKEW_S 5    /* between the machines of a deployment */
#define CART_TOKEN_PREFIX "cart"

struct keys {
    crypto_auth_hmacsha256_state started[KEYS_MAX]; /* with each key: half the work of a short text's signature */
    size_t count;
};

struct identity {
    const char *role;
    const char *shop;
    const char *name;
    const char *rights;
    const char *cart_id;
    int64_t until; /* seconds since 1970 */
};

static const char *const role_names[] = {"none", "shopper", "staff", "partner", "system", NULL};
static const enum role roles[] = {ROLE_NONE, ROLE_SHOPPER, ROLE_STAFF, ROLE_PARTNER, ROLE_SYSTEM};

static RECORD(identity, FIELD(identity, role, .flags = FIELD_REQUIRED, .names = role_names),
              FIELD(identity, shop, .flags = FIELD_REQUIRED), FIELD(identity, name),
              FIELD(identity, rights, .max = 1000), FIELD(identity, cart_id, .format = TEXT_UUID),
              FIELD(identity, until, .flags = FIELD_REQUIRED));

static void start_sodium(void)
{
    if (sodium_init() < 0)
        abort();
}

static void need_sodium(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, start_sodium); /* can't fail with a valid `once` */
}

struct keys *keys_read(struct arena *arena, const char *hex)
{
    struct keys *keys = ARENA_NEW(arena, struct keys);
    uint8_t key[KEY_SIZE];

    need_sodium();
    for (const char *at = hex; keys->count < KEYS_MAX; at++) {
        size_t size = strcspn(at, ",");
        if (size != 2 * KEY_SIZE || !hex_decode(arena_copy(arena, at, size), key, KEY_SIZE))
            return NULL;
        crypto_auth_hmacsha256_init(&keys->started[keys->count++], key, KEY_SIZE);
        sodium_memzero(key, sizeof(key));
        at += size;
        if (*at == '\0')
            return keys;
    }
    return NULL;
}

/* Signs with the key that `state`, a copy, was started with. */
static void sign(crypto_auth_hmacsha256_state state, const char *label, const void *bytes, size_t size,
                 uint8_t ret[crypto_auth_hmacsha256_BYTES])
{
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)label, strlen(label));
    crypto_auth_hmacsha256_update(&state, bytes, size);
    crypto_auth_hmacsha256_final(&state, ret);
    sodium_memzero(&state, sizeof(state));
}

/* Whether one of the keys made the signature. All are tried, so that time doesn't tell which. */
static bool is_signed(const struct keys *keys, const char *label, const void *bytes, size_t size,
                      const uint8_t mac[crypto_auth_hmacsha256_BYTES])
{
    bool good = false;

    for (size_t i = 0; i < keys->count; i++) {
        uint8_t expected[crypto_auth_hmacsha256_BYTES];
        sign(keys->started[i], label, bytes, size, expected);
        good |= sodium_memcmp(expected, mac, sizeof(expected)) == 0;
    }
    return good;
}

static const char *role_name(enum role role)
{
    for (size_t i = 0; i < COUNT(roles); i++) {
        if (roles[i] == role)
            return role_names[i];
    }
    return role_names[0];
}

const char *identity_sign(struct ctx *ctx, const struct keys *keys, const struct caller *caller)
{
    const struct identity identity = {
        .role = role_name(caller->role),
        .shop = caller->shop,
        .name = caller->name,
        .rights = caller->rights,
        .cart_id = caller->cart_id,
        .until = clock_now() / CLOCK_SECOND + IDENTITY_TTL_S,
    };
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    assert(keys != NULL && caller->shop != NULL);
    const char *json = json_encode(ctx->arena, &identity_record, &identity);
    sign(keys->started[0], "", json, strlen(json), mac);
    return arena_printf(ctx->arena, "%s.%s", base64url_encode(ctx->arena, mac, sizeof(mac)), json);
}

/* The JSON of a header whose signature is good, or NULL. */
static const char *read_signed(struct ctx *ctx, const struct keys *keys, const char *header)
{
    size_t mac_size;

    if (header == NULL || strlen(header) > IDENTITY_MAX)
        return NULL;
    const char *dot = strchr(header, '.');
    if (dot == NULL)
        return NULL;
    const char *json = dot + 1;
    const uint8_t *mac =
        base64url_decode(ctx->arena, arena_copy(ctx->arena, header, (size_t)(dot - header)), &mac_size);
    if (mac == NULL || mac_size != crypto_auth_hmacsha256_BYTES)
        return NULL;
    return is_signed(keys, "", json, strlen(json), mac) ? json : NULL;
}

enum err identity_verify(struct ctx *ctx, const struct keys *keys, const char *header)
{
    int64_t now = clock_now() / CLOCK_SECOND;
    struct identity identity = {0};

    assert(keys != NULL);
    const char *json = read_signed(ctx, keys, header);
    if (json == NULL)
        return FAIL(ctx, UNAUTHENTICATED, "this needs a signed %s", IDENTITY_HEADER);
    if (json_decode(ctx, &identity_record, json, strlen(json), JSON_OPEN, &identity) != ERR_NONE) {
        ctx_clear_problem(ctx);
        return FAIL(ctx, UNAUTHENTICATED, "the %s cannot be read", IDENTITY_HEADER);
    }
    if (identity.until < now - CLOCK_SKEW_S || identity.until > now + IDENTITY_TTL_S + CLOCK_SKEW_S)
        return FAIL(ctx, UNAUTHENTICATED, "the %s is not good at this time", IDENTITY_HEADER);

    ctx->caller = (struct caller){
        .shop = identity.shop, .name = identity.name, .rights = identity.rights, .cart_id = identity.cart_id};
    for (size_t i = 0; i < COUNT(roles); i++) {
        if (text_equal(role_names[i], identity.role))
            ctx->caller.role = roles[i];
    }
    return ERR_NONE;
}

#define UUID_SIZE 16

/* The 16 bytes of a canonical UUID. */
static bool uuid_bytes(const char *id, uint8_t ret[UUID_SIZE])
{
    char hex[2 * UUID_SIZE + 1];
    size_t size = 0;

    if (!id_is_valid(id))
        return false;
    for (const char *at = id; *at != '\0'; at++) {
        if (*at != '-')
            hex[size++] = *at;
    }
    hex[size] = '\0';
    return hex_decode(hex, ret, UUID_SIZE);
}

const char *token_for_cart(struct arena *arena, const struct keys *keys, const char *cart_id)
{
    uint8_t token[UUID_SIZE + crypto_auth_hmacsha256_BYTES];
    bool valid = uuid_bytes(cart_id, token);

    assert(valid);
    if (!valid)
        return NULL;
    sign(keys->started[0], CART_TOKEN_PREFIX, token, UUID_SIZE, token + UUID_SIZE);
    return base64url_encode(arena, token, sizeof(token));
}

const char *token_read_cart(struct arena *arena, const struct keys *keys, const char *token)
{
    size_t size;

    if (token == NULL || strlen(token) != (UUID_SIZE + crypto_auth_hmacsha256_BYTES) * 4 / 3)
        return NULL;
    const uint8_t *bytes = base64url_decode(arena, token, &size);
    if (bytes == NULL || size != UUID_SIZE + crypto_auth_hmacsha256_BYTES)
        return NULL;
    if (!is_signed(keys, CART_TOKEN_PREFIX, bytes, UUID_SIZE, bytes + UUID_SIZE))
        return NULL;
    const char *hex = hex_encode(arena, bytes, UUID_SIZE);
    return arena_printf(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

const char *hmac_sha256_hex(struct arena *arena, const void *key, size_t key_size, const void *bytes, size_t size)
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    need_sodium();
    crypto_auth_hmacsha256_init(&state, key, key_size);
    crypto_auth_hmacsha256_update(&state, bytes, size);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
    return hex_encode(arena, mac, sizeof(mac));
}

const char *sha256_hex(struct arena *arena, const void *bytes, size_t size)
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    need_sodium();
    crypto_hash_sha256(hash, bytes, size);
    return hex_encode(arena, hash, sizeof(hash));
}
