/*
 * offer_cache - what the shop offers, kept in memory while nobody changes it.
 *
 * Delivery methods, taxes and payment methods change rarely and are needed at each step of a checkout. The database
 * counts their changes (offers_version), and each statement that reads or locks a checkout for its shopper tells the
 * count as it saw it. So what is kept is used only if it is what the database had at that moment: nothing gets stale.
 *
 * Limits: OFFER_KEYS_MAX combinations of shop, currency and country; the one that was not asked for the longest makes
 * room. Threads: shared by all; what is found is a copy in the caller's arena.
 */
#ifndef WAYBILL_CHECKOUT_OFFER_CACHE_H
#define WAYBILL_CHECKOUT_OFFER_CACHE_H

#include "offers.h"

#define OFFER_KEYS_MAX 64
#define OFFER_CHOICES_MAX 100 /* rates and methods of one combination; more are not kept */

struct offer_cache;

struct offer_key {
    const char *shop;
    const char *currency;
    const char *country; /* NULL: not known yet */
};

/* Empty. Never NULL. */
struct offer_cache *offer_cache_new(void);

/* Accepts NULL. */
void offer_cache_free(struct offer_cache *cache);

/* What is offered under the key, if it is kept in this version. */
bool offer_cache_find(struct offer_cache *cache, const struct offer_key *key, int64_t version, struct arena *arena,
                      struct offers *ret) MUST_USE;

/* Keeps a copy, in place of an older one. */
void offer_cache_keep(struct offer_cache *cache, const struct offer_key *key, const struct offers *offers);

#endif
