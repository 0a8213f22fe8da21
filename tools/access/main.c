/* waybill-access: tells the broker who may do what with which topic, as proto/topics.json has it. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "config.h"
#include "kafka_access.h"
#include "log.h"
#include "text.h"

#define USERS_MAX 64
#define RIGHTS_MAX 512
#define PATIENCE_S 120 /* for a broker that is just starting */
#define OURS "waybill."

/* Gateways that read without a group, to wake those who wait. */
static const char *const watchers[] = {"storefront"};

static const struct setting settings[] = {
    {"WAYBILL_KAFKA_READERS", SETTING_TEXT, "", 0, 0, "users outside, who may read public topics: name,name"},
    {"WAYBILL_KAFKA_LOGINS", SETTING_SECRET, "", 0, 0, "name:password,...: passwords to be set, for SCRAM-SHA-512"},
    {NULL},
};

static const char help[] = "usage: waybill-access\n"
                           "\n"
                           "Tells the broker who may do what: each service may write its own topics and read all of "
                           "them, users outside may\n"
                           "read the public ones. Needs the rights of the broker's administrator. What was allowed "
                           "before stays so. Waits up to\n"
                           "two minutes for the broker; ends with 0 when all is said, 1 when not, 2 when it was called "
                           "wrongly.\n";

struct rights {
    struct kafka_right items[RIGHTS_MAX];
    size_t count;
};

static bool allow(struct rights *rights, const char *user, enum kafka_deed deed, const char *name, bool is_prefix)
{
    if (rights->count == RIGHTS_MAX)
        return false;
    rights->items[rights->count++] = (struct kafka_right){user, deed, name, is_prefix};
    return true;
}

/* A copy of any service may be the first that makes the topics. */
static bool allow_insider(struct rights *rights, struct arena *arena, const char *user)
{
    return allow(rights, user, KAFKA_CREATE, OURS, true) && allow(rights, user, KAFKA_READ, OURS, true) &&
           allow(rights, user, KAFKA_JOIN, arena_printf(arena, OURS "%s", user), false);
}

static bool allow_outsider(struct rights *rights, struct arena *arena, const char *user)
{
    for (const struct topic *topic = event_topics; topic->name != NULL; topic++)
        if (topic->is_public && !allow(rights, user, KAFKA_READ, topic->name, false))
            return false;
    return allow(rights, user, KAFKA_JOIN, user, false) &&
           allow(rights, user, KAFKA_JOIN, arena_printf(arena, "%s.", user), true);
}

static bool is_first_of_its_service(const struct topic *topic)
{
    const struct topic *other = event_topics;

    while (!text_equal(other->emitted_by, topic->emitted_by))
        other++;
    return other == topic;
}

static bool allow_all(struct rights *rights, struct arena *arena, const char *const *outsiders, size_t count)
{
    bool good = true;

    for (const struct topic *topic = event_topics; topic->name != NULL; topic++) {
        good = good && allow(rights, topic->emitted_by, KAFKA_WRITE, topic->name, false);
        good = good && (!is_first_of_its_service(topic) || allow_insider(rights, arena, topic->emitted_by));
    }
    for (size_t i = 0; i < COUNT(watchers); i++)
        good = good && allow_insider(rights, arena, watchers[i]);
    for (size_t i = 0; i < count; i++)
        good = good && allow_outsider(rights, arena, outsiders[i]);
    return good;
}

/* Splits "a,b,c"; empty words don't count. False when there are too many. */
static bool split(struct arena *arena, const char *text, const char *ret[USERS_MAX], size_t *ret_count)
{
    char *rest = arena_strdup(arena, text);

    *ret_count = 0;
    for (char *word = strsep(&rest, ","); word != NULL; word = strsep(&rest, ",")) {
        if (word[0] == '\0')
            continue;
        if (*ret_count == USERS_MAX)
            return false;
        ret[(*ret_count)++] = word;
    }
    return true;
}

static bool read_logins(struct arena *arena, const char *text, struct kafka_login ret[USERS_MAX], size_t *ret_count)
{
    const char *words[USERS_MAX];

    if (!split(arena, text, words, ret_count))
        return false;
    for (size_t i = 0; i < *ret_count; i++) {
        char *user = arena_strdup(arena, words[i]);
        char *colon = strchr(user, ':');
        if (colon == NULL || colon == user || colon[1] == '\0')
            return false;
        *colon = '\0';
        ret[i] = (struct kafka_login){user, colon + 1};
    }
    return true;
}

/* Tries until it works, or for too long. */
static bool tell(const struct kafka_options *options, const struct kafka_login *logins, size_t count,
                 const struct rights *rights)
{
    const int64_t end = clock_monotonic() + PATIENCE_S * CLOCK_SECOND;

    while (!(count == 0 || kafka_set_passwords(options, logins, count)) ||
           !kafka_grant(options, rights->items, rights->count)) {
        if (clock_monotonic() > end)
            return false;
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    log_info(NULL, "the broker knows who may do what", LOG_INT("rights", (int64_t)rights->count),
             LOG_INT("passwords", (int64_t)count));
    return true;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        bool asked = text_equal(argv[1], "--help");
        fputs(help, asked ? stdout : stderr);
        config_help(asked ? stdout : stderr, kafka_settings, settings);
        return asked ? 0 : 2;
    }

    struct arena *arena = arena_new(1 << 20);
    struct rights *rights = ARENA_NEW(arena, struct rights);
    struct kafka_login logins[USERS_MAX];
    const char *outsiders[USERS_MAX];
    size_t login_count = 0;
    size_t outsider_count = 0;
    int status = 2;

    log_open("access", LOG_INFO);
    const struct config *config = config_read(arena, kafka_settings, settings);
    if (config != NULL && !split(arena, config_text(config, "WAYBILL_KAFKA_READERS"), outsiders, &outsider_count))
        fprintf(stderr, "access: WAYBILL_KAFKA_READERS has more than %d names\n", USERS_MAX);
    else if (config != NULL && !read_logins(arena, config_text(config, "WAYBILL_KAFKA_LOGINS"), logins, &login_count))
        fprintf(stderr, "access: WAYBILL_KAFKA_LOGINS must be name:password,name:password, at most %d\n", USERS_MAX);
    else if (config != NULL && allow_all(rights, arena, outsiders, outsider_count)) {
        const struct kafka_options options = kafka_options_read(config, "access", "");
        status = tell(&options, logins, login_count, rights) ? 0 : 1;
    }
    arena_free(arena);
    return status;
}
