/* What the shop offers, kept in memory while nobody changes it. */
#include "offer_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "text.h"

#define SLOT_BYTES_MAX ((size_t)256 * 1024) /* OFFER_CHOICES_MAX with the longest texts stay below */

struct slot {
    struct arena *arena; /* of the key and the offers; NULL: not used yet */
    struct offer_key key;
    struct offers offers;
    int64_t asked; /* the number of the question that it answered last */
};

struct offer_cache {
    pthread_mutex_t lock; /* over everything below */
    int64_t questions;
    struct slot slots[OFFER_KEYS_MAX];
};

struct offer_cache *offer_cache_new(void)
{
    struct offer_cache *cache = calloc(1, sizeof(*cache));

    if (cache == NULL)
        abort();
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

void offer_cache_free(struct offer_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < OFFER_KEYS_MAX; i++)
        arena_free(cache->slots[i].arena);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static struct slot *find(struct offer_cache *cache, const struct offer_key *key)
{
    for (size_t i = 0; i < OFFER_KEYS_MAX; i++) {
        struct slot *slot = &cache->slots[i];
        if (slot->arena != NULL && text_equal(slot->key.currency, key->currency) &&
            text_equal(slot->key.country, key->country) && text_equal(slot->key.shop, key->shop))
            return slot;
    }
    return NULL;
}

static struct slot *longest_unasked(struct offer_cache *cache)
{
    struct slot *longest = &cache->slots[0];

    for (size_t i = 1; i < OFFER_KEYS_MAX; i++) {
        if (cache->slots[i].asked < longest->asked)
            longest = &cache->slots[i];
    }
    return longest;
}

bool offer_cache_find(struct offer_cache *cache, const struct offer_key *key, int64_t version, struct arena *arena,
                      struct offers *ret)
{
    pthread_mutex_lock(&cache->lock);
    struct slot *slot = find(cache, key);
    const bool found = slot != NULL && slot->offers.version == version;
    if (found) {
        slot->asked = ++cache->questions;
        offers_copy(&slot->offers, arena, ret);
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

void offer_cache_keep(struct offer_cache *cache, const struct offer_key *key, const struct offers *offers)
{
    if (offers->rules.rates.count + offers->deliveries.count + offers->payments.count > OFFER_CHOICES_MAX)
        return;

    pthread_mutex_lock(&cache->lock);
    struct slot *slot = find(cache, key);
    if (slot == NULL)
        slot = longest_unasked(cache);
    if (slot->arena == NULL)
        slot->arena = arena_new(SLOT_BYTES_MAX);
    arena_clear(slot->arena);
    slot->key = (struct offer_key){
        .shop = arena_strdup(slot->arena, key->shop),
        .currency = arena_strdup(slot->arena, key->currency),
        .country = arena_strdup(slot->arena, key->country),
    };
    offers_copy(offers, slot->arena, &slot->offers);
    slot->asked = ++cache->questions;
    pthread_mutex_unlock(&cache->lock);
}
