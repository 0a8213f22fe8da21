/*
 * psp - the state of the process: settings, faults that were asked for, keys in use. Everything else is in the
 * database.
 */
#ifndef PSP_SANDBOX_PSP_H
#define PSP_SANDBOX_PSP_H

#include <pthread.h>

#include "card.h"
#include "client.h"
#include "service.h"

#define KEY_MAX HTTP_KEY_MAX
#define KEYS_IN_USE_MAX 1024 /* more requests than there are connections can't be running */

/* What faults are set for. */
enum operation_group {
    OPERATION_CREATE_SESSION,
    OPERATION_CAPTURE,
    OPERATION_CANCEL,
    OPERATION_EXPIRE,
    OPERATION_REFUND,
    OPERATION_QUERY, /* every GET */
    OPERATION_GROUPS
};
extern const char *const operation_names[]; /* NULL-ended */

enum fault_mode {
    FAULT_NONE,
    FAULT_SLOW,             /* does it after a while, answers */
    FAULT_TIME_OUT_BEFORE,  /* does nothing, keeps the caller waiting */
    FAULT_TIME_OUT_AFTER,   /* does it, keeps the caller waiting */
    FAULT_ERROR_500_BEFORE, /* does nothing; the 500 is the key's answer from then on */
    FAULT_ERROR_500_AFTER,  /* does it; the 500 is the key's answer from then on */
    FAULT_GARBAGE_AFTER,    /* does it, answers 200 with what is no JSON */
    FAULT_WRONG_AMOUNT,     /* does it, answers with other amounts */
    FAULT_TOO_MANY,         /* does nothing, answers 429, which no key keeps */
    FAULT_DECLINED,         /* does nothing, answers 402 */
    FAULT_MODES
};
extern const char *const fault_mode_names[]; /* NULL-ended */

struct fault {
    enum fault_mode mode;
    int64_t times; /* how often still */
    int64_t delay_ms;
};

struct psp {
    struct upstream *gateway; /* where webhooks go */
    const char *key;          /* sk_test_... */
    const char *secret;       /* signs webhooks */
    const char *public_url;   /* of the payment page */

    pthread_mutex_t lock; /* over what follows */
    struct fault faults[OPERATION_GROUPS];
    enum webhook_mode webhook;
    int64_t webhook_delay_ms;
    char keys[KEYS_IN_USE_MAX][KEY_MAX + 1]; /* Idempotency-Keys of running requests */
    size_t key_count;
};

static inline struct psp *psp_of(const struct ctx *ctx)
{
    return ctx->service->own;
}

/* Reads the settings into service->own; for service->start. */
bool psp_start(struct service *service);

/* The fault for the next call of the group; it counts as had. */
struct fault psp_take_fault(struct psp *psp, enum operation_group group);
void psp_set_fault(struct psp *psp, enum operation_group group, struct fault fault);
struct fault psp_fault(struct psp *psp, enum operation_group group);

/* What happens to webhooks from now on. */
void psp_set_webhook(struct psp *psp, enum webhook_mode mode, int64_t delay_ms);
enum webhook_mode psp_webhook(struct psp *psp, int64_t *ret_delay_ms);

/* Marks a key as in use; false if it is already. */
bool psp_enter(struct psp *psp, const char *key);
void psp_leave(struct psp *psp, const char *key);

/* A new id of Stripe's kind: "pi_" and 32 hexadecimal digits. */
const char *psp_id(struct arena *arena, const char *prefix);

/* Sleeps, but not beyond the end of the process. */
void psp_sleep(struct ctx *ctx, int64_t ms);

#endif
