/*
 * kafka - topics and the producer.
 *
 * The library's own threads call back only to log: delivery reports come through an event queue that is read inside
 * kafka_publish(). A batch that fails takes its producer with it, so nothing of it can be sent once the caller has
 * begun anew; what the broker took anyway, it took in order.
 */
#include "kafka.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kafka_handle.h"
#include "log.h"
#include "text.h"

#define ADMIN_MS 5000
#define METADATA_MS 1000
#define HEADERS_MAX 12
#define TOPICS_MAX 128 /* whose leaders are looked up ahead */

struct kafka {
    struct arena *arena; /* owns the copies of the options' texts */
    struct kafka_options options;
    rd_kafka_t *producer; /* NULL until used, and after a failure */
    rd_kafka_queue_t *reports;
    const char *known[TOPICS_MAX];         /* topics that kafka_ensure_topics() made */
    rd_kafka_topic_t *handles[TOPICS_MAX]; /* and what the producer knows about them */
    size_t known_count;
};

/*
 * Nothing times out inside the library: kafka_publish() gives up on the whole, so that no message is left out alone.
 * Batches are a few small messages: compressing them costs more than it saves (ADR 7).
 */
static const struct pair producer_settings[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"partitioner", "murmur2_random"},
    {"compression.codec", "none"},
    {"linger.ms", "0.5"},
    {"message.timeout.ms", "0"},
    {"request.timeout.ms", "3000"},
    {NULL},
};

struct kafka *kafka_new(const struct kafka_options *options)
{
    rd_kafka_conf_t *conf = kafka_conf_new(options, producer_settings, NULL, NULL);
    if (conf == NULL)
        return NULL;
    rd_kafka_conf_destroy(conf);

    struct arena *arena = arena_new(64 * 1024);
    struct kafka *kafka = ARENA_NEW(arena, struct kafka);
    kafka->arena = arena;
    kafka->options = (struct kafka_options){
        .brokers = arena_strdup(arena, options->brokers),
        .client_id = arena_strdup(arena, options->client_id),
        .security_protocol = arena_strdup(arena, options->security_protocol),
        .sasl_mechanism = arena_strdup(arena, options->sasl_mechanism),
        .sasl_username = arena_strdup(arena, options->sasl_username),
        .sasl_password = arena_strdup(arena, options->sasl_password),
        .ca_file = arena_strdup(arena, options->ca_file),
        .shop = arena_strdup(arena, options->shop),
        .replication = options->replication > 0 ? options->replication : 1,
    };
    return kafka;
}

const struct kafka_options *kafka_options(const struct kafka *kafka)
{
    return &kafka->options;
}

/* --- the producer --- */

/* What it still holds must not be sent later, so it is dropped first. */
static void producer_free(struct kafka *kafka)
{
    if (kafka->producer == NULL)
        return;
    (void)rd_kafka_purge(kafka->producer,
                         RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    for (size_t i = 0; i < kafka->known_count; i++) {
        if (kafka->handles[i] != NULL)
            rd_kafka_topic_destroy(kafka->handles[i]);
        kafka->handles[i] = NULL;
    }
    rd_kafka_queue_destroy(kafka->reports);
    rd_kafka_destroy(kafka->producer);
    kafka->producer = NULL;
    kafka->reports = NULL;
}

/* Looks up the leaders of all known topics now: left to itself, the first message of each topic waits up to a second.
 */
static void warm_up(struct kafka *kafka)
{
    const struct rd_kafka_metadata *metadata = NULL;

    if (kafka->known_count == 0)
        return;
    for (size_t i = 0; i < kafka->known_count; i++)
        if (kafka->handles[i] == NULL)
            kafka->handles[i] = rd_kafka_topic_new(kafka->producer, kafka->known[i], NULL);
    if (rd_kafka_metadata(kafka->producer, 0, NULL, &metadata, METADATA_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
}

static bool producer_new(struct kafka *kafka)
{
    rd_kafka_conf_t *conf = kafka_conf_new(&kafka->options, producer_settings, NULL, NULL);
    if (conf == NULL)
        return false;
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
    kafka->producer = kafka_handle_new(RD_KAFKA_PRODUCER, conf);
    if (kafka->producer == NULL)
        return false;
    kafka->reports = rd_kafka_queue_get_main(kafka->producer);
    warm_up(kafka);
    return true;
}

void kafka_free(struct kafka *kafka)
{
    if (kafka == NULL)
        return;
    producer_free(kafka);
    arena_free(kafka->arena);
}

/* --- topics --- */

static rd_kafka_NewTopic_t *topic_new(const struct kafka *kafka, const struct topic *topic)
{
    char why[KAFKA_REASON_MAX];
    char retention[24];
    rd_kafka_NewTopic_t *made =
        rd_kafka_NewTopic_new(topic->name, topic->partitions, kafka->options.replication, why, sizeof(why));

    if (made == NULL) {
        log_error(NULL, "could not describe a topic", LOG_TEXT("topic", topic->name), LOG_TEXT("why", why));
        return NULL;
    }
    if (topic->compacted)
        (void)rd_kafka_NewTopic_set_config(made, "cleanup.policy", "compact");
    if (topic->retention_ms != 0) {
        snprintf(retention, sizeof(retention), "%" PRId64, topic->retention_ms);
        (void)rd_kafka_NewTopic_set_config(made, "retention.ms", retention);
    }
    return made;
}

/* Reads what the broker says to each topic. */
static bool topics_were_made(rd_kafka_event_t *event)
{
    size_t count = 0;
    bool good = true;

    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            continue;
        log_warning(NULL, "could not make a topic, trying again", LOG_TEXT("why", rd_kafka_err2str(error)),
                    LOG_TEXT("topic", rd_kafka_topic_result_name(results[i])));
        good = false;
    }
    return good;
}

static void remember(struct kafka *kafka, const struct topic *const *topics, size_t count)
{
    for (size_t i = 0; i < count && kafka->known_count < TOPICS_MAX; i++) {
        size_t at = 0;
        while (at < kafka->known_count && !text_equal(kafka->known[at], topics[i]->name))
            at++;
        if (at == kafka->known_count)
            kafka->known[kafka->known_count++] = arena_strdup(kafka->arena, topics[i]->name);
    }
    warm_up(kafka);
}

bool kafka_ensure_topics(struct kafka *kafka, const struct topic *const *topics, size_t count)
{
    char why[KAFKA_REASON_MAX];
    bool good = false;
    size_t made_count = 0;

    if (count == 0)
        return true;
    if (kafka->producer == NULL && !producer_new(kafka))
        return false;

    rd_kafka_NewTopic_t **made = calloc(count, sizeof(rd_kafka_NewTopic_t *));
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(kafka->producer, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->producer);
    rd_kafka_event_t *event = NULL;
    assert(made != NULL);

    while (made_count < count && (made[made_count] = topic_new(kafka, topics[made_count])) != NULL)
        made_count++;
    if (made_count == count && rd_kafka_AdminOptions_set_request_timeout(options, ADMIN_MS, why, sizeof(why)) == 0) {
        rd_kafka_CreateTopics(kafka->producer, made, count, options, queue);
        event = rd_kafka_queue_poll(queue, ADMIN_MS + 1000);
        good = event != NULL && topics_were_made(event);
    }

    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy_array(made, made_count);
    free(made);
    if (good)
        remember(kafka, topics, count);
    return good;
}

/* --- publishing --- */

static void add_header(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0')
        (void)rd_kafka_header_add(headers, name, -1, value, -1);
}

/* CloudEvents 1.0, binary mode: the value is the data, everything else is a header. */
static rd_kafka_headers_t *headers_of(const struct kafka *kafka, const struct message *message)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(HEADERS_MAX);
    char source[128], time[CLOCK_TEXT], sequence[24];

    snprintf(source, sizeof(source), "/waybill/%s", kafka->options.client_id);
    snprintf(sequence, sizeof(sequence), "%" PRId64, message->sequence);
    add_header(headers, "ce_specversion", "1.0");
    add_header(headers, "ce_id", message->id);
    add_header(headers, "ce_type", message->type);
    add_header(headers, "ce_source", source);
    add_header(headers, "ce_subject", message->subject);
    add_header(headers, "ce_time", clock_format(message->time, time));
    if (message->sequence > 0)
        add_header(headers, "ce_sequence", sequence);
    add_header(headers, "ce_shop", kafka->options.shop);
    add_header(headers, "ce_correlationid", message->correlation_id);
    add_header(headers, "ce_causationid", message->causation_id);
    add_header(headers, "traceparent", message->traceparent);
    add_header(headers, "content-type", "application/json");
    return headers;
}

static enum err enqueue(struct ctx *ctx, struct kafka *kafka, const struct message *message)
{
    rd_kafka_headers_t *headers = headers_of(kafka, message);
    rd_kafka_resp_err_t error = rd_kafka_producev(
        kafka->producer, RD_KAFKA_V_TOPIC(message->topic), RD_KAFKA_V_KEY(message->key, strlen(message->key)),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)message->body, message->size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);

    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ERR_NONE;
    rd_kafka_headers_destroy(headers);
    return FAIL(ctx, BUSY, "could not publish event \"%s\" of %zu bytes: %s", message->id, message->size,
                rd_kafka_err2str(error));
}

/* Takes in what the broker said; adds to *acknowledged. */
static enum err read_reports(struct ctx *ctx, struct kafka *kafka, rd_kafka_event_t *event, size_t *acknowledged)
{
    const rd_kafka_message_t *report;
    char why[KAFKA_REASON_MAX];

    if (rd_kafka_fatal_error(kafka->producer, why, sizeof(why)) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return FAIL(ctx, BUSY, "could not publish: %s", why);
    if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_DR)
        return ERR_NONE; /* an error that isn't fatal: the library tries again by itself */
    while ((report = rd_kafka_event_message_next(event)) != NULL) {
        if (report->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return FAIL(ctx, BUSY, "could not publish: %s", rd_kafka_err2str(report->err));
        (*acknowledged)++;
    }
    return ERR_NONE;
}

static enum err publish(struct ctx *ctx, struct kafka *kafka, const struct message *messages, size_t count,
                        void (*waiting)(void *of), void *of)
{
    int64_t deadline = clock_monotonic() + KAFKA_PUBLISH_MS * CLOCK_MS;
    size_t acknowledged = 0;

    for (size_t i = 0; i < count; i++)
        TRY(enqueue(ctx, kafka, &messages[i]));
    while (acknowledged < count) {
        int64_t left_ms = (deadline - clock_monotonic()) / CLOCK_MS;
        if (left_ms <= 0)
            return FAIL(ctx, BUSY, "could not publish: %zu of %zu events were not acknowledged within %d ms",
                        count - acknowledged, count, KAFKA_PUBLISH_MS);
        rd_kafka_event_t *event =
            rd_kafka_queue_poll(kafka->reports, (int)(left_ms < KAFKA_WAITING_MS ? left_ms : KAFKA_WAITING_MS));
        if (event == NULL && waiting != NULL)
            waiting(of);
        enum err err = event == NULL ? ERR_NONE : read_reports(ctx, kafka, event, &acknowledged);
        rd_kafka_event_destroy(event);
        TRY(err);
    }
    return ERR_NONE;
}

enum err kafka_publish(struct ctx *ctx, struct kafka *kafka, const struct message *messages, size_t count,
                       void (*waiting)(void *of), void *of)
{
    if (kafka->producer == NULL && !producer_new(kafka))
        return FAIL(ctx, BUSY, "could not make a producer");
    enum err err = publish(ctx, kafka, messages, count, waiting, of);
    if (err != ERR_NONE)
        producer_free(kafka);
    return err;
}
