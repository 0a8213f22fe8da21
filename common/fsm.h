/*
 * fsm - state machines as tables: rows of state, event, outcome and why.
 *
 * For every state and every event from outside there is a row: act (moves or stays), ignore, or work item. The pair
 * that nobody wrote down is a defect which fsm_check() finds and a test fails on. Commands from people may be
 * unlisted: then they are refused. The first row that matches and whose guard holds wins.
 */
#ifndef WAYBILL_FSM_H
#define WAYBILL_FSM_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum fsm_outcome {
    FSM_ACT,       /* move to `to` (may be the same state) and do the work */
    FSM_IGNORE,    /* nothing to do, and `why` says so */
    FSM_WORK_ITEM, /* a person must look at it */
    FSM_REFUSE,    /* unlisted: a person's command that this state doesn't allow */
};

struct fsm_edge {
    int from;
    int on;
    enum fsm_outcome outcome;
    int to;
    bool (*guard)(const void *aggregate, const void *event); /* NULL: always */
    const char *why;
};

struct fsm {
    const char *name;
    const char *const *states; /* names, in the order of the enum, NULL-ended */
    const char *const *events; /* likewise */
    const struct fsm_edge *edges;
    size_t edge_count;
    int initial;
    unsigned commands; /* bit n: event n is a person's command and may be unlisted */
};

struct fsm_move {
    enum fsm_outcome outcome;
    int to;
    const char *why;
};

/* What the table says. Unlisted gives FSM_REFUSE. */
struct fsm_move fsm_next(const struct fsm *fsm, int state, int event, const void *aggregate, const void *detail);

/* Adds each defect as a line: missing pair, unreachable state, shadowed row, row without a reason. True if there is
 * none. */
bool fsm_check(const struct fsm *fsm, struct buf *ret_complaints);

/* Adds the machine as a Mermaid state diagram. */
void fsm_draw(const struct fsm *fsm, struct buf *buf);

#endif
