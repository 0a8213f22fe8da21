/* waybill-bench: shoppers at the storefront gateway, how much they got done and how long each step took.
 *
 * Closed loop: each begins anew when done, so a slow shop is asked less. Open loop (--rate): purchases begin when their
 * time has come, whoever is still busy; a shopper's time runs from there, and how late it really began is told too.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "clock.h"
#include "macros.h"
#include "shopper.h"
#include "text.h"

#define SHOPPERS_MAX 512
#define RATE_MAX 100000
#define FIRST_OPTION 1000 /* above all characters */
#define LINES_MAX 200
#define QUANTITY_MAX 9999

struct act {
    const char *name;
    bool (*run)(struct shopper *shopper, int64_t since);
    bool whole; /* keeps nothing for the next time */
};

static const struct act acts[] = {
    {"buy", shopper_buy, true},
    {"leave", shopper_leave, true},
    {"read_cart", shopper_read_cart, false},
    {"add_line", shopper_add_line, false},
    {NULL, NULL, false},
};

static struct bench bench = {.method = "bank_transfer", .currency = "EUR", .country = "DE", .lines = 2};
static struct shopper shoppers[SHOPPERS_MAX];
static const struct act *act = acts;
static int64_t count = 1;
static int64_t seconds = 60;
static int64_t warm = 5;
static int64_t rate; /* per second, of all together; 0: closed loop */
static int64_t most; /* times; 0: as often as there is time for */
static int64_t began;
static atomic_llong turns;

static void sleep_until(int64_t us)
{
    const struct timespec until = {.tv_sec = us / CLOCK_SECOND, .tv_nsec = us % CLOCK_SECOND * 1000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
        ;
}

/* When the next one is to begin. False when there is none. */
static bool next_turn(struct shopper *shopper, int64_t *ret_since)
{
    const int64_t turn = atomic_fetch_add(&turns, 1);
    const bool open = rate > 0;

    *ret_since = open ? began + turn * CLOCK_SECOND / rate : clock_monotonic();
    if ((most > 0 && turn >= most) || *ret_since >= bench.until)
        return false;
    if (!open)
        return true;
    sleep_until(*ret_since);
    if (*ret_since >= bench.warm_until)
        samples_add(&shopper->samples[LATE], clock_monotonic() - *ret_since);
    return true;
}

/* Closed loop counts what ends within the time, open loop what was to begin in it, whenever it ends. */
static bool counts(int64_t since)
{
    const int64_t at = rate > 0 ? since : clock_monotonic();

    return at >= bench.warm_until && at < bench.until;
}

static void *shop(void *of)
{
    struct shopper *shopper = of;
    int64_t since;

    while (next_turn(shopper, &since)) {
        const int64_t refused = shopper->refused;
        const bool done = act->run(shopper, since);
        shopper->done += done;
        shopper->counted += done && counts(since);
        if (act->whole)
            arena_clear(shopper->arena);
        if (!done && shopper->refused == refused)
            wire_close(&shopper->wire);
    }
    return NULL;
}

static double cpu_seconds(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / CLOCK_SECOND;
}

static void report(void)
{
    int64_t counted = 0, done = 0, refused = 0, failures = 0;
    const char *comma = "";

    for (int64_t i = 0; i < count; i++) {
        counted += shoppers[i].counted;
        done += shoppers[i].done;
        refused += shoppers[i].refused;
        failures += shoppers[i].failures;
        if (shoppers[i].failures > 0)
            fprintf(stderr, "waybill-bench: shopper %" PRId64 ": %s\n", i, shoppers[i].failure);
    }
    printf("{\n  \"act\": \"%s\", \"method\": \"%s\", \"shoppers\": %" PRId64 ", \"rate\": %" PRId64
           ", \"seconds\": %" PRId64 ",\n"
           "  \"done\": %" PRId64 ", \"done_ever\": %" PRId64 ", \"refused\": %" PRId64 ", \"failures\": %" PRId64
           ", \"per_s\": %.2f,\n  \"driver_cpu_s\": %.2f, \"driver_s\": %.2f,\n  \"steps\": {",
           act->name, bench.method, count, rate, seconds, counted, done, refused, failures,
           (double)counted / (double)seconds, cpu_seconds(), (double)(clock_monotonic() - began) / CLOCK_SECOND);
    for (int step = 0; step < STEPS; step++)
        samples_print(step_names[step], &shoppers[0].samples[step], (size_t)count, sizeof(shoppers[0]), &comma);
    printf("\n  }\n}\n");
}

/* --- the command line --- */

/* Reads "SKU,SKU,...", up to SKUS_MAX of them. The copy lives as long as the process. */
static bool read_skus(const char *list)
{
    char *rest = strdup(list);
    char *word;

    while ((word = strsep(&rest, ",")) != NULL && bench.sku_count < SKUS_MAX)
        bench.skus[bench.sku_count++] = word;
    return bench.sku_count > 0;
}

static bool read_act(const char *name)
{
    for (act = acts; act->name != NULL && !text_equal(act->name, name);)
        act++;
    return act->name != NULL;
}

static bool read_address(const char *text)
{
    static char host[64];

    bench.host = host;
    return sscanf(text, "%63[^:]:%d", host, &bench.port) == 2;
}

/* What an option sets: a number within limits, a text, or what a function reads. */
static const struct setting {
    const char *name;
    int64_t *number;
    int64_t least;
    int64_t greatest;
    const char **text;
    bool (*read)(const char *text);
} settings[] = {
    {"storefront", .read = read_address},
    {"skus", .read = read_skus},
    {"act", .read = read_act},
    {"shoppers", &count, 1, SHOPPERS_MAX},
    {"rate", &rate, 0, RATE_MAX},
    {"most", &most, 0, INT64_MAX},
    {"lines", &bench.lines, 1, LINES_MAX},
    {"quantity", &bench.quantity, 0, QUANTITY_MAX},
    {"seconds", &seconds, 1, INT32_MAX},
    {"warm", &warm, 0, INT32_MAX},
    {"method", .text = &bench.method},
    {"currency", .text = &bench.currency},
    {"country", .text = &bench.country},
};

static bool set(const struct setting *setting, const char *value)
{
    if (setting->read != NULL)
        return setting->read(value);
    if (setting->number != NULL)
        return text_to_int(value, strlen(value), setting->number) && *setting->number >= setting->least &&
               *setting->number <= setting->greatest;
    *setting->text = value;
    return true;
}

static bool read_options(int argc, char **argv)
{
    struct option options[COUNT(settings) + 1] = {0};
    int option;

    for (size_t i = 0; i < COUNT(settings); i++)
        options[i] = (struct option){settings[i].name, required_argument, NULL, FIRST_OPTION + (int)i};
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option < FIRST_OPTION || !set(&settings[option - FIRST_OPTION], optarg))
            return false;
    }
    return optind == argc && bench.port != 0 && bench.sku_count > 0;
}

int main(int argc, char **argv)
{
    if (!read_options(argc, argv)) {
        fprintf(
            stderr,
            "usage: waybill-bench --storefront HOST:PORT --skus SKU,SKU,... [--act buy|leave|read_cart|add_line]\n"
            "                     [--shoppers N] [--rate N] [--most N] [--seconds S] [--warm S]\n"
            "                     [--lines N] [--quantity N]\n"
            "                     [--method bank_transfer|cash_on_delivery|card] [--currency EUR] [--country DE]\n");
        return 2;
    }

    began = clock_monotonic();
    bench.warm_until = began + warm * CLOCK_SECOND;
    bench.until = bench.warm_until + seconds * CLOCK_SECOND;
    for (int64_t i = 0; i < count; i++) {
        shopper_init(&shoppers[i], &bench, (unsigned)i);
        if (pthread_create(&shoppers[i].thread, NULL, shop, &shoppers[i]) != 0)
            abort();
    }
    for (int64_t i = 0; i < count; i++)
        (void)pthread_join(shoppers[i].thread, NULL);
    report();
    return 0;
}
