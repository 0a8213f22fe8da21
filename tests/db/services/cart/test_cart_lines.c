/*
 * The lines of a cart: parallel changes, what the shopper sees and saw, and what staff see of them.
 */
#include "carts.h"

#include <pthread.h>
#include <stdatomic.h>

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
    ck_assert_str_eq(lines(), "CUP 20 1290");
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

    ck_assert_str_eq(lines(), "CUP 9999 1290");
    ck_assert_int_eq(database_int("SELECT version FROM cart"), 1);
}
END_TEST

static char waited[200];

/* Adds cups and keeps what the answer says of the lines. */
static void *add_and_look(void *of UNUSED)
{
    struct ctx *ctx = ctx_new(service);
    struct cart_view view;
    struct buf text;

    buf_init(&text, ctx->arena, sizeof(waited) - 1);
    if (call(ctx, "POST", "/carts/:cart_id/items", &(struct add_item){.sku = "CUP", .quantity = 2}, &view) == ERR_NONE)
        for (size_t i = 0; i < view.lines.count; i++)
            buf_printf(&text, "%s %d%s; ", view.lines.items[i].sku, (int)view.lines.items[i].total.amount,
                       view.lines.items[i].changes.count > 0 ? " changed" : "");
    (void)snprintf(waited, sizeof(waited), "%.*s", (int)text.size, text.data);
    ctx_release(ctx);
    return NULL;
}

/* The statement that locks the cart began before there was a line: what it reads is what it finds after the wait, and
 * so are the offers that it asks for. */
START_TEST(who_waited_for_the_cart_finds_the_lines_of_now_and_their_offers)
{
    pthread_t thread;

    database_run("BEGIN; UPDATE cart SET lines ="
                 " '[{\"line_id\": \"" OTHER
                 "\", \"sku\": \"POT\", \"title\": \"Pot\", \"quantity\": 1, \"shown_minor\": 1290}]'");
    ck_assert_int_eq(pthread_create(&thread, NULL, add_and_look, NULL), 0);
    database_await("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))",
                   1);
    database_run("COMMIT");
    pthread_join(thread, NULL);

    ck_assert_str_eq(waited, "POT 1290; CUP 2580; ");
    ck_assert_str_eq(lines(), "POT 1 1290, CUP 2 1290");
}
END_TEST

/* The cup's line, by a shopper who saw this version of the cart. */
static enum err set_cup(struct ctx *ctx, const char *seen, int64_t quantity, struct cart_view *ret)
{
    return call_seeing(ctx, seen, "PUT", "/carts/:cart_id/items/:line_id", &(struct set_quantity){quantity}, ret);
}

static enum err remove_cup(struct ctx *ctx, const char *seen, struct cart_view *ret)
{
    return call_seeing(ctx, seen, "DELETE", "/carts/:cart_id/items/:line_id", NULL, ret);
}

START_TEST(a_line_is_set_and_removed_by_who_saw_the_cart_as_it_is)
{
    struct ctx *ctx = ctx_new(service);
    struct cart_view view;
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    ck_assert_int_eq(add("POT", 1, NULL), ERR_NONE);
    find_cup();
    tell_price(1490, true);

    ck_assert_int_eq(set_cup(ctx, "\"1\"", 5, &view), ERR_PRECONDITION);
    ck_assert_str_eq(lines(), "CUP 2 1290, POT 1 1290");
    ck_assert_int_eq(set_cup(ctx, "\"2\"", 5, &view), ERR_NONE);
    ck_assert_str_eq(lines(), "CUP 5 1490, POT 1 1290");

    ck_assert_int_eq(remove_cup(ctx, "\"3\"", &view), ERR_NONE);
    ck_assert_str_eq(lines(), "POT 1 1290");
    ck_assert_int_eq(remove_cup(ctx, "\"4\"", &view), ERR_NOT_FOUND);
    ctx_release(ctx);
}
END_TEST

START_TEST(without_its_last_line_a_cart_is_empty)
{
    struct ctx *ctx = ctx_new(service);
    struct cart_view view;
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    find_cup();

    ck_assert_int_eq(set_cup(ctx, "\"1\"", 0, &view), ERR_NONE);

    ck_assert_uint_eq(view.lines.count, 0);
    ck_assert_str_eq(database_text("SELECT lines FROM cart"), "[]");
    ctx_release(ctx);
}
END_TEST

START_TEST(staff_see_how_much_is_in_a_cart)
{
    struct ctx *ctx = ctx_new(service);
    struct cart_list list = {0};

    ck_assert_int_eq(call(ctx, "GET", "/carts", NULL, &list), ERR_NONE);
    ck_assert_uint_eq(list.items.count, 1);
    ck_assert_int_eq(list.items.items[0].quantity, 0);
    ck_assert_int_eq(list.items.items[0].subtotal.amount, 0);
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    tell_price(1490, true);
    ck_assert_int_eq(add("POT", 3, NULL), ERR_NONE);

    list = (struct cart_list){0};
    ck_assert_int_eq(call(ctx, "GET", "/carts", NULL, &list), ERR_NONE);
    ck_assert_int_eq(list.items.items[0].quantity, 5);
    ck_assert_int_eq(list.items.items[0].subtotal.amount, 2 * 1290 + 3 * 1490);
    ctx_release(ctx);
}
END_TEST

START_TEST(a_new_price_is_told_once)
{
    struct ctx *ctx = ctx_new(service);
    struct cart_view view;

    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    tell_price(1490, true);

    ck_assert_int_eq(call(ctx, "GET", "/carts/:cart_id", NULL, &view), ERR_NONE);
    ck_assert_uint_eq(view.lines.count, 1);
    ck_assert_int_eq(view.lines.items[0].changes.count, 1);
    ck_assert_int_eq(view.subtotal.amount, 2980);

    ck_assert_int_eq(call(ctx, "GET", "/carts/:cart_id", NULL, &view), ERR_NONE);
    ck_assert_int_eq(view.lines.items[0].changes.count, 0);
    ck_assert_str_eq(lines(), "CUP 2 1490");
    ck_assert_int_eq(database_int("SELECT version FROM cart"), 1);
    ctx_release(ctx);
}
END_TEST

static enum err save_shown(struct ctx *ctx, const struct cart *cart)
{
    UNIT_OF_WORK(ctx, uow);
    cart_save_shown(uow, cart);
    return uow_commit(uow);
}

static enum err read_cart(struct ctx *ctx, struct cart *ret)
{
    bool found;

    READING(ctx, uow);
    TRY(cart_read(uow, CART, "main", ret, &found));
    ck_assert(found);
    return ERR_NONE;
}

START_TEST(what_was_seen_is_not_written_over_a_change)
{
    struct ctx *ctx = ctx_new(service);
    struct cart cart;
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    tell_price(1490, true);
    ck_assert_int_eq(read_cart(ctx, &cart), ERR_NONE);
    ck_assert(cart_set_shown(&cart));

    ck_assert_int_eq(add("POT", 1, NULL), ERR_NONE);
    ck_assert_int_eq(save_shown(ctx, &cart), ERR_NONE);

    ck_assert_str_eq(lines(), "CUP 2 1290, POT 1 1490");
    ctx_release(ctx);
}
END_TEST

/* -- what the shop offers -- */

#define MUG "00000000-0000-7000-8000-000000000005"

static enum err hear_together(struct ctx *ctx, const struct product_changed *products, size_t count)
{
    const void *events[4];

    for (size_t i = 0; i < count; i++)
        events[i] = &products[i];
    UNIT_OF_WORK(ctx, uow);
    TRY(offers_replace(uow, events, count));
    return uow_commit(uow);
}

static struct product_changed product(const char *id, struct variant *variants, size_t count)
{
    return (struct product_changed){.product_id = id,
                                    .shop = "main",
                                    .code = "p",
                                    .title = "P",
                                    .tax_class = "standard",
                                    .active = true,
                                    .variants = {variants, count}};
}

/* As one after the other: the last of a product counts, what it has no more is gone, and what moved to another product
 * stays there. */
START_TEST(products_that_changed_together_are_as_if_one_by_one)
{
    struct price dear[] = {{1500, "EUR"}};
    struct price cheap[] = {{900, "EUR"}, {950, "USD"}};
    struct variant before[] = {{"CUP", "Cup", {cheap, 2}, 300, true}, {"LID", "Lid", {cheap, 1}, 20, true}};
    struct variant mug[] = {{"MUG", "Mug", {cheap, 2}, 300, true}, {"LID", "Lid", {dear, 1}, 20, true}};
    struct variant after[] = {{"CUP", "Cup", {dear, 1}, 300, true}};
    const struct product_changed products[] = {product(PRODUCT, before, 2), product(MUG, mug, 2),
                                               product(PRODUCT, after, 1)};
    struct ctx *ctx = ctx_new(service);

    ck_assert_int_eq(hear_together(ctx, products, COUNT(products)), ERR_NONE);
    ck_assert_str_eq(database_text("SELECT string_agg(sku || ' ' || currency || ' ' || price_minor || ' ' ||"
                                   " right(product_id::text, 1), ', ' ORDER BY sku, currency) FROM offer"),
                     "CUP EUR 1500 4, LID EUR 1500 5, MUG EUR 900 5, MUG USD 950 5");
    ctx_release(ctx);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, twenty_adds_at_once_sum_up_on_one_line);
    tcase_add_test(tests, a_refused_add_changes_nothing);
    tcase_add_test(tests, who_waited_for_the_cart_finds_the_lines_of_now_and_their_offers);
    tcase_add_test(tests, a_line_is_set_and_removed_by_who_saw_the_cart_as_it_is);
    tcase_add_test(tests, without_its_last_line_a_cart_is_empty);
    tcase_add_test(tests, staff_see_how_much_is_in_a_cart);
    tcase_add_test(tests, a_new_price_is_told_once);
    tcase_add_test(tests, what_was_seen_is_not_written_over_a_change);
    tcase_add_test(tests, products_that_changed_together_are_as_if_one_by_one);
}

RUN_SUITE(cart_lines, add_tests)
