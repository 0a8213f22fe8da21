/*
 * bus - Kafka in tests.
 */
#include "bus.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "common/queries.h"
#include "id.h"
#include "json.h"

#define READ_MS 20000
#define ARENA_BYTES 10000
#define QUIET_MS 700

#define NAMES_MAX 16 /* in one test */
#define NAME_MAX_BYTES 128

static const struct field ping_fields[] = {
    FIELD(ping, note),
    FIELD(ping, number, .flags = FIELD_REQUIRED),
};
const struct record bus_ping_record = {"ping", sizeof(struct ping), ping_fields, COUNT(ping_fields)};

const char *bus_topic(const char *name)
{
    static char names[NAMES_MAX][NAME_MAX_BYTES];
    static int count;
    char *topic = names[count++];

    /* Two runs may have the same process number. */
    ck_assert_int_le(count, NAMES_MAX);
    (void)snprintf(topic, NAME_MAX_BYTES, "test.%lld.%d.%s", (long long)(clock_now() / CLOCK_MS), (int)getpid(), name);
    return topic;
}

void bus_make_topic(struct kafka *kafka, const char *topic, int partitions)
{
    const struct topic made = {.name = topic, .partitions = partitions};
    const struct topic *const list[] = {&made};

    ck_assert(kafka_ensure_topics(kafka, list, 1));
}

struct kafka *bus_kafka(const char *name)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    const struct config *config = config_read(arena, kafka_settings, NULL);

    ck_assert(config != NULL);
    const struct kafka_options options = kafka_options_read(config, name, "main");
    struct kafka *kafka = kafka_new(&options);

    ck_assert(kafka != NULL);
    arena_free(arena);
    return kafka;
}

struct service *bus_service(const char *name, const struct query *const *own)
{
    static const struct query *const *lists[3];
    struct service *service = database_service(own, 4);

    lists[0] = common_queries;
    lists[1] = own;
    service->name = name;
    service->database = (struct pool_options){
        .conninfo = database_conninfo(), .application = name, .queries = lists, .size = 4, .wait_ms = 1000};
    service->kafka = bus_kafka(name);
    return service;
}

void bus_service_free(struct service *service)
{
    kafka_free(service->kafka);
    database_service_free(service);
}

struct message bus_message(struct arena *arena, const char *topic, const char *type, const char *key, int64_t sequence,
                           const char *id)
{
    const struct ping ping = {.note = key, .number = sequence};
    const char *body = json_encode(arena, &bus_ping_record, &ping);

    return (struct message){
        .topic = topic,
        .key = key,
        .id = id != NULL ? id : id_new(arena),
        .type = type,
        .subject = key,
        .sequence = sequence,
        .correlation_id = "a-journey",
        .causation_id = "a-cause",
        .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        .time = clock_now(),
        .body = body,
        .size = strlen(body),
    };
}

void bus_publish(struct kafka *kafka, const struct message *messages, size_t count)
{
    struct service service = {.shop = "main"};
    struct ctx *ctx = ctx_new(&service);

    enum err err = kafka_publish(ctx, kafka, messages, count, NULL, NULL);
    ck_assert_msg(err == ERR_NONE, "%s", ctx->problem.detail);
    ctx_release(ctx);
}

static void from_the_beginning(void *of, struct kafka_position *positions, size_t count)
{
    (void)of;
    for (size_t i = 0; i < count; i++)
        positions[i].next_offset = 0;
}

size_t bus_read_all(struct kafka *kafka, struct arena *arena, const char *topic, size_t count, struct message *ret,
                    size_t max)
{
    const char *const topics[] = {topic};
    int64_t deadline = clock_monotonic() + READ_MS * CLOCK_MS;
    size_t found = 0;
    struct kafka_group *group = kafka_group_new(kafka, bus_topic("reader"), topics, 1, from_the_beginning, NULL);

    ck_assert(group != NULL);
    while (found < count && clock_monotonic() < deadline)
        found += kafka_group_take(group, arena, 200, ret + found, max - found);
    if (found < max)
        found += kafka_group_take(group, arena, QUIET_MS, ret + found, max - found);
    kafka_group_free(group);
    ck_assert_uint_ge(found, count);
    return found;
}
