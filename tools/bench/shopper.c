/* What a shopper does, step by step. */
#include "shopper.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "id.h"
#include "json.h"
#include "text.h"

#define CART_USES 20 /* then another cart is begun, since few have more lines */

const char *const step_names[] = {"begun late", "create cart", "read cart",      "add line",       "open checkout",
                                  "addresses",  "delivery",    "payment method", "place to order", "hosted page"};

static int64_t now(void)
{
    return clock_monotonic();
}

static void note(struct shopper *shopper, enum step step, int64_t since)
{
    if (since >= shopper->bench->warm_until && since < shopper->bench->until)
        samples_add(&shopper->samples[step], now() - since);
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

/* One request of a step whose time began at `since`; the answer must be 2xx. */
static bool ask_since(struct shopper *shopper, int64_t since, enum step step, const char *method, const char *path,
                      const char *headers, const char *body)
{
    if (!wire_ask(&shopper->wire, method, path, headers, "application/json", body)) {
        shopper->wire.status = 0;
        shopper->wire.body = NULL;
        return fail(shopper, step_names[step]);
    }
    note(shopper, step, since);
    return shopper->wire.status / 100 == 2 || fail(shopper, step_names[step]);
}

static bool ask(struct shopper *shopper, enum step step, const char *method, const char *path, const char *headers,
                const char *body)
{
    return ask_since(shopper, now(), step, method, path, headers, body);
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

/* Whether the shop said no, as it may: the last piece went to somebody else. */
static bool is_refused(struct shopper *shopper)
{
    return shopper->wire.body != NULL && text_equal(find(shopper, "state"), "failed");
}

struct placing {
    const char *path;
    const char *body;
    const char *headers; /* with a key of its own */
};

static struct placing placing_of(struct shopper *shopper, const char *checkout, const char *headers, const char *amount)
{
    struct arena *arena = shopper->arena;
    char key[ID_TEXT];

    id_make(key);
    return (struct placing){
        .path = arena_printf(arena, "/checkouts/%s/place", checkout),
        .body =
            arena_printf(arena, "{\"total\":{\"amount\":%s,\"currency\":\"%s\"}}", amount, shopper->bench->currency),
        .headers = arena_printf(arena, "%sIdempotency-Key: %s\r\n", headers, key),
    };
}

/* Places, and waits until the order exists. One who paid waits for news of it, as a shop's page does. */
static bool place(struct shopper *shopper, const char *checkout, const struct placing *placing)
{
    const char *keyed = arena_printf(shopper->arena, "%sPrefer: wait=20\r\n", placing->headers);
    const char *placement = arena_printf(shopper->arena, "/checkouts/%s/placement", checkout);
    const int64_t since = now();
    const char *waiting = NULL;
    bool paid = false;

    while (now() < since + 60 * CLOCK_SECOND) {
        const bool sent =
            paid ? wire_ask(&shopper->wire, "GET", placement, waiting, NULL, NULL)
                 : wire_ask(&shopper->wire, "POST", placing->path, keyed, "application/json", placing->body);
        if (!sent)
            return fail(shopper, step_names[PLACE]);
        if (shopper->wire.status == 201 || (paid && is_placed(shopper))) {
            note(shopper, PLACE, since);
            return true;
        }
        if (is_refused(shopper)) {
            shopper->refused++;
            return false;
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

/* Makes a cart. Its id, and the headers that open it. */
static bool create_cart(struct shopper *shopper, int64_t since, const char **ret_id, const char **ret_headers)
{
    const char *body = arena_printf(shopper->arena, "{\"currency\":\"%s\"}", shopper->bench->currency);

    if (!ask_since(shopper, since, CREATE_CART, "POST", "/carts", "", body))
        return false;
    const char *token = find(shopper, "token");
    *ret_id = find(shopper, "id");
    if (*ret_id == NULL || token == NULL)
        return fail(shopper, "a cart without id and token");
    *ret_headers = arena_printf(shopper->arena, "Authorization: Bearer %s\r\n", token);
    return true;
}

/* Adds the n-th of a random row of SKUs. */
static bool add_line(struct shopper *shopper, int64_t since, const char *cart, const char *headers, size_t first,
                     size_t n)
{
    const struct bench *bench = shopper->bench;
    const int64_t quantity = bench->quantity > 0 ? bench->quantity : 1 + rand_r(&shopper->seed) % 2;
    const char *body = arena_printf(shopper->arena, "{\"sku\":\"%s\",\"quantity\":%" PRId64 "}",
                                    bench->skus[(first + n * 7) % bench->sku_count], quantity);

    return ask_since(shopper, since, ADD_LINE, "POST", arena_printf(shopper->arena, "/carts/%s/items", cart), headers,
                     body);
}

static size_t random_sku(struct shopper *shopper)
{
    return (size_t)rand_r(&shopper->seed) % shopper->bench->sku_count;
}

static bool add_lines(struct shopper *shopper, const char *cart, const char *headers)
{
    const size_t first = random_sku(shopper);

    for (int64_t n = 0; n < shopper->bench->lines; n++) {
        if (!add_line(shopper, now(), cart, headers, first, (size_t)n))
            return false;
    }
    return true;
}

/* From the cart to what is to be paid. */
static bool check_out(struct shopper *shopper, const char *cart, const char *headers, const char **ret_checkout,
                      const char **ret_amount)
{
    struct arena *arena = shopper->arena;

    if (!ask(shopper, OPEN_CHECKOUT, "POST", arena_printf(arena, "/carts/%s/checkout", cart), headers, NULL))
        return false;
    const char *checkout = find(shopper, "id");
    if (checkout == NULL)
        return fail(shopper, "a checkout without id");
    const char *method = arena_printf(arena, "{\"method\":\"%s\"}", shopper->bench->method);
    if (!ask(shopper, SET_ADDRESSES, "PUT", arena_printf(arena, "/checkouts/%s/addresses", checkout), headers,
             address_body(shopper)) ||
        !ask(shopper, SET_DELIVERY, "PUT", arena_printf(arena, "/checkouts/%s/delivery", checkout), headers,
             "{\"method\":\"first_class\"}") ||
        !ask(shopper, SET_PAYMENT, "PUT", arena_printf(arena, "/checkouts/%s/payment", checkout), headers, method))
        return false;
    *ret_checkout = checkout;
    *ret_amount = find(shopper, "totals.total.amount");
    return *ret_amount != NULL || fail(shopper, "a checkout without total");
}

/* All of it but placing. */
static bool prepare(struct shopper *shopper, int64_t since, const char **ret_checkout, struct placing *ret_placing)
{
    const char *cart = NULL, *headers = NULL, *amount = NULL;

    if (!create_cart(shopper, since, &cart, &headers) || !add_lines(shopper, cart, headers) ||
        !check_out(shopper, cart, headers, ret_checkout, &amount))
        return false;
    *ret_placing = placing_of(shopper, *ret_checkout, headers, amount);
    return true;
}

bool shopper_buy(struct shopper *shopper, int64_t since)
{
    struct placing placing;
    const char *checkout;

    return prepare(shopper, since, &checkout, &placing) && place(shopper, checkout, &placing);
}

bool shopper_leave(struct shopper *shopper, int64_t since)
{
    struct placing placing;
    const char *checkout;

    return prepare(shopper, since, &checkout, &placing) &&
           ask(shopper, PLACE, "POST", placing.path, placing.headers, placing.body);
}

/* Makes the cart that this one uses from now on, with lines in it. */
static bool begin_cart(struct shopper *shopper)
{
    arena_clear(shopper->arena);
    shopper->cart = NULL;
    shopper->cart_uses = 0;
    return create_cart(shopper, now(), &shopper->cart, &shopper->cart_headers) &&
           add_lines(shopper, shopper->cart, shopper->cart_headers);
}

/* One cart serves for as many uses as fit into its arena and its quantities. */
static bool has_cart(struct shopper *shopper)
{
    return (shopper->cart != NULL && shopper->cart_uses++ < CART_USES) || begin_cart(shopper);
}

bool shopper_read_cart(struct shopper *shopper, int64_t since)
{
    return has_cart(shopper) &&
           ask_since(shopper, since, READ_CART, "GET", arena_printf(shopper->arena, "/carts/%s", shopper->cart),
                     shopper->cart_headers, NULL);
}

bool shopper_add_line(struct shopper *shopper, int64_t since)
{
    return has_cart(shopper) && add_line(shopper, since, shopper->cart, shopper->cart_headers, random_sku(shopper), 0);
}

void shopper_init(struct shopper *shopper, struct bench *bench, unsigned number)
{
    shopper->bench = bench;
    shopper->arena = arena_new(16 << 20);
    shopper->seed = number * 7919u + 1;
    wire_init(&shopper->wire, bench->host, bench->port);
    wire_init(&shopper->psp, bench->host, 0);
    for (int step = 0; step < STEPS; step++)
        samples_init(&shopper->samples[step]);
}
