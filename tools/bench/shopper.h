/*
 * shopper - one who asks the storefront gateway over a kept connection, and what each step took.
 */
#ifndef WAYBILL_BENCH_SHOPPER_H
#define WAYBILL_BENCH_SHOPPER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "samples.h"
#include "wire.h"

#define SKUS_MAX 1000

/* LATE: how long after its time a purchase began, because everybody was still busy. */
enum step {
    LATE,
    CREATE_CART,
    READ_CART,
    ADD_LINE,
    OPEN_CHECKOUT,
    SET_ADDRESSES,
    SET_DELIVERY,
    SET_PAYMENT,
    PLACE,
    PAY,
    STEPS
};

extern const char *const step_names[];

/* What all of them want, and for how long. */
struct bench {
    const char *host;
    int port;
    const char *method; /* bank_transfer, cash_on_delivery, card */
    const char *currency;
    const char *country;
    const char *skus[SKUS_MAX];
    size_t sku_count;
    int64_t lines;      /* of an order */
    int64_t quantity;   /* of each; 0: one or two */
    int64_t warm_until; /* clock_monotonic(): what begins earlier is not counted */
    int64_t until;      /* nothing begins later */
};

struct shopper {
    pthread_t thread;
    struct bench *bench;
    struct arena *arena;
    struct wire wire;
    struct wire psp;
    unsigned seed;
    struct samples samples[STEPS];
    int64_t counted;   /* what was done within the time that counts */
    int64_t done;      /* and ever */
    int64_t refused;   /* placements that failed as they may: sold out */
    int64_t failures;  /* what should not happen */
    char failure[400]; /* the last one, for people */
    /* Of the cart that reads or adds go to. */
    const char *cart;
    const char *cart_headers;
    int cart_uses;
};

void shopper_init(struct shopper *shopper, struct bench *bench, unsigned number);

/* Each does one thing whose time began at `since`, and tells whether it was done. Failures are counted. */
bool shopper_buy(struct shopper *shopper, int64_t since);       /* from an empty cart until the order exists */
bool shopper_leave(struct shopper *shopper, int64_t since);     /* places, and does not wait for the order */
bool shopper_read_cart(struct shopper *shopper, int64_t since); /* its own */
bool shopper_add_line(struct shopper *shopper, int64_t since);  /* to its own */

#endif
