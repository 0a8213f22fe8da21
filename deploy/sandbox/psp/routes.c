/* Every path: the API, the payment page, the control interface. Nobody signs in; the API asks for its key. */
#include "api.h"
#include "control.h"
#include "http.h"
#include "page.h"

#define RAW (ROUTE_RAW_BODY | ROUTE_KEY_OWN)

/* clang-format off */
const struct route psp_routes[] = {
    { "POST", "/v1/checkout/sessions",            .handle = api_handle, .flags = RAW },
    { "GET",  "/v1/checkout/sessions",            .handle = api_handle },
    { "GET",  "/v1/checkout/sessions/:id",        .handle = api_handle },
    { "POST", "/v1/checkout/sessions/:id/expire", .handle = api_handle, .flags = RAW },
    { "GET",  "/v1/payment_intents",              .handle = api_handle },
    { "GET",  "/v1/payment_intents/:id",          .handle = api_handle },
    { "POST", "/v1/payment_intents/:id/capture",  .handle = api_handle, .flags = RAW },
    { "POST", "/v1/payment_intents/:id/cancel",   .handle = api_handle, .flags = RAW },
    { "POST", "/v1/refunds",                      .handle = api_handle, .flags = RAW },
    { "GET",  "/v1/refunds",                      .handle = api_handle },
    { "GET",  "/v1/refunds/:id",                  .handle = api_handle },
    { "GET",  "/v1/events",                       .handle = api_handle },
    { "GET",  "/v1/events/:id",                   .handle = api_handle },

    { "GET",  "/pay/:session",     .handle = page_show },
    { "POST", "/pay/:session",     .handle = page_pay, .flags = RAW },
    { "GET",  "/pay/:session/3ds", .handle = page_show_challenge },
    { "POST", "/pay/:session/3ds", .handle = page_answer_challenge, .flags = RAW },

    { "GET",    "/_control/faults",               .handle = control_show_faults,    .out = &fault_list_record },
    { "POST",   "/_control/faults",               .handle = control_set_fault,      .in = &fault_request_record, .out = &fault_list_record },
    { "DELETE", "/_control/faults",               .handle = control_reset,          .out = &fault_list_record },
    { "GET",    "/_control/webhooks",             .handle = control_show_webhooks,  .out = &webhook_view_record },
    { "POST",   "/_control/webhooks",             .handle = control_set_webhooks,   .in = &webhook_request_record, .out = &webhook_view_record },
    { "POST",   "/_control/webhooks/release",     .handle = control_release,        .in = &release_request_record, .out = &released_record, .flags = ROUTE_OPTIONAL_BODY },
    { "POST",   "/_control/webhooks/repeat",      .handle = control_repeat,         .in = &repeat_request_record, .out = &released_record },
    { "DELETE", "/_control/keys",                 .handle = control_forget_keys,    .out = &released_record },
    { "POST",   "/_control/sessions/:id/expire",  .handle = control_expire_session, .status = 204 },
    { "POST",   "/_control/payments/:id/expire",  .handle = control_expire_payment, .status = 204 },
    { "POST",   "/_control/refunds/:id/fail",     .handle = control_fail_refund,    .in = &reason_request_record, .status = 204, .flags = ROUTE_OPTIONAL_BODY },
    { "GET",    "/_control/book",                 .handle = control_show_book,      .out = &book_record },
    { "GET",    "/_control/requests",             .handle = control_show_requests,  .out = &request_list_record },
    { "GET",    "/_control/deliveries",           .handle = control_show_deliveries, .out = &delivery_list_record },
    { NULL },
};
/* clang-format on */
