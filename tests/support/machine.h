/*
 * machine - what every state machine's test asks of its table.
 */
#ifndef WAYBILL_TEST_MACHINE_H
#define WAYBILL_TEST_MACHINE_H

#include <check.h>

#include "arena.h"
#include "buf.h"
#include "fsm.h"

/* Fails the test with the complaints of fsm_check(), if it has any. */
static inline void machine_must_be_sound(const struct fsm *fsm)
{
    struct arena *arena = arena_new(1 << 20);
    struct buf complaints;

    buf_init(&complaints, arena, 1 << 16);
    bool sound = fsm_check(fsm, &complaints);

    ck_assert_msg(sound, "%s", complaints.data);
    arena_free(arena);
}

/* Fails the test unless there are exactly so many names of states and of events. */
static inline void machine_must_name(const struct fsm *fsm, size_t states, size_t events)
{
    size_t named_states = 0;
    size_t named_events = 0;

    while (fsm->states[named_states] != NULL)
        named_states++;
    while (fsm->events[named_events] != NULL)
        named_events++;

    ck_assert_uint_eq(named_states, states);
    ck_assert_uint_eq(named_events, events);
}

#endif
