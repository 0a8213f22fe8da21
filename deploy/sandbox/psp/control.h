/* control - the records and handlers of /_control, by which tests set faults and read the sandbox's own truth. */
#ifndef PSP_SANDBOX_CONTROL_H
#define PSP_SANDBOX_CONTROL_H

#include "ctx.h"
#include "record.h"

extern const struct record fault_request_record, webhook_request_record, release_request_record, repeat_request_record;
extern const struct record fault_list_record, webhook_view_record, released_record, reason_request_record;
extern const struct record book_record, request_list_record, delivery_list_record;

/* Switches: faults, webhooks, keys. */
enum err control_show_faults(struct ctx *ctx, const void *in, void *ret);
enum err control_set_fault(struct ctx *ctx, const void *in, void *ret);
enum err control_reset(struct ctx *ctx, const void *in, void *ret);
enum err control_show_webhooks(struct ctx *ctx, const void *in, void *ret);
enum err control_set_webhooks(struct ctx *ctx, const void *in, void *ret);
enum err control_release(struct ctx *ctx, const void *in, void *ret);
enum err control_repeat(struct ctx *ctx, const void *in, void *ret);
enum err control_forget_keys(struct ctx *ctx, const void *in, void *ret);

/* What time and banks do. */
enum err control_expire_session(struct ctx *ctx, const void *in, void *ret);
enum err control_expire_payment(struct ctx *ctx, const void *in, void *ret);
enum err control_fail_refund(struct ctx *ctx, const void *in, void *ret);

/* The truth. */
enum err control_show_book(struct ctx *ctx, const void *in, void *ret);
enum err control_show_requests(struct ctx *ctx, const void *in, void *ret);
enum err control_show_deliveries(struct ctx *ctx, const void *in, void *ret);

#endif
