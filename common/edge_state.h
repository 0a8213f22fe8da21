/*
 * edge_state - what a gateway holds while it runs. Immutable after the start but for what has its own locks.
 */
#ifndef WAYBILL_EDGE_STATE_H
#define WAYBILL_EDGE_STATE_H

#include "address.h"
#include "edge.h"
#include "limiter.h"
#include "watch.h"

#define EDGE_UPSTREAMS_MAX 16

struct edge_state {
    struct {
        const char *name;
        struct upstream *upstream;
    } upstreams[EDGE_UPSTREAMS_MAX];
    size_t upstream_count;
    struct limiter *by_token;
    struct limiter *by_address;
    struct networks proxies;
    const char *origins;
    struct watch *watch;
};

#endif
