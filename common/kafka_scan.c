/*
 * kafka_scan - one reader for all partitions of a topic, until each has come to its end.
 */
#include "kafka_scan.h"

#include "clock.h"
#include "kafka_handle.h"
#include "log.h"

#define MESSAGE_ARENA ((size_t)4 * 1024 * 1024)
#define ASK_MS 10000

static const struct pair scan_settings[] = {
    {"enable.auto.commit", "false"},
    {NULL},
};

/* Finds the ends, and in `list` leaves the offsets to begin with. */
static rd_kafka_resp_err_t find_range(rd_kafka_t *reader, rd_kafka_topic_partition_list_t *list, int64_t since_us,
                                      struct arena *arena, struct kafka_ends *ret)
{
    ret->items = arena_array(arena, (size_t)list->cnt, sizeof(*ret->items));
    ret->count = (size_t)list->cnt;
    for (int i = 0; i < list->cnt; i++) {
        int64_t low, high;
        rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(reader, list->elems[i].topic,
                                                                     list->elems[i].partition, &low, &high, ASK_MS);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
            return error;
        ret->items[i] = (struct kafka_end){arena_strdup(arena, list->elems[i].topic), list->elems[i].partition, high};
        list->elems[i].offset = since_us / CLOCK_MS;
    }
    return rd_kafka_offsets_for_times(reader, list, ASK_MS);
}

/* How many messages lie between begin and end. Where nothing is as young as that, the begin is the end. */
static int64_t count_left(rd_kafka_topic_partition_list_t *list, const struct kafka_ends *ends)
{
    int64_t left = 0;

    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].offset < 0)
            list->elems[i].offset = ends->items[i].offset;
        left += ends->items[i].offset - list->elems[i].offset;
    }
    return left;
}

/* Reads until all partitions are at their ends: `list` says where each is. */
static bool read_all(rd_kafka_t *reader, rd_kafka_topic_partition_list_t *list, const struct kafka_ends *ends,
                     kafka_found found, void *of)
{
    struct arena *arena = arena_new(MESSAGE_ARENA);
    int64_t deadline = clock_monotonic() + KAFKA_SCAN_MS * CLOCK_MS;

    while (count_left(list, ends) > 0 && clock_monotonic() < deadline) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 100);
        if (message == NULL)
            continue;
        for (int i = 0; i < list->cnt && message->err == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
            struct message copy;
            if (list->elems[i].partition != message->partition || message->offset >= ends->items[i].offset)
                continue;
            kafka_message_read(message, arena, &copy);
            found(of, &copy);
            arena_clear(arena);
            list->elems[i].offset = message->offset + 1;
            deadline = clock_monotonic() + KAFKA_SCAN_MS * CLOCK_MS;
        }
        rd_kafka_message_destroy(message);
    }
    arena_free(arena);
    return count_left(list, ends) == 0;
}

bool kafka_scan(const struct kafka_options *options, const char *topic, int64_t since_us, kafka_found found, void *of,
                struct arena *arena, struct kafka_ends *ret_ends)
{
    /* librdkafka wants a group's name even of a reader that never joins one. */
    rd_kafka_conf_t *conf = kafka_conf_new(options, kafka_reader_settings, scan_settings, "waybill.scan");
    rd_kafka_t *reader = conf != NULL ? kafka_handle_new(RD_KAFKA_CONSUMER, conf) : NULL;
    if (reader == NULL)
        return false;

    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    bool good = false;

    (void)rd_kafka_poll_set_consumer(reader);
    if (kafka_add_partitions(reader, topic, 0, list))
        error = find_range(reader, list, since_us, arena, ret_ends);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)count_left(list, ret_ends);
        error = rd_kafka_assign(reader, list);
        good = error == RD_KAFKA_RESP_ERR_NO_ERROR && read_all(reader, list, ret_ends, found, of);
    }
    if (!good)
        log_error(NULL, "could not read a topic to its end", LOG_TEXT("topic", topic),
                  LOG_TEXT("why", error == RD_KAFKA_RESP_ERR_NO_ERROR ? "it stopped coming" : rd_kafka_err2str(error)));
    rd_kafka_topic_partition_list_destroy(list);
    kafka_reader_free(reader);
    return good;
}
