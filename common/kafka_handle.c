/*
 * kafka_handle - what all handles of librdkafka have in common: how they connect, and how they log.
 */
#include "kafka_handle.h"

#include <assert.h>

#include "log.h"

#define SYSLOG_WARNING 4 /* librdkafka's levels are syslog's */

/* Latency matters more than bandwidth here, and a broker that comes back should be found at once. */
static const struct pair shared_settings[] = {
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "1000"},
    {"topic.metadata.refresh.fast.interval.ms", "100"},
    {"log.connection.close", "false"},
    {NULL},
};

/* clang-format off */
const struct setting kafka_settings[] = {
    { "WAYBILL_KAFKA", SETTING_TEXT, NULL, 0, 0, "brokers: host:port, comma-separated" },
    { "WAYBILL_KAFKA_SECURITY", SETTING_TEXT, "plaintext", 0, 0, "plaintext, ssl, sasl_plaintext or sasl_ssl" },
    { "WAYBILL_KAFKA_SASL_MECHANISM", SETTING_TEXT, "", 0, 0, "SCRAM-SHA-512, PLAIN, ..." },
    { "WAYBILL_KAFKA_SASL_USERNAME", SETTING_TEXT, "", 0, 0, "who we are to the broker" },
    { "WAYBILL_KAFKA_SASL_PASSWORD", SETTING_SECRET, "", 0, 0, "and its password" },
    { "WAYBILL_KAFKA_CA", SETTING_TEXT, "", 0, 0, "file with the certificates that sign the broker's" },
    { "WAYBILL_TOPIC_REPLICATION", SETTING_INT, "1", 1, 16, "copies of each partition of topics it makes" },
    { NULL },
};
/* clang-format on */
static_assert(COUNT(kafka_settings) <= KAFKA_SETTINGS_MAX, "room for all");

struct kafka_options kafka_options_read(const struct config *config, const char *client_id, const char *shop)
{
    return (struct kafka_options){
        .brokers = config_text(config, "WAYBILL_KAFKA"),
        .client_id = client_id,
        .security_protocol = config_text(config, "WAYBILL_KAFKA_SECURITY"),
        .sasl_mechanism = config_text(config, "WAYBILL_KAFKA_SASL_MECHANISM"),
        .sasl_username = config_text(config, "WAYBILL_KAFKA_SASL_USERNAME"),
        .sasl_password = config_text(config, "WAYBILL_KAFKA_SASL_PASSWORD"),
        .ca_file = config_text(config, "WAYBILL_KAFKA_CA"),
        .shop = shop,
        .replication = (int)config_int(config, "WAYBILL_TOPIC_REPLICATION"),
    };
}

static void write_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    (void)handle;
    if (level <= SYSLOG_WARNING)
        log_warning(NULL, "kafka", LOG_TEXT("facility", facility), LOG_TEXT("text", text));
    else
        log_debug(NULL, "kafka", LOG_TEXT("facility", facility), LOG_TEXT("text", text));
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[KAFKA_REASON_MAX];

    if (value == NULL || value[0] == '\0')
        return true;
    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
        return true;
    log_error(NULL, "could not set up kafka", LOG_TEXT("setting", name), LOG_TEXT("why", why));
    return false;
}

static bool set_all(rd_kafka_conf_t *conf, const struct pair *pairs)
{
    for (; pairs != NULL && pairs->name != NULL; pairs++)
        if (!set(conf, pairs->name, pairs->value))
            return false;
    return true;
}

rd_kafka_conf_t *kafka_conf_new(const struct kafka_options *options, const struct pair *first,
                                const struct pair *second, const char *group)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set_log_cb(conf, write_log);
    if (set(conf, "bootstrap.servers", options->brokers) && set(conf, "client.id", options->client_id) &&
        set(conf, "security.protocol", options->security_protocol) &&
        set(conf, "sasl.mechanism", options->sasl_mechanism) && set(conf, "sasl.username", options->sasl_username) &&
        set(conf, "sasl.password", options->sasl_password) && set(conf, "ssl.ca.location", options->ca_file) &&
        set(conf, "group.id", group) && set_all(conf, shared_settings) && set_all(conf, first) && set_all(conf, second))
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

rd_kafka_t *kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[KAFKA_REASON_MAX];
    rd_kafka_t *handle = rd_kafka_new(type, conf, why, sizeof(why));

    if (handle == NULL) {
        rd_kafka_conf_destroy(conf);
        log_error(NULL, "could not set up kafka", LOG_TEXT("why", why));
    }
    return handle;
}
