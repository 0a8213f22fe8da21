/* waybill-bench: shoppers who buy through the storefront gateway, one order after another, and how long each step took.
 */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "clock.h"
#include "id.h"
#include "json.h"
#include "text.h"
#include "wire.h"

#define SHOPPERS_MAX 512
#define SKUS_MAX 1000
#define SAMPLES_MAX 200000 /* of each step and shopper; more are not kept */

enum step { CREATE_CART, ADD_LINE, OPEN_CHECKOUT, SET_ADDRESSES, SET_DELIVERY, SET_PAYMENT, PLACE, PAY, STEPS };

static const char *const step_names[] = {"create cart", "add line",       "open checkout",  "addresses",
                                         "delivery",    "payment method", "place to order", "hosted page"};

struct samples {
    uint32_t *us;
    size_t count;
};

struct shopper {
    pthread_t thread;
    struct bench *bench;
    struct arena *arena;
    struct wire wire;
    struct wire psp;
    unsigned seed;
    struct samples samples[STEPS];
    int64_t orders;
    int64_t failures;
    char failure[400]; /* the last one, for people */
};

struct bench {
    const char *host;
    int port;
    const char *method; /* bank_transfer, cash_on_delivery, card */
    const char *currency;
    const char *country;
    const char *skus[SKUS_MAX];
    size_t sku_count;
    int64_t warm_until; /* clock_monotonic() */
    int64_t until;
};

static int64_t now(void)
{
    return clock_monotonic();
}

static void note(struct shopper *shopper, enum step step, int64_t since)
{
    struct samples *samples = &shopper->samples[step];
    if (since >= shopper->bench->warm_until && samples->count < SAMPLES_MAX)
        samples->us[samples->count++] = (uint32_t)(now() - since);
}

static bool fail(struct shopper *shopper, const char *what)
{
    shopper->failures++;
    snprintf(shopper->failure, sizeof(shopper->failure), "%s: status %d %.300s", what, shopper->wire.status,
             shopper->wire.body != NULL ? shopper->wire.body : "");
    return false;
}

static const char *find(struct shopper *shopper, const char *path)
{
    return json_find(shopper->arena, shopper->wire.body, shopper->wire.body_size, path);
}

/* One request of a step; the answer must be 2xx. */
static bool ask(struct shopper *shopper, enum step step, const char *method, const char *path, const char *headers,
                const char *body)
{
    const int64_t since = now();

    if (!wire_ask(&shopper->wire, method, path, headers, "application/json", body)) {
        shopper->wire.status = 0;
        shopper->wire.body = NULL;
        return fail(shopper, step_names[step]);
    }
    note(shopper, step, since);
    return shopper->wire.status / 100 == 2 || fail(shopper, step_names[step]);
}

static const char *address_body(struct shopper *shopper)
{
    const char *address =
        arena_printf(shopper->arena,
                     "{\"name\":\"Sam Shopper\",\"line1\":\"1 Bench Street\",\"city\":\"Springfield\","
                     "\"postal_code\":\"12345\",\"country\":\"%s\"}",
                     shopper->bench->country);
    return arena_printf(shopper->arena, "{\"email\":\"shopper-%d@example.com\",\"billing\":%s,\"shipping\":%s}",
                        rand_r(&shopper->seed) % 100000, address, address);
}

/* Pays on the hosted page: opens it, and posts the test card that is approved. */
static bool pay(struct shopper *shopper, const char *page)
{
    const int64_t since = now();
    char host[64];
    int port;
    int path;

    if (sscanf(page, "http://%63[^:/]:%d%n", host, &port, &path) != 2)
        return fail(shopper, "the hosted page's address");
    shopper->psp.host = shopper->bench->host;
    shopper->psp.port = port;
    if (!wire_ask(&shopper->psp, "POST", page + path, "", "application/x-www-form-urlencoded",
                  "action=pay&card_number=4242424242424242") ||
        shopper->psp.status / 100 != 3)
        return fail(shopper, step_names[PAY]);
    note(shopper, PAY, since);
    return true;
}

static bool is_placed(struct shopper *shopper)
{
    return shopper->wire.status == 200 && text_equal(find(shopper, "state"), "placed");
}

/* Places, and waits until the order exists. One who paid waits for news of it, as a shop's page does. */
static bool place(struct shopper *shopper, const char *checkout, const char *headers, const char *total)
{
    char key[ID_TEXT];
    id_make(key);
    const char *keyed = arena_printf(shopper->arena, "%sIdempotency-Key: %s\r\nPrefer: wait=20\r\n", headers, key);
    const char *path = arena_printf(shopper->arena, "/checkouts/%s/place", checkout);
    const char *placement = arena_printf(shopper->arena, "/checkouts/%s/placement", checkout);
    const char *body = arena_printf(shopper->arena, "{\"total\":%s}", total);
    const int64_t since = now();
    const char *waiting = NULL;
    bool paid = false;

    while (now() < since + 60 * CLOCK_SECOND) {
        const bool sent = paid ? wire_ask(&shopper->wire, "GET", placement, waiting, NULL, NULL)
                               : wire_ask(&shopper->wire, "POST", path, keyed, "application/json", body);
        if (!sent)
            return fail(shopper, step_names[PLACE]);
        if (shopper->wire.status == 201 || (paid && is_placed(shopper))) {
            note(shopper, PLACE, since);
            return true;
        }
        if (shopper->wire.status == 200) {
            const char *page = find(shopper, "redirect_url");
            waiting = arena_printf(shopper->arena, "%sIf-None-Match: %s\r\n", keyed,
                                   shopper->wire.etag != NULL ? shopper->wire.etag : "");
            if (!paid && (page == NULL || !pay(shopper, page)))
                return fail(shopper, "the hosted page");
            paid = true;
        } else if (shopper->wire.status != 202 && shopper->wire.status != 304) {
            return fail(shopper, step_names[PLACE]);
        }
    }
    return fail(shopper, "the order did not come");
}

/* One whole purchase. */
static bool buy(struct shopper *shopper)
{
    struct bench *bench = shopper->bench;
    struct arena *arena = shopper->arena;
    const char *body = arena_printf(arena, "{\"currency\":\"%s\"}", bench->currency);

    if (!ask(shopper, CREATE_CART, "POST", "/carts", "", body))
        return false;
    const char *cart = find(shopper, "id");
    const char *token = find(shopper, "token");
    if (cart == NULL || token == NULL)
        return fail(shopper, "a cart without id and token");
    const char *headers = arena_printf(arena, "Authorization: Bearer %s\r\n", token);

    const size_t first = (size_t)rand_r(&shopper->seed) % bench->sku_count;
    for (size_t i = 0; i < 2; i++) {
        const char *sku = bench->skus[(first + i * 7) % bench->sku_count];
        body = arena_printf(arena, "{\"sku\":\"%s\",\"quantity\":%d}", sku, 1 + rand_r(&shopper->seed) % 2);
        if (!ask(shopper, ADD_LINE, "POST", arena_printf(arena, "/carts/%s/items", cart), headers, body))
            return false;
    }
    if (!ask(shopper, OPEN_CHECKOUT, "POST", arena_printf(arena, "/carts/%s/checkout", cart), headers, NULL))
        return false;
    const char *checkout = find(shopper, "id");
    if (checkout == NULL)
        return fail(shopper, "a checkout without id");
    if (!ask(shopper, SET_ADDRESSES, "PUT", arena_printf(arena, "/checkouts/%s/addresses", checkout), headers,
             address_body(shopper)) ||
        !ask(shopper, SET_DELIVERY, "PUT", arena_printf(arena, "/checkouts/%s/delivery", checkout), headers,
             "{\"method\":\"first_class\"}"))
        return false;
    body = arena_printf(arena, "{\"method\":\"%s\"}", bench->method);
    if (!ask(shopper, SET_PAYMENT, "PUT", arena_printf(arena, "/checkouts/%s/payment", checkout), headers, body))
        return false;
    const char *amount = find(shopper, "totals.total.amount");
    if (amount == NULL)
        return fail(shopper, "a checkout without total");
    return place(shopper, checkout, headers,
                 arena_printf(arena, "{\"amount\":%s,\"currency\":\"%s\"}", amount, bench->currency));
}

static void *shop(void *of)
{
    struct shopper *shopper = of;
    struct bench *bench = shopper->bench;

    while (now() < bench->until) {
        const bool bought = buy(shopper);
        if (bought && now() >= bench->warm_until && now() < bench->until)
            shopper->orders++;
        arena_clear(shopper->arena);
        if (!bought)
            wire_close(&shopper->wire);
    }
    return NULL;
}

/* Reads "SKU,SKU,...", up to SKUS_MAX of them. The copy lives as long as the process. */
static bool read_skus(struct bench *bench, const char *list)
{
    char *rest = strdup(list);
    char *word;

    while ((word = strsep(&rest, ",")) != NULL && bench->sku_count < SKUS_MAX)
        bench->skus[bench->sku_count++] = word;
    return bench->sku_count > 0;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* One line of JSON for a step: how many, and percentiles in milliseconds. */
static void print_step(struct shopper *shoppers, int count, enum step step, bool *first)
{
    size_t total = 0;
    for (int i = 0; i < count; i++)
        total += shoppers[i].samples[step].count;
    if (total == 0)
        return;
    uint32_t *all = calloc(total, sizeof(uint32_t));
    if (all == NULL)
        abort();
    size_t n = 0;
    for (int i = 0; i < count; i++) {
        memcpy(all + n, shoppers[i].samples[step].us, shoppers[i].samples[step].count * sizeof(uint32_t));
        n += shoppers[i].samples[step].count;
    }
    qsort(all, total, sizeof(uint32_t), by_value);
    printf("%s\n    \"%s\": {\"count\": %zu, \"p50_ms\": %.2f, \"p90_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}",
           *first ? "" : ",", step_names[step], total, all[total / 2] / 1e3, all[total * 9 / 10] / 1e3,
           all[total * 99 / 100] / 1e3, all[total - 1] / 1e3);
    *first = false;
    free(all);
}

static void report(struct bench *bench, struct shopper *shoppers, int count, double seconds)
{
    int64_t orders = 0;
    int64_t failures = 0;
    bool first = true;

    for (int i = 0; i < count; i++) {
        orders += shoppers[i].orders;
        failures += shoppers[i].failures;
        if (shoppers[i].failures > 0)
            fprintf(stderr, "waybill-bench: shopper %d: %s\n", i, shoppers[i].failure);
    }
    printf("{\n  \"method\": \"%s\", \"shoppers\": %d, \"seconds\": %.1f, \"orders\": %" PRId64
           ", \"failures\": %" PRId64 ", \"orders_per_s\": %.2f,\n  \"steps\": {",
           bench->method, count, seconds, orders, failures, (double)orders / seconds);
    for (int step = 0; step < STEPS; step++)
        print_step(shoppers, count, (enum step)step, &first);
    printf("\n  }\n}\n");
}

static const struct option options[] = {
    {"storefront", required_argument, NULL, 'g'},
    {"shoppers", required_argument, NULL, 'n'},
    {"seconds", required_argument, NULL, 's'},
    {"warm", required_argument, NULL, 'w'},
    {"method", required_argument, NULL, 'm'},
    {"skus", required_argument, NULL, 'k'},
    {"currency", required_argument, NULL, 'c'},
    {"country", required_argument, NULL, 'l'},
    {0},
};

static int usage(void)
{
    fprintf(stderr,
            "usage: waybill-bench --storefront HOST:PORT --skus SKU,SKU,... [--shoppers N] [--seconds S] [--warm S]\n"
            "                     [--method bank_transfer|cash_on_delivery|card] [--currency EUR] [--country DE]\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct bench bench = {.method = "bank_transfer", .currency = "EUR", .country = "DE"};
    static struct shopper shoppers[SHOPPERS_MAX];
    static char host[64];
    int64_t count = 1;
    int64_t seconds = 60;
    int64_t warm = 5;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        bool good = true;
        switch (option) {
        case 'g':
            good = sscanf(optarg, "%63[^:]:%d", host, &bench.port) == 2;
            break;
        case 'n':
            good = text_to_int(optarg, strlen(optarg), &count) && count >= 1 && count <= SHOPPERS_MAX;
            break;
        case 's':
            good = text_to_int(optarg, strlen(optarg), &seconds) && seconds >= 1;
            break;
        case 'w':
            good = text_to_int(optarg, strlen(optarg), &warm) && warm >= 0;
            break;
        case 'm':
            bench.method = optarg;
            break;
        case 'c':
            bench.currency = optarg;
            break;
        case 'l':
            bench.country = optarg;
            break;
        case 'k':
            good = read_skus(&bench, optarg);
            break;
        default:
            good = false;
        }
        if (!good)
            return usage();
    }
    bench.host = host;
    if (bench.port == 0 || bench.sku_count == 0)
        return usage();

    bench.warm_until = now() + warm * CLOCK_SECOND;
    bench.until = bench.warm_until + seconds * CLOCK_SECOND;
    for (int i = 0; i < count; i++) {
        struct shopper *shopper = &shoppers[i];
        shopper->bench = &bench;
        shopper->arena = arena_new(16 << 20);
        shopper->seed = (unsigned)i * 7919u + 1;
        wire_init(&shopper->wire, bench.host, bench.port);
        wire_init(&shopper->psp, bench.host, 0);
        for (int step = 0; step < STEPS; step++)
            shopper->samples[step].us = calloc(SAMPLES_MAX, sizeof(uint32_t));
        if (pthread_create(&shopper->thread, NULL, shop, shopper) != 0)
            abort();
    }
    for (int i = 0; i < count; i++)
        (void)pthread_join(shoppers[i].thread, NULL);
    report(&bench, shoppers, (int)count, (double)seconds);
    return 0;
}
