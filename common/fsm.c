/*
 * fsm - looking a move up, finding what a table forgot, and drawing it.
 */
#include "fsm.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define STATES_MAX 64 /* bits in a set of states */
#define EVENTS_MAX 32 /* bits in fsm->commands */

struct fsm_move fsm_next(const struct fsm *fsm, int state, int event, const void *aggregate, const void *detail)
{
    for (size_t i = 0; i < fsm->edge_count; i++) {
        const struct fsm_edge *edge = &fsm->edges[i];
        if (edge->from != state || edge->on != event)
            continue;
        if (edge->guard != NULL && !edge->guard(aggregate, detail))
            continue;
        int to = edge->outcome == FSM_ACT ? edge->to : state;
        return (struct fsm_move){.outcome = edge->outcome, .to = to, .why = edge->why};
    }
    return (struct fsm_move){.outcome = FSM_REFUSE, .to = state, .why = "not allowed in this state"};
}

static int count_names(const char *const *names)
{
    int count = 0;

    while (names[count] != NULL)
        count++;
    return count;
}

static bool is_command(const struct fsm *fsm, int event)
{
    return (fsm->commands >> event & 1) != 0;
}

/* Complaints about a row start with where it is: "order: paid on payment_failed: ..." */
static void complain(const struct fsm *fsm, const struct fsm_edge *edge, const char *what, struct buf *ret)
{
    buf_printf(ret, "%s: %s on %s: %s\n", fsm->name, fsm->states[edge->from], fsm->events[edge->on], what);
}

/* Rows must name states and events that exist; nothing else can be checked if they don't. */
static bool check_numbers(const struct fsm *fsm, struct buf *ret)
{
    int states = count_names(fsm->states);
    int events = count_names(fsm->events);
    bool sound = true;

    assert(states <= STATES_MAX && events <= EVENTS_MAX);
    if (fsm->initial < 0 || fsm->initial >= states) {
        buf_printf(ret, "%s: the initial state does not exist\n", fsm->name);
        sound = false;
    }
    for (size_t i = 0; i < fsm->edge_count; i++) {
        const struct fsm_edge *edge = &fsm->edges[i];
        bool from = edge->from >= 0 && edge->from < states;
        bool on = edge->on >= 0 && edge->on < events;
        bool to = edge->outcome != FSM_ACT || (edge->to >= 0 && edge->to < states);
        if (from && on && to)
            continue;
        buf_printf(ret, "%s: row %zu names a state or event that does not exist\n", fsm->name, i);
        sound = false;
    }
    return sound;
}

static bool check_row(const struct fsm *fsm, size_t index, struct buf *ret)
{
    const struct fsm_edge *edge = &fsm->edges[index];
    bool sound = true;

    if (edge->why == NULL || edge->why[0] == '\0') {
        complain(fsm, edge, "the row has no reason", ret);
        sound = false;
    }
    if (edge->outcome == FSM_REFUSE && !is_command(fsm, edge->on)) {
        complain(fsm, edge, "only a command can be refused", ret);
        sound = false;
    }
    for (size_t i = 0; i < index; i++) {
        const struct fsm_edge *earlier = &fsm->edges[i];
        bool same_pair = earlier->from == edge->from && earlier->on == edge->on;
        if (same_pair && (earlier->guard == NULL || earlier->guard == edge->guard)) {
            complain(fsm, edge, "the row is shadowed by an earlier one", ret);
            return false;
        }
    }
    return sound;
}

/* An event from outside comes in every state, so one of its rows must hold whatever the guards say. */
static bool check_pair(const struct fsm *fsm, int state, int event, struct buf *ret)
{
    bool listed = false;

    if (is_command(fsm, event))
        return true;
    for (size_t i = 0; i < fsm->edge_count; i++) {
        const struct fsm_edge *edge = &fsm->edges[i];
        if (edge->from != state || edge->on != event)
            continue;
        if (edge->guard == NULL)
            return true;
        listed = true;
    }
    complain(fsm, &(struct fsm_edge){.from = state, .on = event},
             listed ? "every row has a guard, so none may hold" : "there is no row", ret);
    return false;
}

static bool check_reach(const struct fsm *fsm, struct buf *ret)
{
    int states = count_names(fsm->states);
    uint64_t reached = UINT64_C(1) << fsm->initial;
    uint64_t before;
    bool sound = true;

    do {
        before = reached;
        for (size_t i = 0; i < fsm->edge_count; i++) {
            const struct fsm_edge *edge = &fsm->edges[i];
            if (edge->outcome == FSM_ACT && (reached >> edge->from & 1) != 0)
                reached |= UINT64_C(1) << edge->to;
        }
    } while (reached != before);

    for (int state = 0; state < states; state++) {
        if ((reached >> state & 1) != 0)
            continue;
        buf_printf(ret, "%s: %s cannot be reached\n", fsm->name, fsm->states[state]);
        sound = false;
    }
    return sound;
}

bool fsm_check(const struct fsm *fsm, struct buf *ret_complaints)
{
    if (!check_numbers(fsm, ret_complaints))
        return false;

    bool sound = true;
    for (size_t i = 0; i < fsm->edge_count; i++)
        sound = check_row(fsm, i, ret_complaints) && sound;
    for (int state = 0; fsm->states[state] != NULL; state++) {
        for (int event = 0; fsm->events[event] != NULL; event++)
            sound = check_pair(fsm, state, event, ret_complaints) && sound;
    }
    return check_reach(fsm, ret_complaints) && sound;
}

/* Mermaid reads colons, semicolons and hashes in a label as its own. */
static void add_label(struct buf *buf, const char *text)
{
    for (; *text != '\0'; text++)
        buf_add_char(buf, strchr(":;#\n", *text) != NULL ? ',' : *text);
}

static bool is_final(const struct fsm *fsm, int state)
{
    for (size_t i = 0; i < fsm->edge_count; i++) {
        const struct fsm_edge *edge = &fsm->edges[i];
        if (edge->from == state && edge->outcome == FSM_ACT && edge->to != state)
            return false;
    }
    return true;
}

void fsm_draw(const struct fsm *fsm, struct buf *buf)
{
    buf_printf(buf, "stateDiagram-v2\n    [*] --> %s\n", fsm->states[fsm->initial]);
    for (size_t i = 0; i < fsm->edge_count; i++) {
        const struct fsm_edge *edge = &fsm->edges[i];
        if (edge->outcome != FSM_ACT)
            continue;
        buf_printf(buf, "    %s --> %s: %s", fsm->states[edge->from], fsm->states[edge->to], fsm->events[edge->on]);
        /* A guarded row is told from its neighbours by its reason. */
        if (edge->guard != NULL && edge->why != NULL) {
            buf_add_text(buf, " [");
            add_label(buf, edge->why);
            buf_add_char(buf, ']');
        }
        buf_add_char(buf, '\n');
    }
    for (int state = 0; fsm->states[state] != NULL; state++) {
        if (is_final(fsm, state))
            buf_printf(buf, "    %s --> [*]\n", fsm->states[state]);
    }
}
