/*
 * keyring - who the keys belong to that a gateway was given: staff's at the back office, partners' at integration.
 *
 * The setting is a list, "clerk-anna:orders stock:KEY,erp:catalog:KEY": name, rights, key. Only the keys' hashes are
 * kept. A key is looked up by comparing its hash with all of them, so that time tells neither which one it is nor how
 * close a guess came.
 */
#ifndef WAYBILL_KEYRING_H
#define WAYBILL_KEYRING_H

#include "arena.h"

#define KEYRING_MAX 200     /* keys */
#define KEYRING_KEY_MIN 16  /* bytes of a key: shorter ones can be guessed */
#define KEYRING_KEY_MAX 256 /* bytes of what is shown as a key */

struct key_holder {
    const char *name;
    const char *rights; /* space-separated */
    const char *hash;
};

struct keyring {
    struct key_holder holders[KEYRING_MAX];
    size_t count;
};

/* From the setting's text; an empty one is a ring without keys. NULL if it is not such a list; *ret_why says what is
 * wrong without quoting it. Lives in the arena. */
struct keyring *keyring_read(struct arena *arena, const char *text, const char **ret_why) MUST_USE;

/* Whose key it is, or NULL. Accepts a NULL key. */
const struct key_holder *keyring_find(const struct keyring *keyring, struct arena *arena, const char *key);

#endif
