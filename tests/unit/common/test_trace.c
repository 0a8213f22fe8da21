/* trace: going on with the trace of a caller, and beginning a new one when there is none that can be read. */
#include <string.h>

#include "id.h"
#include "service.h"
#include "suite.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

static struct service service = {.name = "test", .shop = "main"};

START_TEST(a_trace_goes_on_with_a_new_span)
{
    struct ctx *ctx = ctx_new(&service);

    trace_start(ctx, "00-" TRACE "-" PARENT "-00", "journey", "cause");

    ck_assert_mem_eq(ctx->trace.traceparent, "00-" TRACE "-", 36);
    ck_assert_mem_ne(ctx->trace.traceparent + 36, PARENT, 16);
    ck_assert_str_eq(ctx->trace.traceparent + 52, "-00");
    ck_assert_str_eq(ctx->trace.correlation_id, "journey");
    ck_assert_str_eq(ctx->trace.causation_id, "cause");
    ctx_release(ctx);
}
END_TEST

START_TEST(a_later_version_of_the_header_is_understood)
{
    struct ctx *ctx = ctx_new(&service);

    trace_start(ctx, "01-" TRACE "-" PARENT "-01-more", NULL, NULL);

    ck_assert_mem_eq(ctx->trace.traceparent, "00-" TRACE "-", 36);
    ctx_release(ctx);
}
END_TEST

static const char *const broken[] = {
    NULL,
    "",
    "00-" TRACE "-" PARENT,
    "00-" TRACE "-" PARENT "-0",
    "00-" TRACE "-" PARENT "-01-more",
    "00-" TRACE "-" PARENT "-0g",
    "ff-" TRACE "-" PARENT "-01",
    "00-00000000000000000000000000000000-" PARENT "-01",
    "00-" TRACE "-0000000000000000-01",
    "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
    "00_" TRACE "-" PARENT "-01",
};

START_TEST(what_cannot_be_read_begins_a_new_trace)
{
    struct ctx *ctx = ctx_new(&service);
    char first[56];

    trace_start(ctx, broken[_i], NULL, NULL);
    memcpy(first, ctx->trace.traceparent, sizeof(first));
    ck_assert_uint_eq(strlen(first), 55);
    ck_assert_mem_eq(first, "00-", 3);
    ck_assert_mem_ne(first + 3, TRACE, 32);
    ck_assert_str_eq(first + 52, "-01");
    ck_assert(id_is_valid(ctx->trace.correlation_id));
    ck_assert_ptr_null(ctx->trace.causation_id);

    /* What it made can be read. */
    trace_start(ctx, first, NULL, NULL);
    ck_assert_mem_eq(ctx->trace.traceparent, first, 36);
    ctx_release(ctx);
}
END_TEST

START_TEST(a_cleared_context_is_like_a_new_one)
{
    struct ctx *ctx = ctx_new(&service);
    char before[56];

    memcpy(before, ctx->trace.traceparent, sizeof(before));
    (void)FAIL(ctx, CONFLICT, "for a reason");
    (void)!arena_alloc(ctx->arena, 1000);
    ctx_clear(ctx);

    ck_assert_int_eq(ctx->problem.kind, ERR_NONE);
    ck_assert_int_eq(ctx->caller.role, ROLE_SYSTEM);
    ck_assert_str_eq(ctx->caller.shop, "main");
    ck_assert_str_ne(ctx->trace.traceparent, before);
    ctx_release(ctx);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_trace_goes_on_with_a_new_span);
    tcase_add_test(tests, a_later_version_of_the_header_is_understood);
    ADD_TABLE_TEST(tests, what_cannot_be_read_begins_a_new_trace, broken);
    tcase_add_test(tests, a_cleared_context_is_like_a_new_one);
}

RUN_SUITE(trace, add_tests)
