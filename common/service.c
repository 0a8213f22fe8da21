/*
 * service - from the tables of a process to its threads, and back.
 */
#include "service.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "common/queries.h"
#include "describe.h"
#include "edge.h"
#include "joint.h"
#include "kafka.h"
#include "log.h"
#include "text.h"

#ifndef WAYBILL_VERSION
#define WAYBILL_VERSION "0.1.0"
#endif

#define ARENA_MAX ((size_t)16 * 1024 * 1024)
#define COMPLAINTS_MAX ((size_t)16 * 1024)
#define STACK_SIZE ((size_t)512 * 1024)
#define MALLOC_ARENAS 2 /* more would only keep memory of threads that ended */
#define POOL_WAIT_MS 1000
#define LOOK_EVERY_MS 500
#define TELL_EVERY_MS 5000
#define HTTP_PATIENCE_MS 4000
#define STOP_SECONDS 10

/* --- settings --- */

/* Which processes have a setting. */
enum part { EVERY, DATABASE, BROKER, IDENTITY, TOKENS };

static bool has_part(const struct service *service, enum part part)
{
    bool follows = service->edge != NULL && service->edge->tail_topics != NULL;

    switch (part) {
    case EVERY:
        return true;
    case DATABASE:
        return service->queries != NULL;
    case BROKER:
        return !service->sandbox && (service->queries != NULL || service->subscriptions != NULL || follows);
    case IDENTITY:
        return !service->sandbox && (service->routes != NULL || service->edge != NULL || service->queries != NULL);
    case TOKENS:
        return service->uses_tokens;
    }
    return false;
}

/* clang-format off */
static const struct {
    enum part part;
    struct setting setting;
} common_settings[] = {
    { EVERY,    { "WAYBILL_LISTEN", SETTING_TEXT, "127.0.0.1:8080", 0, 0, "address and port of HTTP; port 0: any" } },
    { EVERY,    { "WAYBILL_LOG", SETTING_TEXT, "info", 0, 0, "least level logged: debug, info, warning, error" } },
    { EVERY,    { "WAYBILL_SHOP", SETTING_TEXT, "main", 0, 0, "name of the shop" } },
    { DATABASE, { "WAYBILL_DATABASE", SETTING_SECRET, NULL, 0, 0, "PostgreSQL: a URI, or key=value words" } },
    { DATABASE, { "WAYBILL_POOL", SETTING_INT, "8", 1, 64, "connections to PostgreSQL at most" } },
    { IDENTITY, { "WAYBILL_IDENTITY_KEY", SETTING_SECRET, NULL, 0, 0,
                  "64 hex[,64 hex]: signs who asks, from gateway to service" } },
    { TOKENS,   { "WAYBILL_TOKEN_KEY", SETTING_SECRET, NULL, 0, 0, "64 hex[,64 hex]: signs shoppers' tokens" } },
};
/* clang-format on */

/* The common settings of this process, ended by a NULL name. */
static struct setting *settings_of(const struct service *service)
{
    struct setting *settings =
        arena_array(service->arena, COUNT(common_settings) + KAFKA_SETTINGS_MAX + 1, sizeof(*settings));
    size_t count = 0;

    for (size_t i = 0; i < COUNT(common_settings); i++)
        if (has_part(service, common_settings[i].part))
            settings[count++] = common_settings[i].setting;
    for (const struct setting *each = kafka_settings; has_part(service, BROKER) && each->name != NULL; each++)
        settings[count++] = *each;
    return settings;
}

static bool read_level(const char *name, enum log_level *ret)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};

    for (size_t i = 0; i < COUNT(names); i++) {
        if (!text_equal(names[i], name))
            continue;
        *ret = (enum log_level)i;
        return true;
    }
    return false;
}

/* False with a sentence on stderr. */
static bool read_key(struct service *service, const char *name, struct keys **ret)
{
    *ret = keys_read(service->arena, config_text(service->config, name));
    if (*ret == NULL)
        fprintf(stderr, "%s: %s must be 64 hexadecimal digits, or two of these with a comma\n", service->name, name);
    return *ret != NULL;
}

static bool read_settings(struct service *service)
{
    enum log_level level;

    service->config = config_read(service->arena, settings_of(service), service->settings);
    if (service->config == NULL)
        return false;
    if (!read_level(config_text(service->config, "WAYBILL_LOG"), &level)) {
        fprintf(stderr, "%s: WAYBILL_LOG must be debug, info, warning or error\n", service->name);
        return false;
    }
    log_open(service->name, level);
    service->shop = config_text(service->config, "WAYBILL_SHOP");
    if (has_part(service, IDENTITY) && !read_key(service, "WAYBILL_IDENTITY_KEY", &service->identity_keys))
        return false;
    return !has_part(service, TOKENS) || read_key(service, "WAYBILL_TOKEN_KEY", &service->token_keys);
}

/* --- before any thread --- */

static bool machines_are_sound(struct service *service)
{
    struct buf complaints;
    bool sound = true;

    buf_init(&complaints, service->arena, COMPLAINTS_MAX);
    for (size_t i = 0; service->machines != NULL && service->machines[i] != NULL; i++) {
        buf_clear(&complaints);
        if (fsm_check(service->machines[i], &complaints))
            continue;
        log_error(NULL, "a state machine has a defect", LOG_TEXT("machine", service->machines[i]->name),
                  LOG_TEXT("complaints", complaints.data));
        sound = false;
    }
    return sound;
}

/* Signals are for the main thread, which asks for them. */
static void block_signals(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, ret, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* Many processes share a machine, so each stays small. */
static void stay_small(void)
{
    pthread_attr_t attributes;

    (void)mallopt(M_ARENA_MAX, MALLOC_ARENAS);
    if (pthread_attr_init(&attributes) != 0)
        return;
    if (pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0)
        (void)pthread_setattr_default_np(&attributes);
    (void)pthread_attr_destroy(&attributes);
}

/* --- waiting for what isn't there yet --- */

/* Whether the process was told to stop, after waiting for that. */
static bool is_told_to_stop(int wait_ms)
{
    struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000L};
    sigset_t signals;

    block_signals(&signals);
    return sigtimedwait(&signals, NULL, &wait) > 0;
}

/* False when told to stop. */
static bool wait_for(struct service *service, const char *what, bool (*is_there)(struct service *service))
{
    int64_t told_at = clock_monotonic() - TELL_EVERY_MS * CLOCK_MS;

    atomic_store(&service->missing, what);
    while (!is_there(service)) {
        if (clock_monotonic() - told_at >= TELL_EVERY_MS * CLOCK_MS) {
            told_at = clock_monotonic();
            log_warning(NULL, "waiting", LOG_TEXT("for", what));
        }
        if (is_told_to_stop(LOOK_EVERY_MS))
            return false;
    }
    return true;
}

static bool database_is_there(struct service *service)
{
    struct pool_options bare = service->database;

    if (!database_answers(bare.conninfo))
        return false;
    bare.queries = NULL; /* the schema may not be there yet */
    bare.admission = NULL;
    struct connection *connection = connection_open(&bare);
    connection_close(connection);
    return connection != NULL;
}

/* One that was restored, or that took over from another one, may have forgotten what was told already: then nothing is
 * done on it before waybill-restore has compared it with the topics. The sandboxes tell nothing. */
static bool database_is_known(struct service *service)
{
    struct pool_options bare = service->database;

    bare.queries = NULL;
    struct connection *connection = connection_open(&bare);
    connection_close(connection);
    return connection != NULL;
}

static size_t count_migrations(const struct migration *migrations)
{
    size_t count = 0;

    while (migrations != NULL && migrations[count].name != NULL)
        count++;
    return count;
}

/* Brings the schema up to date and tries the statements. Failing while the database answers is a defect. */
static bool prepare_database(struct service *service)
{
    for (;;) {
        if (!wait_for(service, "database", database_is_there))
            return false;
        if (migrate(service->database.conninfo, common_migrations, count_migrations(common_migrations),
                    service->migrations, count_migrations(service->migrations))) {
            if (!wait_for(service, "waybill-restore", database_is_known))
                return false;
            struct connection *connection = connection_open(&service->database);
            connection_close(connection);
            if (connection != NULL)
                return true;
        }
        if (database_is_there(service)) {
            log_error(NULL, "the database does not fit this program");
            return false;
        }
    }
}

static bool broker_is_there(struct service *service)
{
    const struct topic *topics[128];
    size_t count = 0;

    while (event_topics[count].name != NULL && count < COUNT(topics)) {
        topics[count] = &event_topics[count];
        count++;
    }
    return kafka_ensure_topics(service->kafka, topics, count);
}

/* --- start and stop --- */

static bool open_kafka(struct service *service)
{
    if (!has_part(service, BROKER))
        return true;
    const struct kafka_options options = kafka_options_read(service->config, service->name, service->shop);
    service->kafka = kafka_new(&options);
    return service->kafka != NULL;
}

/* The pool opens its connections only when they are needed. */
static void make_pool(struct service *service)
{
    const struct query *const **queries = arena_array(service->arena, 3, sizeof(*queries));

    if (!has_part(service, DATABASE))
        return;
    queries[0] = common_queries;
    queries[1] = service->queries;
    service->database = (struct pool_options){
        .conninfo = config_text(service->config, "WAYBILL_DATABASE"),
        .application = arena_printf(service->arena, "waybill-%s", service->name),
        .queries = queries,
        .admission = service->sandbox ? NULL : &Q_place_is_known,
        .size = (int)config_int(service->config, "WAYBILL_POOL"),
        .wait_ms = POOL_WAIT_MS,
    };
    service->pool = pool_new(&service->database);
    pool_show(service->pool);
    service->joint = joint_new(service);
}

/* HTTP comes first, so that /healthz answers while the rest is waited for. False when the process can't start. */
static bool start(struct service *service)
{
    atomic_store(&service->missing, "start");
    service->started_at = clock_monotonic();
    make_pool(service);
    if (!open_kafka(service) || (service->edge != NULL && !edge_start(service)))
        return false;
    service->http = http_start(service);
    if (service->http == NULL)
        return false;

    if (service->pool != NULL && !prepare_database(service))
        return false;
    if (service->kafka != NULL && !wait_for(service, "broker", broker_is_there))
        return false;
    if (service->pool != NULL && service->kafka != NULL)
        service->relay = relay_start(service);
    if (service->tasks != NULL)
        service->task_runner = task_runner_start(service, service->tasks);
    if (service->pool != NULL)
        service->timer_threads = timers_start(service, service->timers);
    if (service->subscriptions != NULL) {
        service->consumer = consumer_start(service, service->subscriptions);
        if (service->consumer == NULL)
            return false;
    }
    atomic_store(&service->missing, NULL);
    log_info(NULL, "started", LOG_TEXT("version", WAYBILL_VERSION));
    return true;
}

static void give_up(int signal_number)
{
    static const char line[] = "{\"level\":\"error\",\"message\":\"could not stop in time, ending anyway\"}\n";

    (void)signal_number;
    ssize_t written = write(STDERR_FILENO, line, sizeof(line) - 1);
    (void)written;
    _exit(1);
}

/* In the order in which they need each other. What hangs can't keep the process: after STOP_SECONDS it ends anyway. */
static void stop(struct service *service)
{
    sigset_t signals;

    block_signals(&signals);
    (void)pthread_sigmask(SIG_UNBLOCK, &signals, NULL); /* a second signal ends it at once */
    (void)signal(SIGALRM, give_up);
    (void)alarm(STOP_SECONDS);

    http_stop(service->http, HTTP_PATIENCE_MS);
    if (service->edge != NULL)
        edge_stop(service);
    consumer_stop(service->consumer);
    timers_stop(service->timer_threads);
    task_runner_stop(service->task_runner);
    relay_stop(service->relay);
    joint_free(service->joint);
    pool_free(service->pool);
    kafka_free(service->kafka);
    log_info(NULL, "stopped");
    (void)alarm(0);
}

bool service_is_ready(struct service *service, struct buf *ret_missing)
{
    const char *missing = atomic_load(&service->missing);
    struct connection *connection = NULL;
    bool ready = true;

    if (missing != NULL) {
        buf_add_text(ret_missing, missing);
        return false;
    }
    if (service->pool != NULL) {
        struct ctx *ctx = ctx_new(service);
        if (pool_borrow(ctx, service->pool, &connection) != ERR_NONE) {
            buf_add_text(ret_missing, "database ");
            ready = false;
        }
        pool_return(service->pool, connection);
        ctx_release(ctx);
    }
    if (service->consumer != NULL && !consumer_is_ready(service->consumer)) {
        buf_add_text(ret_missing, "consumer ");
        ready = false;
    }
    return ready;
}

/* Answers --help, --describe and --version, and refuses the rest. Returns an exit status, or -1 to go on. */
static int read_arguments(int argc, char **argv, const struct service *service)
{
    if (argc == 1)
        return -1;
    if (argc == 2 && text_equal(argv[1], "--version")) {
        printf("waybill-%s %s\n", service->name, WAYBILL_VERSION);
        return 0;
    }
    if (argc == 2 && text_equal(argv[1], "--help")) {
        printf("waybill-%s - %s\n\n", service->name, service->purpose);
        config_help(stdout, settings_of(service), service->settings);
        return 0;
    }
    if (argc == 2 && text_equal(argv[1], "--describe")) {
        service_describe(stdout, service);
        return 0;
    }
    fprintf(stderr, "waybill-%s: unknown argument \"%s\"; try --help\n", service->name, argv[1]);
    return 2;
}

/* A thread that is woken waits for its turn instead of pushing the running one aside (ADR 9). Where that is not allowed
 * all goes as well, only dearer. */
static void run_in_turn(void)
{
    const struct sched_param none = {0};

    (void)sched_setscheduler(0, SCHED_BATCH, &none);
}

int service_main(int argc, char **argv, struct service *service)
{
    sigset_t signals;
    bool good;

    service->arena = arena_new(ARENA_MAX);
    int status = read_arguments(argc, argv, service);
    if (status >= 0)
        goto done;

    status = 1;
    stay_small();
    run_in_turn();
    block_signals(&signals);
    if (!read_settings(service) || !machines_are_sound(service) || (service->start != NULL && !service->start(service)))
        goto done;
    good = start(service);
    if (good)
        while (!is_told_to_stop(60 * 1000))
            continue;
    stop(service);
    status = good ? 0 : 1;
done:
    arena_free(service->arena);
    return status;
}
