/*
 * gateway - a gateway before a service, for the tests of what gateways do.
 */
#ifndef WAYBILL_TESTS_GATEWAY_H
#define WAYBILL_TESTS_GATEWAY_H

#include "edge.h"

#include <stdatomic.h>
#include <string.h>

#include "suite.h"
#include "text.h"
#include "web.h"

#define CART "0190b3c2-7a10-7000-8000-000000000001"
#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

/* --- the service behind --- */

static _Atomic int served;

static enum err tell_all(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    size_t size;
    const char *body = request_body(ctx, &size);
    const char *names[] = {"Content-Type", "Idempotency-Key", "If-Match", "Prefer",
                           "Accept",       "Authorization",   "Cookie"};
    struct buf buf;

    atomic_fetch_add(&served, 1);
    buf_init(&buf, ctx->arena, 4096);
    buf_printf(&buf, "%s %s?%s role=%d shop=%s cart=%s body=%.*s", ctx->request->method, ctx->request->path,
               ctx->request->query, (int)ctx->caller.role, ctx->caller.shop,
               ctx->caller.cart_id != NULL ? ctx->caller.cart_id : "-", (int)size, body);
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *value = request_header(ctx, names[i]);
        buf_printf(&buf, " %s", value != NULL ? value : "-");
    }
    http_status(ctx, 202);
    http_etag(ctx, 5);
    http_header(ctx, "Location", "/orders/1");
    http_text(ctx, "text/plain", buf.data, buf.size);
    return ERR_NONE;
}

static enum err refuse(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    return FAIL(ctx, CONFLICT, "could not place it");
}

static const struct route back_routes[] = {
    {"POST", "/carts/:id/items", ROLE_SHOPPER, .handle = tell_all, .flags = ROUTE_RAW_BODY},
    {"GET", "/inner/:id/view", ROLE_SHOPPER, .handle = tell_all, .flags = ROUTE_RAW_BODY},
    {"GET", "/public", ROLE_SHOPPER, .handle = tell_all, .flags = ROUTE_RAW_BODY},
    {"GET", "/conflict", ROLE_SHOPPER, .handle = refuse},
    {"GET", "/staff", ROLE_STAFF, .handle = tell_all},
    {"GET", "/nobody", ROLE_NONE, .handle = tell_all},
    {0},
};

/* --- the gateway --- */

static enum err authenticate(struct ctx *ctx, const struct route *route)
{
    const char *token = request_header(ctx, "Authorization");

    ctx->caller.role = ROLE_SHOPPER;
    if (route->who == ROLE_NONE)
        return ERR_NONE;
    if (!text_equal(token, "Bearer good") && !text_equal(token, "Bearer better"))
        return FAIL(ctx, UNAUTHENTICATED, "the token is not good");
    ctx->caller.cart_id = text_equal(token, "Bearer good") ? CART : "0190b3c2-7a10-7000-8000-000000000002";
    return ERR_NONE;
}

static enum err wait_for_news(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct ticket *ticket = edge_watch(ctx, path_param(ctx, "id"), NULL);

    atomic_fetch_add(&served, 1);
    bool news = edge_wait(ticket, request_wait_s(ctx) * 1000);
    edge_unwatch(ticket);
    http_text(ctx, "text/plain", news ? "news" : "nothing", news ? 4 : 7);
    return ERR_NONE;
}

static const struct route front_routes[] = {
    {"POST", "/carts/:id/items", ROLE_SHOPPER, .upstream = "back"},
    {"GET", "/views/:id", ROLE_SHOPPER, .upstream = "back", .upstream_path = "/inner/:id/view"},
    {"GET", "/public", ROLE_NONE, .upstream = "back"},
    {"GET", "/conflict", ROLE_SHOPPER, .upstream = "back"},
    {"GET", "/missing", ROLE_SHOPPER, .upstream = "back"},
    {"GET", "/nobody", ROLE_SHOPPER, .upstream = "back"},
    {"GET", "/news/:id", ROLE_SHOPPER, .handle = wait_for_news},
    {0},
};

static const char *const upstreams[] = {"back", NULL};
static const struct setting settings[] = {EDGE_SETTINGS, EDGE_UPSTREAM("BACK", "http://127.0.0.1:1"), {0}};

static struct edge edge = {.openapi = "{\"openapi\":\"3.1.0\"}",
                           .page = "<!doctype html><title>API</title>",
                           .upstreams = upstreams,
                           .authenticate = authenticate};
static struct web back, front;
static struct reply reply;
static char header[512];

#define GOOD "Authorization: Bearer good\r\n"

static void start_front(void)
{
    web_start(&front, front_routes, &edge, settings);
}

static void start(void)
{
    web_start(&back, back_routes, NULL, NULL);
    setenv("WAYBILL_BACK_URL", web_url(&back), 1);
    start_front();
}

static void stop(void)
{
    web_stop(&front);
    web_stop(&back);
}

/* The same with a setting changed. */
static void start_again(const char *name, const char *value)
{
    web_stop(&front);
    setenv(name, value, 1);
    start_front();
}

#endif
