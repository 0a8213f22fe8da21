/*
 * A cart in its tables: parallel adds, the lock of a placement from claim to order, expiry, and what catalog tells.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "cart/queries.h"
#include "clock.h"
#include "deliver.h"
#include "http.h"
#include "proto/cart.h"
#include "proto/product.h"
#include "store.h"
#include "suite.h"
#include "text.h"

#define CART "00000000-0000-7000-8000-000000000001"
#define CHECKOUT "00000000-0000-7000-8000-000000000002"
#define OTHER "00000000-0000-7000-8000-000000000003"
#define PRODUCT "00000000-0000-7000-8000-000000000004"

#define THREADS 20

extern const struct route cart_routes[];
extern const struct subscription cart_subscriptions[];
extern const struct timer cart_timers[];

static const struct setting settings[] = {
    {"WAYBILL_CART_TTL_S", SETTING_INT, "3600", 1, 86400, "seconds"},
    {0},
};

static struct service *service;
static struct arena *arena;

#define HEAR(type, ...) deliver_well(service, cart_subscriptions, &type##_type, &(const struct type){__VA_ARGS__})

/* What catalog tells of a cup for `price`. */
static void tell_price(int64_t price, bool is_active)
{
    struct price prices[] = {{price, "EUR"}, {price + 200, "USD"}};
    struct variant variants[] = {{"CUP", "Cup, blue", {prices, 2}, 300, is_active},
                                 {"POT", "Pot", {prices, 1}, 900, true}};

    HEAR(product_changed, .product_id = PRODUCT, .shop = "main", .code = "cup", .title = "Cup", .tax_class = "standard",
         .active = true, .variants = {variants, 2});
}

static enum err make_cart(struct ctx *ctx)
{
    struct cart cart = {.head = {.id = CART},
                        .shop = "main",
                        .channel = "web",
                        .locale = "en",
                        .currency = "EUR",
                        .created_at = clock_now()};

    UNIT_OF_WORK(ctx, uow);
    TRY(emit_cart_created(uow, &cart.head, &(struct cart_created){CART, "main", "web", "en", "EUR"}));
    cart_add(uow, &cart, NULL, NULL);
    return uow_commit(uow);
}

/* An empty cart of a shopper, and cups on offer for 12.90. */
static void open_all(void)
{
    arena = arena_new(1 << 20);
    service = deliver_open(cart_queries, cart_migrations, THREADS);
    service->config = config_read(arena, NULL, settings);
    ck_assert_ptr_nonnull(service->config);
    tell_price(1290, true);
    struct ctx *ctx = ctx_new(service);
    ck_assert_int_eq(make_cart(ctx), ERR_NONE);
    ctx_release(ctx);
}

static void close_all(void)
{
    /* Law 4: versions 1, 2, 3 ... without holes, and the row has the last one. */
    ck_assert_int_eq(database_int("SELECT count(*) FROM (SELECT sequence, row_number() OVER (ORDER BY id) AS expected"
                                  " FROM outbox) s WHERE sequence <> expected"),
                     0);
    ck_assert_int_eq(database_int("SELECT version - (SELECT max(sequence) FROM outbox) FROM cart"), 0);
    deliver_close(service);
    arena_free(arena);
}

/* -- what the shopper asks, through the route's handler -- */

/* The answer lives as long as the context. */
static enum err call(struct ctx *ctx, const char *method, const char *path, const char *line_id, const void *in,
                     struct cart_view *ret)
{
    const struct route *route = cart_routes;
    struct request request = {.params = {CART, line_id}};

    while (route->method != NULL && !(text_equal(route->method, method) && text_equal(route->path, path)))
        route++;
    ck_assert(route->method != NULL);
    request.route = route;
    ctx->request = &request;
    ctx->caller = (struct caller){.role = ROLE_SHOPPER, .shop = "main", .cart_id = CART};
    return route->handle(ctx, in, ret);
}

static enum err add(const char *sku, int64_t quantity, const char **ret_why)
{
    struct ctx *ctx = ctx_new(service);
    struct cart_view view;

    enum err err =
        call(ctx, "POST", "/carts/:cart_id/items", NULL, &(struct add_item){.sku = sku, .quantity = quantity}, &view);
    if (ret_why != NULL)
        *ret_why = arena_strdup(arena, ctx->problem.detail);
    ctx_release(ctx);
    return err;
}

static char line_id[64];

/* What a placement claims: two cups as they were shown, unless told otherwise. */
static void claim(const char *checkout_id, int64_t placement, int64_t quantity, int64_t price)
{
    (void)snprintf(line_id, sizeof(line_id), "%s", database_text("SELECT line_id FROM cart_line WHERE sku = 'CUP'"));
    struct claim_line lines[] = {{line_id, "CUP", quantity, {price, "EUR"}}};

    HEAR(checkout_claims_asked, .checkout_id = checkout_id, .shop = "main", .cart_id = CART, .placement = placement,
         .currency = "EUR", .lines = {lines, line_id[0] != '\0'});
}

static void fail_placement(int64_t placement)
{
    HEAR(checkout_failed, .checkout_id = CHECKOUT, .shop = "main", .cart_id = CART, .placement = placement,
         .reason = "declined");
}

static void complete(void)
{
    HEAR(checkout_completed, .checkout_id = CHECKOUT, .shop = "main", .cart_id = CART, .placement = 1);
}

static const char *state(void)
{
    return database_text("SELECT concat_ws(' ', state, placement, dead) FROM cart");
}

/* The last event and why. */
static const char *last_told(void)
{
    return database_text("SELECT concat_ws(' ', substr(type, 14), body::jsonb ->> 'reason',"
                         " body::jsonb -> 'differences' -> 0 ->> 'kind') FROM outbox ORDER BY id DESC LIMIT 1");
}

/* -- adding -- */

static atomic_int troubles;
static pthread_barrier_t start;

static void *add_one(void *of UNUSED)
{
    pthread_barrier_wait(&start);
    if (add("CUP", 1, NULL) != ERR_NONE)
        atomic_fetch_add(&troubles, 1);
    return NULL;
}

START_TEST(twenty_adds_at_once_sum_up_on_one_line)
{
    pthread_t threads[THREADS];

    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_one, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);

    ck_assert_int_eq(atomic_load(&troubles), 0);
    ck_assert_str_eq(database_text("SELECT concat_ws(' ', count(*), sum(quantity)) FROM cart_line"), "1 20");
    ck_assert_str_eq(database_text("SELECT body::jsonb ->> 'quantity' FROM outbox ORDER BY id DESC LIMIT 1"), "20");
    ck_assert_int_eq(database_int("SELECT count(DISTINCT body::jsonb ->> 'quantity') FROM outbox"
                                  " WHERE type = 'waybill.cart.item_added.v1'"),
                     THREADS);
}
END_TEST

START_TEST(a_refused_add_changes_nothing)
{
    ck_assert_int_eq(add("CUP", 9999, NULL), ERR_NONE);
    ck_assert_int_eq(add("CUP", 1, NULL), ERR_INVALID);
    ck_assert_int_eq(add("LID", 1, NULL), ERR_INVALID);

    ck_assert_str_eq(database_text("SELECT concat_ws(' ', count(*), sum(quantity)) FROM cart_line"), "1 9999");
    ck_assert_int_eq(database_int("SELECT version FROM cart"), 2);
}
END_TEST

START_TEST(a_new_price_is_told_once)
{
    struct ctx *ctx = ctx_new(service);
    struct cart_view view;

    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    tell_price(1490, true);

    ck_assert_int_eq(call(ctx, "GET", "/carts/:cart_id", NULL, NULL, &view), ERR_NONE);
    ck_assert_uint_eq(view.lines.count, 1);
    ck_assert_int_eq(view.lines.items[0].changes.count, 1);
    ck_assert_int_eq(view.subtotal.amount, 2980);

    ck_assert_int_eq(call(ctx, "GET", "/carts/:cart_id", NULL, NULL, &view), ERR_NONE);
    ck_assert_int_eq(view.lines.items[0].changes.count, 0);
    ctx_release(ctx);
}
END_TEST

START_TEST(what_catalog_takes_back_is_not_for_sale)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    tell_price(1290, false);

    ck_assert_int_eq(add("CUP", 1, NULL), ERR_INVALID);
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_str_eq(last_told(), "lock_refused.v1 changed unavailable");
}
END_TEST

/* -- the lock -- */

START_TEST(a_placement_locks_the_cart_and_the_order_keeps_it)
{
    const char *why;
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_str_eq(state(), "locked 1 0");
    ck_assert_str_eq(last_told(), "locked.v1");
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.cart.locked.v1'"), 1);
    ck_assert_int_eq(add("CUP", 1, &why), ERR_CONFLICT);
    ck_assert_str_eq(why, "the cart is locked and cannot be changed");

    complete();
    complete();

    ck_assert_str_eq(state(), "ordered 1 0");
    ck_assert_int_eq(add("CUP", 1, NULL), ERR_CONFLICT);
    claim(OTHER, 2, 2, 1290);
    ck_assert_str_eq(last_told(), "lock_refused.v1 ordered");
    ck_assert_str_eq(state(), "ordered 2 0");
    ck_assert_int_eq(database_int("SELECT count(*) FROM cart WHERE expires_at IS NOT NULL"), 0);
}
END_TEST

START_TEST(a_failed_placement_gives_the_cart_back_and_stays_dead)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    claim(CHECKOUT, 1, 2, 1290);
    fail_placement(1);
    ck_assert_str_eq(state(), "open 1 1");
    ck_assert_str_eq(last_told(), "unlocked.v1");
    fail_placement(1);
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_str_eq(state(), "open 1 1");
    ck_assert_str_eq(last_told(), "unlocked.v1");
    ck_assert_int_eq(add("CUP", 1, NULL), ERR_NONE);

    claim(CHECKOUT, 2, 3, 1290);
    ck_assert_str_eq(state(), "locked 2 1");
    fail_placement(1);
    ck_assert_str_eq(state(), "locked 2 1");
}
END_TEST

START_TEST(a_release_that_overtook_its_claim_kills_it)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    fail_placement(1);
    claim(CHECKOUT, 1, 2, 1290);

    ck_assert_str_eq(state(), "open 0 1");
}
END_TEST

START_TEST(a_newer_placement_inherits_the_lock_and_another_checkout_does_not)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    claim(CHECKOUT, 1, 2, 1290);
    claim(CHECKOUT, 2, 2, 1290);
    ck_assert_str_eq(state(), "locked 2 0");
    ck_assert_str_eq(last_told(), "locked.v1");

    claim(OTHER, 3, 2, 1290);
    ck_assert_str_eq(last_told(), "lock_refused.v1 locked");
    ck_assert_str_eq(database_text("SELECT state || checkout_id FROM cart"), "locked" CHECKOUT);
    fail_placement(2);
    ck_assert_str_eq(state(), "open 2 2");
}
END_TEST

static const struct {
    int64_t quantity;
    int64_t price;
    const char *told;
} refusals[] = {
    {3, 1290, "lock_refused.v1 changed quantity"},
    {2, 1190, "lock_refused.v1 changed price"},
    {2, 1290, "locked.v1"},
};

START_TEST(only_what_the_shopper_saw_is_locked)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    claim(CHECKOUT, 1, refusals[_i].quantity, refusals[_i].price);

    ck_assert_str_eq(last_told(), refusals[_i].told);
    ck_assert_str_eq(state(), text_equal(refusals[_i].told, "locked.v1") ? "locked 1 0" : "open 1 0");
}
END_TEST

START_TEST(an_empty_cart_is_not_locked)
{
    claim(CHECKOUT, 1, 1, 1290);
    ck_assert_str_eq(last_told(), "lock_refused.v1 empty");
}
END_TEST

/* -- growing old -- */

START_TEST(a_cart_that_nobody_touches_expires)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    deliver_timer(service, cart_timers);
    ck_assert_str_eq(state(), "open 0 0");

    database_run("UPDATE cart SET expires_at = now() - interval '1 second'");
    deliver_timer(service, cart_timers);

    ck_assert_str_eq(state(), "expired 0 0");
    ck_assert_str_eq(last_told(), "expired.v1");
    ck_assert_int_eq(add("CUP", 1, NULL), ERR_CONFLICT);
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_str_eq(last_told(), "lock_refused.v1 expired");
}
END_TEST

/* It lives for its time to live from the last touch, and at most a sixteenth longer: 3600 s, and 225 s. */
START_TEST(a_touch_moves_the_end_of_a_cart_only_when_it_must)
{
    static const char left[] = "SELECT round(extract(epoch FROM expires_at - updated_at)) FROM cart";

    ck_assert_int_eq(database_int(left), 3825);
    database_run("UPDATE cart SET expires_at = now() + interval '3700 seconds'");
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    ck_assert_int_le(database_int(left), 3700);
    ck_assert_int_ge(database_int(left), 3600);
    database_run("UPDATE cart SET expires_at = now() + interval '3599 seconds'");
    ck_assert_int_eq(add("CUP", 1, NULL), ERR_NONE);

    ck_assert_int_eq(database_int(left), 3825);
}
END_TEST

START_TEST(a_locked_cart_has_no_clock)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_int_eq(database_int("SELECT count(*) FROM cart WHERE expires_at IS NOT NULL"), 0);
    fail_placement(1);

    ck_assert_int_eq(database_int("SELECT count(*) FROM cart WHERE expires_at > now()"), 1);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, twenty_adds_at_once_sum_up_on_one_line);
    tcase_add_test(tests, a_refused_add_changes_nothing);
    tcase_add_test(tests, a_new_price_is_told_once);
    tcase_add_test(tests, what_catalog_takes_back_is_not_for_sale);
    tcase_add_test(tests, a_placement_locks_the_cart_and_the_order_keeps_it);
    tcase_add_test(tests, a_failed_placement_gives_the_cart_back_and_stays_dead);
    tcase_add_test(tests, a_release_that_overtook_its_claim_kills_it);
    tcase_add_test(tests, a_newer_placement_inherits_the_lock_and_another_checkout_does_not);
    ADD_TABLE_TEST(tests, only_what_the_shopper_saw_is_locked, refusals);
    tcase_add_test(tests, an_empty_cart_is_not_locked);
    tcase_add_test(tests, a_cart_that_nobody_touches_expires);
    tcase_add_test(tests, a_touch_moves_the_end_of_a_cart_only_when_it_must);
    tcase_add_test(tests, a_locked_cart_has_no_clock);
}

RUN_SUITE(cart_life, add_tests)
