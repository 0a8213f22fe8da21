/*
 * identity - who asks, from the gateway to a service: signed, short-lived, carrying the caller. And shoppers' tokens.
 *
 * An identity is base64url(HMAC-SHA256(identity key, JSON)) "." JSON, good for IDENTITY_TTL_S. A shopper's token is
 * base64url(cart id, HMAC-SHA256(token key, "cart" | cart id)): unguessable, derived and so stored nowhere
 * (docs/adr/0003). Both keys may have two live values, comma-separated: the first signs, each verifies.
 */
#ifndef WAYBILL_IDENTITY_H
#define WAYBILL_IDENTITY_H

#include <stdbool.h>

#include "ctx.h"

#define IDENTITY_HEADER "Waybill-Identity"
#define IDENTITY_TTL_S 60

struct keys; /* one or two 256-bit keys */

/* From "64 hex[,64 hex]"; NULL if it is not that. Lives in the arena. */
struct keys *keys_read(struct arena *arena, const char *hex);

const char *identity_sign(struct ctx *ctx, const struct keys *keys, const struct caller *caller);

/* Fills ctx->caller. ERR_UNAUTHENTICATED when the signature, the time or the shape is wrong. */
enum err identity_verify(struct ctx *ctx, const struct keys *keys, const char *header) MUST_USE;

/* The token of a cart, and back; NULL when it is not one of ours. */
const char *token_for_cart(struct arena *arena, const struct keys *keys, const char *cart_id);
const char *token_read_cart(struct arena *arena, const struct keys *keys, const char *token);

/* HMAC-SHA256 as lower-case hex, for webhook signatures. */
const char *hmac_sha256_hex(struct arena *arena, const void *key, size_t key_size, const void *bytes, size_t size);
const char *sha256_hex(struct arena *arena, const void *bytes, size_t size);

#endif
