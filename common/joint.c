/*
 * joint - a queue of guests, and whoever's turn it is serves those in front.
 *
 * There is no thread for it: the first one who finds nobody serving leads. Who leads takes a party out of the queue,
 * itself first, and hands the lead to the next one in the queue when the party is served.
 */
#include "joint.h"

#include <pthread.h>
#include <stdlib.h>

#include "metrics.h"
#include "service.h"
#include "uow.h"

/* A guest in the queue, on its thread's stack. */
struct seat {
    const struct guest *guest;
    enum { WAITS, LEADS, SERVED } state; /* under the joint's lock */
    enum err err;                        /* how it was served */
    pthread_cond_t turn;
    struct seat *next;
};

struct joint {
    struct ctx *ctx;      /* of the one who leads */
    pthread_mutex_t lock; /* over everything below */
    struct seat *first, *last;
    bool is_led;
};

static struct metric served = {.name = "waybill_joint_guests_total",
                               .help = "Commands and answers that could share a transaction, by how they were served",
                               .type = METRIC_COUNTER,
                               .label = "how"};
static struct metric parties = {.name = "waybill_joint_transactions_total",
                                .help = "Transactions that several commands or answers shared, by outcome",
                                .type = METRIC_COUNTER,
                                .label = "outcome"};

struct joint *joint_new(struct service *service)
{
    struct joint *joint = calloc(1, sizeof(*joint));

    if (joint == NULL)
        abort();
    joint->ctx = ctx_new(service);
    pthread_mutex_init(&joint->lock, NULL);
    return joint;
}

void joint_free(struct joint *joint)
{
    if (joint == NULL)
        return;
    ctx_release(joint->ctx);
    pthread_mutex_destroy(&joint->lock);
    free(joint);
}

int joint_waiting(struct joint *joint)
{
    int count = 0;

    pthread_mutex_lock(&joint->lock);
    for (const struct seat *seat = joint->first; seat != NULL; seat = seat->next)
        count++;
    pthread_mutex_unlock(&joint->lock);
    return count;
}

/* --- serving --- */

static void serve_one(struct seat *seat, struct uow *joint)
{
    const struct guest *guest = seat->guest;

    guest->ctx->joint = joint;
    seat->err = guest->serve(guest);
    guest->ctx->joint = NULL;
}

static bool joins(const struct guest *guest, struct needs *needs)
{
    return guest->joins == NULL || guest->joins(needs, guest);
}

/* All in one transaction. An error means that nothing is committed, or that nobody knows. */
static enum err serve_together(struct ctx *ctx, struct seat *party, bool *ret_in_doubt)
{
    struct needs needs = {.ctx = ctx};
    enum err err = ERR_NONE;

    ctx_clear(ctx);
    UNIT_OF_WORK(ctx, uow);
    for (struct seat *seat = party; seat != NULL; seat = seat->next)
        seat->err = joins(seat->guest, &needs) ? ERR_NONE : ERR_AGAIN;
    needs_send(uow, &needs, true);
    TRY(uow_sync(uow));
    for (struct seat *seat = party; seat != NULL && uow->failed == ERR_NONE; seat = seat->next) {
        if (seat->err == ERR_NONE)
            serve_one(seat, uow);
    }
    TRY(uow->failed);
    err = uow_commit(uow);
    *ret_in_doubt = uow->in_doubt;
    return err;
}

static void serve_party(struct joint *joint, struct seat *party)
{
    bool in_doubt = false;
    enum err err = serve_together(joint->ctx, party, &in_doubt);

    metric_add(&parties, err == ERR_NONE ? "committed" : in_doubt ? "unknown" : "dissolved", NULL, 1);
    for (struct seat *seat = party; seat != NULL; seat = seat->next) {
        if (in_doubt && seat->err == ERR_NONE)
            seat->err = FAIL(seat->guest->ctx, BUSY, "%s", joint->ctx->problem.detail);
        else if (!in_doubt && err != ERR_NONE)
            seat->err = ERR_AGAIN;
        metric_add(&served, seat->err == ERR_AGAIN ? "again" : "together", NULL, 1);
    }
}

/* --- the queue --- */

/* Returns when it is this one's turn to lead, or when it was served. */
static void take_seat(struct joint *joint, struct seat *seat)
{
    pthread_mutex_lock(&joint->lock);
    if (joint->first == NULL)
        joint->first = seat;
    else
        joint->last->next = seat;
    joint->last = seat;
    if (joint->is_led) {
        while (seat->state == WAITS)
            pthread_cond_wait(&seat->turn, &joint->lock);
    } else {
        joint->is_led = true;
        seat->state = LEADS;
    }
    pthread_mutex_unlock(&joint->lock);
}

/* Those in front, the one who leads first. */
static struct seat *take_party(struct joint *joint)
{
    pthread_mutex_lock(&joint->lock);
    struct seat *party = joint->first;
    struct seat *last = party;
    for (int i = 1; i < JOINT_MAX && last->next != NULL; i++)
        last = last->next;
    joint->first = last->next;
    last->next = NULL;
    pthread_mutex_unlock(&joint->lock);
    return party;
}

/* Who was served leaves with its thread: so all are told under the lock, and not looked at behind it. */
static void dismiss(struct joint *joint, struct seat *party)
{
    pthread_mutex_lock(&joint->lock);
    for (struct seat *seat = party; seat != NULL; seat = seat->next) {
        seat->state = SERVED;
        pthread_cond_signal(&seat->turn);
    }
    joint->is_led = joint->first != NULL;
    if (joint->is_led) {
        joint->first->state = LEADS;
        pthread_cond_signal(&joint->first->turn);
    }
    pthread_mutex_unlock(&joint->lock);
}

static void lead(struct joint *joint)
{
    struct seat *party = take_party(joint);

    if (party->next == NULL) {
        serve_one(party, NULL);
        metric_add(&served, "alone", NULL, 1);
    } else {
        serve_party(joint, party);
    }
    dismiss(joint, party);
}

enum err joint_serve(const struct guest *guest)
{
    struct joint *joint = guest->ctx->service->joint;
    struct seat seat = {.guest = guest, .turn = PTHREAD_COND_INITIALIZER};

    take_seat(joint, &seat);
    if (seat.state == LEADS)
        lead(joint);
    pthread_cond_destroy(&seat.turn);
    return seat.err;
}
