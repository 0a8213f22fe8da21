/*
 * keyring - reads the list and compares hashes.
 */
#include "keyring.h"

#include <string.h>

#include "identity.h"
#include "text.h"

#define RIGHTS_MAX 200 /* bytes */
#define NAME_MAX_SIZE 60

/* Whether they are words as rights are, with single spaces between. */
static bool are_words(const char *text)
{
    if (strlen(text) > RIGHTS_MAX || text[0] == ' ')
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || *at == '_';
        if (!letter && (*at != ' ' || at[1] == ' ' || at[1] == '\0'))
            return false;
    }
    return true;
}

static bool is_key(const char *text)
{
    size_t size = strlen(text);

    for (const char *at = text; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~')
            return false;
    }
    return size >= KEYRING_KEY_MIN && size <= KEYRING_KEY_MAX;
}

static const struct key_holder *find_hash(const struct keyring *keyring, const char *hash)
{
    const struct key_holder *found = NULL;

    for (size_t i = 0; i < keyring->count; i++) {
        if (text_equal_secret(keyring->holders[i].hash, hash))
            found = &keyring->holders[i];
    }
    return found;
}

/* Reads one entry. Returns what is wrong with it, or NULL. */
static const char *read_holder(struct arena *arena, char *entry, struct key_holder *ret)
{
    char *rights = strchr(entry, ':');
    char *key = rights != NULL ? strchr(rights + 1, ':') : NULL;
    if (key == NULL)
        return "an entry is not name:rights:key";

    *rights++ = '\0';
    *key++ = '\0';
    if (strlen(entry) > NAME_MAX_SIZE || !text_has_format(entry, TEXT_TOKEN))
        return "a name is not a word of 1 to 60 letters, digits and ._-";
    if (!are_words(rights))
        return "rights are not lower-case words with single spaces between";
    if (!is_key(key))
        return "a key is not 16 to 256 visible ASCII characters";
    *ret = (struct key_holder){.name = entry, .rights = rights, .hash = sha256_hex(arena, key, strlen(key))};
    return NULL;
}

struct keyring *keyring_read(struct arena *arena, const char *text, const char **ret_why)
{
    struct keyring *keyring = ARENA_NEW(arena, struct keyring);

    for (const char *at = text; *at != '\0';) {
        struct key_holder *holder = &keyring->holders[keyring->count];
        size_t size = strcspn(at, ",");
        *ret_why = keyring->count == KEYRING_MAX ? "there are too many keys"
                                                 : read_holder(arena, arena_copy(arena, at, size), holder);
        if (*ret_why == NULL && find_hash(keyring, holder->hash) != NULL)
            *ret_why = "two entries have the same key";
        if (*ret_why != NULL)
            return NULL;
        keyring->count++;
        at += size;
        at += *at == ',';
    }
    return keyring;
}

const struct key_holder *keyring_find(const struct keyring *keyring, struct arena *arena, const char *key)
{
    if (key == NULL || strlen(key) > KEYRING_KEY_MAX)
        return NULL;
    return find_hash(keyring, sha256_hex(arena, key, strlen(key)));
}
