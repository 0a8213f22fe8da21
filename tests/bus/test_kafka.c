/* kafka: publishing in order and whole or not at all, groups that begin where they are told, tails. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <string.h>

#include "bus.h"
#include "clock.h"
#include "service.h"
#include "suite.h"

#define TYPE "waybill.test.pinged.v1"

static struct service bare = {.name = "test", .shop = "main"};

START_TEST(topics_are_made_once)
{
    enum { ALL = 60 };
    static struct message messages[ALL], read[ALL + 1];
    int of_partition[2] = {0};
    struct kafka *kafka = bus_kafka("test");
    struct arena *arena = arena_new(1 << 20);
    const char *topic = bus_topic("once");

    bus_make_topic(kafka, topic, 2);
    bus_make_topic(kafka, topic, 5);
    for (int i = 0; i < ALL; i++)
        messages[i] = bus_message(arena, topic, TYPE, arena_printf(arena, "%d", i), 1, NULL);
    bus_publish(kafka, messages, ALL);
    ck_assert_uint_eq(bus_read_all(kafka, arena, topic, ALL, read, ALL + 1), ALL);

    for (int i = 0; i < ALL; i++) {
        ck_assert_int_lt(read[i].partition, 2);
        of_partition[read[i].partition]++;
    }
    ck_assert(of_partition[0] > 0 && of_partition[1] > 0);
    arena_free(arena);
    kafka_free(kafka);
}
END_TEST

START_TEST(settings_that_do_not_fit_are_refused)
{
    ck_assert_ptr_null(kafka_new(&(struct kafka_options){.brokers = "127.0.0.1:1", .security_protocol = "telepathy"}));
}
END_TEST

START_TEST(what_is_published_is_read_with_all_that_belongs_to_it)
{
    struct kafka *kafka = bus_kafka("order");
    struct arena *arena = arena_new(1 << 20);
    const char *topic = bus_topic("whole");
    struct message read[2];
    bus_make_topic(kafka, topic, 3);

    struct message sent = bus_message(arena, topic, TYPE, "k-1", 7, NULL);
    bus_publish(kafka, &sent, 1);
    ck_assert_uint_eq(bus_read_all(kafka, arena, topic, 1, read, 2), 1);

    ck_assert_str_eq(read->topic, topic);
    ck_assert_str_eq(read->key, "k-1");
    ck_assert_str_eq(read->subject, "k-1");
    ck_assert_str_eq(read->id, sent.id);
    ck_assert_str_eq(read->type, TYPE);
    ck_assert_int_eq(read->sequence, 7);
    ck_assert_str_eq(read->correlation_id, "a-journey");
    ck_assert_str_eq(read->causation_id, "a-cause");
    ck_assert_str_eq(read->traceparent, sent.traceparent);
    ck_assert_int_eq(read->time, sent.time);
    ck_assert_str_eq(read->body, sent.body);
    ck_assert_int_eq(read->offset, 0);
    arena_free(arena);
    kafka_free(kafka);
}
END_TEST

/* Test vectors of Kafka's own hash: murmur2("21") = -973932308, murmur2("foobar") = -790332482. */
START_TEST(keys_go_to_the_partitions_that_java_clients_choose)
{
    struct kafka *kafka = bus_kafka("test");
    struct arena *arena = arena_new(1 << 20);
    const char *topic = bus_topic("partitions");
    struct message read[2];
    bus_make_topic(kafka, topic, 12);

    struct message sent[] = {bus_message(arena, topic, TYPE, "21", 1, NULL),
                             bus_message(arena, topic, TYPE, "foobar", 1, NULL)};
    bus_publish(kafka, sent, 2);
    ck_assert_uint_eq(bus_read_all(kafka, arena, topic, 2, read, 2), 2);

    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(read[i].partition, strcmp(read[i].key, "21") == 0 ? 0 : 6);
    arena_free(arena);
    kafka_free(kafka);
}
END_TEST

START_TEST(order_is_kept_per_key)
{
    enum { KEYS = 20, EACH = 100, ALL = KEYS * EACH };
    static struct message messages[ALL], read[ALL + 1];
    static int64_t last[KEYS];
    struct kafka *kafka = bus_kafka("test");
    struct arena *arena = arena_new(64 << 20);
    const char *topic = bus_topic("keys");
    bus_make_topic(kafka, topic, 3);

    for (int i = 0; i < ALL; i++)
        messages[i] = bus_message(arena, topic, TYPE, arena_printf(arena, "%d", i % KEYS), i / KEYS + 1, NULL);
    for (int i = 0; i < ALL; i += 500)
        bus_publish(kafka, messages + i, 500);
    ck_assert_uint_eq(bus_read_all(kafka, arena, topic, ALL, read, ALL + 1), ALL);

    for (int i = 0; i < ALL; i++)
        ck_assert_int_eq(read[i].sequence, ++last[strtol(read[i].key, NULL, 10)]);
    arena_free(arena);
    kafka_free(kafka);
}
END_TEST

static void begin_at(void *of, struct kafka_position *positions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        positions[i].next_offset = *(int64_t *)of;
}

START_TEST(a_group_begins_where_it_is_told_and_goes_back_when_it_is_told)
{
    enum { ALL = 400 };
    static struct message messages[ALL], read[ALL];
    struct kafka *kafka = bus_kafka("test");
    struct arena *arena = arena_new(16 << 20);
    const char *topic = bus_topic("seek");
    const char *const topics[] = {topic};
    int64_t begin = 100;
    size_t count = 0;
    bus_make_topic(kafka, topic, 1);
    for (int i = 0; i < ALL; i++)
        messages[i] = bus_message(arena, topic, TYPE, "k", i + 1, NULL);
    bus_publish(kafka, messages, ALL);

    struct kafka_group *group = kafka_group_new(kafka, bus_topic("group"), topics, 1, begin_at, &begin);
    while (count < 50)
        count += kafka_group_take(group, arena, 500, read + count, 50 - count);
    ck_assert(kafka_group_is_assigned(group));
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(read[i].offset, 100 + (int64_t)i);

    for (int round = 0; round < 20; round++) {
        kafka_group_seek(group, topic, 0, 10 + round);
        count = 0;
        while (count < 30)
            count += kafka_group_take(group, arena, 500, read + count, 30 - count);
        for (size_t i = 0; i < count; i++)
            ck_assert_int_eq(read[i].offset, 10 + round + (int64_t)i);
    }
    kafka_group_hint(group, topic, 0, 40);
    kafka_group_free(group);
    arena_free(arena);
    kafka_free(kafka);
}
END_TEST

static void take_until_ready(struct kafka_tail *tail, struct arena *arena)
{
    struct message message;

    for (int i = 0; i < 100 && !kafka_tail_is_ready(tail); i++)
        ck_assert_uint_eq(kafka_tail_take(tail, arena, 100, &message, 1), 0);
    ck_assert(kafka_tail_is_ready(tail));
}

START_TEST(a_tail_hears_all_that_is_published_once_it_is_ready)
{
    struct kafka *kafka = bus_kafka("test");
    struct arena *arena = arena_new(1 << 20);
    const char *topic = bus_topic("tail");
    const char *const topics[] = {topic};
    struct message read[3];
    struct kafka_tail *tail = kafka_tail_new(kafka, topics, 1);

    ck_assert_uint_eq(kafka_tail_take(tail, arena, 100, read, 3), 0);
    ck_assert(!kafka_tail_is_ready(tail));
    bus_make_topic(kafka, topic, 3);
    take_until_ready(tail, arena);
    struct message sent = bus_message(arena, topic, TYPE, "k", 1, NULL);
    bus_publish(kafka, &sent, 1);

    ck_assert_uint_eq(kafka_tail_take(tail, arena, 5000, read, 3), 1);
    ck_assert_str_eq(read[0].id, sent.id);
    kafka_tail_free(tail);
    arena_free(arena);
    kafka_free(kafka);
}
END_TEST

START_TEST(a_tail_does_not_hear_what_was_published_before)
{
    struct kafka *kafka = bus_kafka("test");
    struct arena *arena = arena_new(1 << 20);
    const char *topic = bus_topic("past");
    const char *const topics[] = {topic};
    struct message read[3];
    bus_make_topic(kafka, topic, 3);
    struct message before = bus_message(arena, topic, TYPE, "k", 1, NULL);
    struct message after = bus_message(arena, topic, TYPE, "k", 2, NULL);
    bus_publish(kafka, &before, 1);

    struct kafka_tail *tail = kafka_tail_new(kafka, topics, 1);
    take_until_ready(tail, arena);
    bus_publish(kafka, &after, 1);
    ck_assert_uint_eq(kafka_tail_take(tail, arena, 5000, read, 3), 1);
    ck_assert_str_eq(read[0].id, after.id);
    ck_assert_uint_eq(kafka_tail_take(tail, arena, 300, read, 3), 0);
    kafka_tail_free(tail);
    arena_free(arena);
    kafka_free(kafka);
}
END_TEST

START_TEST(publishing_to_a_topic_that_is_missing_fails_until_it_is_made)
{
    struct kafka *kafka = bus_kafka("test");
    struct arena *arena = arena_new(1 << 20);
    struct ctx *ctx = ctx_new(&bare);
    const char *topic = bus_topic("late");
    struct message read[3];
    struct message sent = bus_message(arena, topic, TYPE, "k", 1, NULL);

    ck_assert_int_eq(kafka_publish(ctx, kafka, &sent, 1, NULL, NULL), ERR_BUSY);
    bus_make_topic(kafka, topic, 1);
    bus_publish(kafka, &sent, 1);

    ck_assert_uint_eq(bus_read_all(kafka, arena, topic, 1, read, 3), 1);
    ctx_release(ctx);
    arena_free(arena);
    kafka_free(kafka);
}
END_TEST

START_TEST(a_batch_fails_while_the_broker_is_down_and_goes_through_when_it_is_back)
{
    char why[512];
    struct arena *arena = arena_new(1 << 20);
    struct ctx *ctx = ctx_new(&bare);
    rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(host, 1);
    ck_assert_int_eq(rd_kafka_mock_topic_create(cluster, "t", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    struct kafka *kafka = kafka_new(&(struct kafka_options){
        .brokers = rd_kafka_mock_cluster_bootstraps(cluster), .client_id = "test", .shop = "main"});
    struct message sent[] = {bus_message(arena, "t", TYPE, "k", 1, NULL), bus_message(arena, "t", TYPE, "k", 2, NULL)};
    bus_publish(kafka, sent, 1);

    rd_kafka_mock_broker_set_down(cluster, 1);
    int64_t began = clock_monotonic();
    ck_assert_int_eq(kafka_publish(ctx, kafka, sent, 2, NULL, NULL), ERR_BUSY);
    ck_assert_int_lt(clock_monotonic() - began, (KAFKA_PUBLISH_MS + 2000) * CLOCK_MS);
    rd_kafka_mock_broker_set_up(cluster, 1);
    bus_publish(kafka, sent, 2);

    kafka_free(kafka);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    ctx_release(ctx);
    arena_free(arena);
}
END_TEST

START_TEST(an_event_arrives_within_milliseconds)
{
    enum { TIMES = 50 };
    struct kafka *kafka = bus_kafka("test");
    struct arena *arena = arena_new(4 << 20);
    const char *topic = bus_topic("quick");
    const char *const topics[] = {topic};
    struct message read;
    int64_t sum = 0;
    bus_make_topic(kafka, topic, 3);
    struct kafka_tail *tail = kafka_tail_new(kafka, topics, 1);
    take_until_ready(tail, arena);

    for (int i = 0; i < TIMES; i++) {
        struct message sent = bus_message(arena, topic, TYPE, arena_printf(arena, "%d", i), 1, NULL);
        int64_t began = clock_monotonic();
        bus_publish(kafka, &sent, 1);
        ck_assert_uint_eq(kafka_tail_take(tail, arena, 5000, &read, 1), 1);
        sum += clock_monotonic() - began;
    }

    printf("from publish to read: %lld us on average\n", (long long)(sum / TIMES));
    ck_assert_int_lt(sum / TIMES, 50 * CLOCK_MS);
    kafka_tail_free(tail);
    arena_free(arena);
    kafka_free(kafka);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, topics_are_made_once);
    tcase_add_test(tests, settings_that_do_not_fit_are_refused);
    tcase_add_test(tests, what_is_published_is_read_with_all_that_belongs_to_it);
    tcase_add_test(tests, keys_go_to_the_partitions_that_java_clients_choose);
    tcase_add_test(tests, order_is_kept_per_key);
    tcase_add_test(tests, a_group_begins_where_it_is_told_and_goes_back_when_it_is_told);
    tcase_add_test(tests, a_tail_hears_all_that_is_published_once_it_is_ready);
    tcase_add_test(tests, a_tail_does_not_hear_what_was_published_before);
    tcase_add_test(tests, publishing_to_a_topic_that_is_missing_fails_until_it_is_made);
    tcase_add_test(tests, a_batch_fails_while_the_broker_is_down_and_goes_through_when_it_is_back);
    tcase_add_test(tests, an_event_arrives_within_milliseconds);
}

RUN_SUITE(kafka, add_tests)
