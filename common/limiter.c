/*
 * limiter - sets of eight buckets; a key's hash picks the set.
 */
#include "limiter.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#define WAYS 8
#define STRIPES 64
#define US INT64_C(1000000)

/* Levels are in millionths of a request, so that slow rates fill evenly. */
struct bucket {
    uint64_t hash; /* 0: free */
    int64_t level;
    int64_t filled_at;
};

struct limiter {
    int64_t rate;
    uint64_t seed;
    size_t sets;
    struct bucket (*table)[WAYS]; /* a set is guarded by lock[set % STRIPES] */
    pthread_mutex_t lock[STRIPES];
};

struct limiter *limiter_new(int64_t rate, size_t keys)
{
    struct limiter *limiter = calloc(1, sizeof(*limiter));
    if (limiter == NULL)
        abort();
    limiter->rate = rate;
    limiter->sets = keys / WAYS + 1;
    limiter->table = calloc(limiter->sets, sizeof(*limiter->table));
    /* The seed keeps others from choosing keys that push each other out. */
    if (limiter->table == NULL || getrandom(&limiter->seed, sizeof(limiter->seed), 0) != sizeof(limiter->seed))
        abort();
    for (size_t i = 0; i < STRIPES; i++)
        pthread_mutex_init(&limiter->lock[i], NULL);
    return limiter;
}

void limiter_free(struct limiter *limiter)
{
    if (limiter == NULL)
        return;
    for (size_t i = 0; i < STRIPES; i++)
        pthread_mutex_destroy(&limiter->lock[i]);
    free(limiter->table);
    free(limiter);
}

/* FNV-1a with a secret start, mixed at the end. */
static uint64_t hash_of(const struct limiter *limiter, const unsigned char *key, size_t size)
{
    uint64_t hash = limiter->seed ^ UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ key[i]) * UINT64_C(0x100000001b3);
    hash = (hash ^ (hash >> 30) ^ limiter->seed) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    hash ^= hash >> 31;
    return hash != 0 ? hash : 1;
}

/* The key's bucket, or the one that gives way to it. */
static struct bucket *bucket_for(struct bucket set[WAYS], uint64_t hash)
{
    struct bucket *oldest = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].hash == hash)
            return &set[i];
        if (set[i].hash == 0 || (oldest->hash != 0 && set[i].filled_at < oldest->filled_at))
            oldest = &set[i];
    }
    oldest->hash = 0;
    return oldest;
}

bool limiter_take(struct limiter *limiter, const void *key, size_t size, int64_t now_us, int *ret_wait_s)
{
    const int64_t full = limiter->rate * LIMITER_BURST_S * US;
    if (limiter->rate == 0)
        return true;

    uint64_t hash = hash_of(limiter, key, size);
    size_t set = (size_t)(hash % limiter->sets);
    pthread_mutex_t *lock = &limiter->lock[set % STRIPES];
    pthread_mutex_lock(lock);
    struct bucket *bucket = bucket_for(limiter->table[set], hash);
    if (bucket->hash == 0) {
        *bucket = (struct bucket){.hash = hash, .level = full, .filled_at = now_us};
    } else if (now_us > bucket->filled_at) {
        int64_t passed = now_us - bucket->filled_at;
        bucket->level = passed >= LIMITER_BURST_S * US ? full : bucket->level + passed * limiter->rate;
        if (bucket->level > full)
            bucket->level = full;
        bucket->filled_at = now_us;
    }
    bool taken = bucket->level >= US;
    if (taken)
        bucket->level -= US;
    else
        *ret_wait_s = (int)((US - bucket->level) / limiter->rate / US) + 1;
    pthread_mutex_unlock(lock);
    return taken;
}
