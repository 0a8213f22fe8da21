/*
 * kafka_reader - members of groups, and tails.
 *
 * Partitions are assigned eagerly by range: cooperative assignment with stored offsets loses partitions in the version
 * of librdkafka that Debian 12 has. Messages are taken one by one, because its batch call skips some after a seek.
 */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kafka.h"
#include "kafka_handle.h"
#include "log.h"
#include "text.h"

#define METADATA_MS 1000
#define CLOSE_MS 2000

struct kafka_group {
    rd_kafka_t *member;
    kafka_assigned assigned;
    void *of;
    atomic_bool is_assigned;
};

struct kafka_tail {
    rd_kafka_t *reader;
    struct arena *arena;
    const char **topics;
    size_t topic_count;
    rd_kafka_topic_partition_list_t *behind; /* partitions whose end was not reached yet; NULL before the assignment */
    atomic_bool is_ready;
};

const struct pair kafka_reader_settings[] = {
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "earliest"},
    {"allow.auto.create.topics", "false"},
    /* Whoever has more in its queue asks for more only a second later (2.0.2), so this is what one can catch up in it.
     */
    {"queued.max.messages.kbytes", "16384"},
    {"queued.min.messages", "100000"},
    {"fetch.wait.max.ms", "500"},
    {"fetch.error.backoff.ms", "50"},
    {"topic.metadata.refresh.interval.ms", "5000"},
    {NULL},
};

static const struct pair member_settings[] = {
    {"enable.auto.commit", "true"}, /* of the hints that kafka_group_hint() stored */
    {"auto.commit.interval.ms", "5000"},
    {"partition.assignment.strategy", "range"},
    {"session.timeout.ms", "10000"},
    {"heartbeat.interval.ms", "2000"},
    {"max.poll.interval.ms", "120000"}, /* KAFKA_POLL_MAX_MS */
    {NULL},
};

static const struct pair tail_settings[] = {
    {"enable.auto.commit", "false"},
    {"enable.partition.eof", "true"}, /* tells that the end was found */
    {"auto.offset.reset", "latest"},
    {NULL},
};

/* --- messages --- */

/* A header's text in the arena, or NULL. */
static const char *header_text(struct arena *arena, const rd_kafka_headers_t *headers, const char *name)
{
    const void *value;
    size_t size;

    if (headers == NULL || rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    /* Headers go into tables and logs; what isn't text there is as good as missing. */
    if (value == NULL || !utf8_is_valid(value, size))
        return NULL;
    return arena_copy(arena, value, size);
}

static int64_t header_int(const rd_kafka_headers_t *headers, const char *name)
{
    const void *value;
    size_t size;
    int64_t number;

    if (headers == NULL || rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return value != NULL && text_to_int(value, size, &number) && number > 0 ? number : 0;
}

static int64_t time_of(const rd_kafka_message_t *from, const char *ce_time)
{
    rd_kafka_timestamp_type_t type;
    int64_t time;

    if (ce_time != NULL && clock_parse(ce_time, strlen(ce_time), &time))
        return time;
    int64_t ms = rd_kafka_message_timestamp(from, &type);
    return ms > 0 ? ms * CLOCK_MS : clock_now();
}

void kafka_message_read(const rd_kafka_message_t *from, struct arena *arena, struct message *ret)
{
    rd_kafka_headers_t *headers = NULL;
    const char *topic = rd_kafka_topic_name(from->rkt);

    (void)rd_kafka_message_headers(from, &headers);
    *ret = (struct message){
        .topic = arena_strdup(arena, topic),
        .partition = from->partition,
        .offset = from->offset,
        .id = header_text(arena, headers, "ce_id"),
        .type = header_text(arena, headers, "ce_type"),
        .subject = header_text(arena, headers, "ce_subject"),
        .sequence = header_int(headers, "ce_sequence"),
        .correlation_id = header_text(arena, headers, "ce_correlationid"),
        .causation_id = header_text(arena, headers, "ce_causationid"),
        .traceparent = header_text(arena, headers, "traceparent"),
        .time = time_of(from, header_text(arena, headers, "ce_time")),
        .body = arena_copy(arena, from->payload, from->len),
        .size = from->len,
    };
    if (ret->id == NULL || ret->id[0] == '\0')
        ret->id = arena_printf(arena, "%s/%d/%lld", topic, (int)from->partition, (long long)from->offset);
    if (ret->type == NULL)
        ret->type = "";
    if (from->key != NULL && from->key_len > 0 && utf8_is_valid(from->key, from->key_len))
        ret->key = arena_copy(arena, from->key, from->key_len);
    else
        ret->key = ret->subject != NULL ? ret->subject : ret->id;
}

void kafka_reader_free(rd_kafka_t *reader)
{
    int64_t deadline = clock_monotonic() + CLOSE_MS * CLOCK_MS;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(reader);

    rd_kafka_error_destroy(rd_kafka_consumer_close_queue(reader, queue));
    while (rd_kafka_consumer_closed(reader) == 0 && clock_monotonic() < deadline) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20);
        if (event != NULL && rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
            (void)rd_kafka_assign(reader, NULL);
        rd_kafka_event_destroy(event);
    }
    bool closed = rd_kafka_consumer_closed(reader) != 0;
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy_flags(reader, closed ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* --- groups --- */

static void on_assigned(struct kafka_group *group, rd_kafka_topic_partition_list_t *partitions)
{
    size_t count = (size_t)partitions->cnt;
    struct kafka_position *positions = calloc(count + 1, sizeof(*positions));
    assert(positions != NULL);

    for (size_t i = 0; i < count; i++) {
        positions[i].topic = partitions->elems[i].topic;
        positions[i].partition = partitions->elems[i].partition;
    }
    group->assigned(group->of, positions, count);
    for (size_t i = 0; i < count; i++)
        partitions->elems[i].offset =
            positions[i].next_offset > 0 ? positions[i].next_offset : RD_KAFKA_OFFSET_BEGINNING;
    free(positions);
}

/* Runs inside rd_kafka_consumer_poll(), in the thread that owns the group. */
static void on_rebalance(rd_kafka_t *member, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *partitions,
                         void *opaque)
{
    struct kafka_group *group = opaque;
    bool assigns = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;

    if (assigns)
        on_assigned(group, partitions);
    rd_kafka_resp_err_t error = rd_kafka_assign(member, assigns ? partitions : NULL);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_warning(NULL, "could not take over partitions", LOG_TEXT("why", rd_kafka_err2str(error)));
    atomic_store(&group->is_assigned, assigns && error == RD_KAFKA_RESP_ERR_NO_ERROR);
    log_info(NULL, assigns ? "partitions assigned" : "partitions revoked", LOG_INT("count", partitions->cnt));
}

struct kafka_group *kafka_group_new(struct kafka *kafka, const char *group, const char *const *topics, size_t count,
                                    kafka_assigned assigned, void *of)
{
    rd_kafka_conf_t *conf = kafka_conf_new(kafka_options(kafka), kafka_reader_settings, member_settings, group);
    if (conf == NULL)
        return NULL;

    struct kafka_group *made = calloc(1, sizeof(*made));
    assert(made != NULL);
    made->assigned = assigned;
    made->of = of;
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_opaque(conf, made);
    made->member = kafka_handle_new(RD_KAFKA_CONSUMER, conf);
    if (made->member == NULL) {
        free(made);
        return NULL;
    }
    (void)rd_kafka_poll_set_consumer(made->member);

    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        (void)rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t error = rd_kafka_subscribe(made->member, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return made;
    log_error(NULL, "could not subscribe", LOG_TEXT("why", rd_kafka_err2str(error)));
    kafka_group_free(made);
    return NULL;
}

size_t kafka_group_take(struct kafka_group *group, struct arena *arena, int wait_ms, struct message *ret, size_t max)
{
    int64_t deadline = clock_monotonic() + wait_ms * CLOCK_MS;
    size_t count = 0, bytes = 0;

    while (count < max && bytes < KAFKA_TAKE_BYTES) {
        int64_t left_ms = count > 0 ? 0 : (deadline - clock_monotonic()) / CLOCK_MS;
        rd_kafka_message_t *message = rd_kafka_consumer_poll(group->member, left_ms > 0 ? (int)left_ms : 0);
        if (message == NULL)
            break;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            kafka_message_read(message, arena, &ret[count++]);
            bytes += message->len;
        } else {
            log_warning(NULL, "could not read from kafka, trying again",
                        LOG_TEXT("why", rd_kafka_message_errstr(message)));
        }
        rd_kafka_message_destroy(message);
    }
    return count;
}

void kafka_group_seek(struct kafka_group *group, const char *topic, int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    /* With no time to wait this is asynchronous, but what was fetched before is outdated from here on. */
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    rd_kafka_error_destroy(rd_kafka_seek_partitions(group->member, list, 0));
    rd_kafka_topic_partition_list_destroy(list);
}

void kafka_group_hint(struct kafka_group *group, const char *topic, int32_t partition, int64_t next_offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    /* Fails when the partition was taken from us: then the hint is the new owner's business. */
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = next_offset;
    (void)rd_kafka_offsets_store(group->member, list);
    rd_kafka_topic_partition_list_destroy(list);
}

bool kafka_group_is_assigned(const struct kafka_group *group)
{
    return atomic_load(&group->is_assigned);
}

void kafka_group_free(struct kafka_group *group)
{
    if (group == NULL)
        return;
    kafka_reader_free(group->member);
    free(group);
}

/* --- tails --- */

struct kafka_tail *kafka_tail_new(struct kafka *kafka, const char *const *topics, size_t count)
{
    const struct kafka_options *options = kafka_options(kafka);
    struct arena *arena = arena_new(64 * 1024);
    struct kafka_tail *tail = ARENA_NEW(arena, struct kafka_tail);

    tail->arena = arena;
    tail->topics = arena_array(arena, count, sizeof(const char *));
    for (size_t i = 0; i < count; i++)
        tail->topics[i] = arena_strdup(arena, topics[i]);
    tail->topic_count = count;

    /* librdkafka wants a group's name even of a reader that never joins one. */
    rd_kafka_conf_t *conf = kafka_conf_new(options, kafka_reader_settings, tail_settings,
                                           arena_printf(arena, "%s.tail", options->client_id));
    tail->reader = conf == NULL ? NULL : kafka_handle_new(RD_KAFKA_CONSUMER, conf);
    if (tail->reader == NULL) {
        arena_free(arena);
        return NULL;
    }
    (void)rd_kafka_poll_set_consumer(tail->reader);
    return tail;
}

bool kafka_add_partitions(rd_kafka_t *reader, const char *topic, int64_t offset, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(reader, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    bool known = false;

    if (rd_kafka_metadata(reader, 0, handle, &metadata, METADATA_MS) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        known = metadata->topics[0].partition_cnt > 0;
        for (int i = 0; i < metadata->topics[0].partition_cnt; i++)
            rd_kafka_topic_partition_list_add(list, topic, metadata->topics[0].partitions[i].id)->offset = offset;
    }
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return known;
}

static bool tail_assign(struct kafka_tail *tail)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)tail->topic_count);

    for (size_t i = 0; i < tail->topic_count; i++)
        if (!kafka_add_partitions(tail->reader, tail->topics[i], RD_KAFKA_OFFSET_END, list)) {
            rd_kafka_topic_partition_list_destroy(list);
            return false;
        }
    rd_kafka_resp_err_t error = rd_kafka_assign(tail->reader, list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_warning(NULL, "could not follow topics, trying again", LOG_TEXT("why", rd_kafka_err2str(error)));
        rd_kafka_topic_partition_list_destroy(list);
        return false;
    }
    tail->behind = list;
    return true;
}

/* The end of a partition was found: from here on nothing is missed. */
static void tail_caught_up(struct kafka_tail *tail, const rd_kafka_message_t *at)
{
    (void)rd_kafka_topic_partition_list_del(tail->behind, rd_kafka_topic_name(at->rkt), at->partition);
    if (tail->behind->cnt == 0)
        atomic_store(&tail->is_ready, true);
}

size_t kafka_tail_take(struct kafka_tail *tail, struct arena *arena, int wait_ms, struct message *ret, size_t max)
{
    int64_t deadline = clock_monotonic() + wait_ms * CLOCK_MS;
    size_t count = 0, bytes = 0;
    bool assigned = tail->behind != NULL || tail_assign(tail);

    while (count < max && bytes < KAFKA_TAKE_BYTES) {
        int64_t left_ms = count > 0 ? 0 : (deadline - clock_monotonic()) / CLOCK_MS;
        rd_kafka_message_t *message = rd_kafka_consumer_poll(tail->reader, left_ms > 0 ? (int)left_ms : 0);
        if (message == NULL)
            break;
        if (assigned &&
            (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF))
            tail_caught_up(tail, message);
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            kafka_message_read(message, arena, &ret[count++]);
            bytes += message->len;
        }
        rd_kafka_message_destroy(message);
    }
    return count;
}

bool kafka_tail_is_ready(const struct kafka_tail *tail)
{
    return atomic_load(&tail->is_ready);
}

void kafka_tail_free(struct kafka_tail *tail)
{
    if (tail == NULL)
        return;
    kafka_reader_free(tail->reader);
    if (tail->behind != NULL)
        rd_kafka_topic_partition_list_destroy(tail->behind);
    arena_free(tail->arena);
}
