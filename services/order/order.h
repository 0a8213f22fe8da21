/*
 * order - what an order is, and what may become of it. Pure: no database, no broker, no clock.
 *
 * The kernel is what money and stock depend on: a table in order_fsm.c. Over it lies the merchant's process, which is
 * data: what each kernel event makes of status and sub-status, and which mail goes out. It can mail the wrong thing but
 * never ship unpaid goods.
 */
#ifndef WAYBILL_ORDER_H
#define WAYBILL_ORDER_H

#include "event.h"
#include "fsm.h"
#include "proto/checkout.h"
#include "proto/http_order.h"
#include "proto/order.h"
#include "proto/types.h"

enum order_kernel {
    ORDER_PLACED,     /* accepted; nothing has left the shelves */
    ORDER_RELEASED,   /* at least one shipment is being worked on */
    ORDER_SHIPPING,   /* at least one shipment has left */
    ORDER_COMPLETED,  /* all shipments were delivered */
    ORDER_CANCELLING, /* somebody asked; fulfilment decides whether it comes in time */
    ORDER_CANCELLED,  /* nothing ships; the money goes back */
    ORDER_KERNELS
};

enum order_event {
    ON_SHIPMENT_RELEASED,
    ON_SHIPMENT_SHIPPED,
    ON_SHIPMENT_DELIVERED, /* of the last open shipment */
    ON_ALL_STOPPED,        /* fulfilment stopped every shipment */
    ON_STOP_REFUSED,       /* a shipment has left already */
    ON_PAY_BY_PASSED,      /* the money did not come in time */
    ON_CANCEL_ASKED,       /* by the customer or a clerk */
    ON_HOLD_ASKED,
    ON_LIFT_ASKED,
    ORDER_EVENTS
};

extern const char *const order_kernel_names[];
extern const char *const order_event_names[];
extern const struct fsm order_fsm;

struct order {
    struct aggregate head;
    const char *shop;
    const char *number; /* "WB-100001", unique in the shop */
    const char *cart_id;
    int64_t intent; /* the payment intent that won */
    const char *channel;
    const char *locale;
    const char *currency;
    enum order_kernel kernel;
    const char *status;
    const char *sub_status; /* or NULL */
    int64_t process_version;
    struct process_status_list process; /* of that version */
    const char *method;
    const char *capture;
    int64_t quantity; /* of all lines */
    int64_t total_minor;
    struct line_list lines;
    struct group_list groups;
    struct totals totals;
    struct payment_view_list payments;
    const char *reference;     /* for a bank transfer, or NULL */
    const char *hold_reason;   /* set while the order is held */
    const char *unsaid;        /* the process's word for what happened meanwhile, said when it is let go; or NULL */
    const char *cancel_reason; /* set once somebody asked */
    const char *cancel_by;
    int64_t pay_by; /* 0 when nothing is due */
    int64_t placed_at;
};

extern const struct record order_record;

/* What a move changes beside the kernel: filled by order_apply(). */
struct order_change {
    enum order_kernel previous_kernel;
    const char *previous_status;
    const char *previous_sub_status;
    const char *mail; /* template that the process asks for, or NULL */
    bool status_changed;
};

/* Makes the order of a completed checkout; ids and numbers are given. `pay_by` is 0 unless money is still due. */
void order_place(const struct checkout_completed *from, const char *number, int64_t process_version,
                 const struct process_status_list *process, int64_t placed_at, int64_t pay_by, struct arena *arena,
                 struct order *ret);

/* Moves the kernel and lets the process speak. `on` is the process's word for it, or NULL when it has none. */
void order_apply(struct order *order, enum order_kernel to, const char *on, struct order_change *ret);

/* The process's word for how the order stands, whatever it shows while it is held. Each process has it. */
const char *order_word(const struct order *order);

/* The process's row for a kernel event, or NULL when the merchant has none for it. */
const struct process_status *process_find(const struct process_status_list *process, const char *on);

/* Whether a merchant's process may be used: known events, each at most once, "placed" among them. Names the field. */
enum err process_check(struct ctx *ctx, const struct process_status_list *process);

/* Records what was captured or given back of one intent. False when the order has no such payment. */
bool order_book_captured(struct order *order, int64_t intent, struct money captured);
bool order_book_refunded(struct order *order, int64_t intent, struct money refunded);
bool order_book_voided(struct order *order, int64_t intent);

/* Whether all of the money was taken. */
bool order_is_paid(const struct order *order);

/* How long money may stay out, by method, in seconds; 0: none is due after placing. */
int64_t order_pay_within_s(const char *method);

#endif
