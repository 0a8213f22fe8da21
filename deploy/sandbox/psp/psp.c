/* The state of the process. */
#include "psp.h"

#include <assert.h>
#include <string.h>

#include "clock.h"
#include "id.h"
#include "log.h"
#include "pause.h"
#include "text.h"

#define SLEEP_STEP_MS 50

const char *const operation_names[] = {"create_session", "capture", "cancel", "expire", "refund", "query", NULL};
const char *const fault_mode_names[] = {"none",
                                        "slow",
                                        "time_out_before_doing",
                                        "time_out_after_doing",
                                        "error_500_before",
                                        "error_500_after",
                                        "garbage_after",
                                        "wrong_amount",
                                        "too_many",
                                        "declined",
                                        NULL};

bool psp_start(struct service *service)
{
    struct arena *arena = service->arena;
    const struct config *config = service->config;
    const char *secrets = config_text(config, "WAYBILL_PSP_WEBHOOK_SECRETS");
    const char *public_url = config_text(config, "WAYBILL_PSP_PUBLIC_URL");
    struct psp *psp = service->own;

    psp->key = config_text(config, "WAYBILL_PSP_KEY");
    psp->secret = arena_copy(arena, secrets, strcspn(secrets, ","));
    psp->public_url = *public_url != '\0' ? public_url : config_text(config, "WAYBILL_PSP_URL");
    psp->gateway = upstream_new("gateway", config_text(config, "WAYBILL_INTEGRATION_PUBLIC_URL"));
    if (strncmp(psp->key, "sk_test_", 8) != 0 || *psp->secret == '\0') {
        log_error(NULL, "WAYBILL_PSP_KEY must begin with sk_test_, and there must be a webhook secret");
        return false;
    }
    pthread_mutex_init(&psp->lock, NULL);
    return psp->gateway != NULL;
}

/* --- faults --- */

struct fault psp_take_fault(struct psp *psp, enum operation_group group)
{
    pthread_mutex_lock(&psp->lock);
    struct fault *fault = &psp->faults[group];
    const struct fault taken = *fault;
    if (fault->mode != FAULT_NONE && --fault->times <= 0)
        *fault = (struct fault){.mode = FAULT_NONE};
    pthread_mutex_unlock(&psp->lock);
    return taken;
}

void psp_set_fault(struct psp *psp, enum operation_group group, struct fault fault)
{
    pthread_mutex_lock(&psp->lock);
    psp->faults[group] = fault;
    pthread_mutex_unlock(&psp->lock);
}

struct fault psp_fault(struct psp *psp, enum operation_group group)
{
    pthread_mutex_lock(&psp->lock);
    const struct fault fault = psp->faults[group];
    pthread_mutex_unlock(&psp->lock);
    return fault;
}

void psp_set_webhook(struct psp *psp, enum webhook_mode mode, int64_t delay_ms)
{
    pthread_mutex_lock(&psp->lock);
    psp->webhook = mode;
    psp->webhook_delay_ms = delay_ms;
    pthread_mutex_unlock(&psp->lock);
}

enum webhook_mode psp_webhook(struct psp *psp, int64_t *ret_delay_ms)
{
    pthread_mutex_lock(&psp->lock);
    const enum webhook_mode mode = psp->webhook;
    *ret_delay_ms = psp->webhook_delay_ms;
    pthread_mutex_unlock(&psp->lock);
    return mode;
}

/* --- keys in use --- */

static size_t find_key(const struct psp *psp, const char *key)
{
    size_t index = 0;

    while (index < psp->key_count && strcmp(psp->keys[index], key) != 0)
        index++;
    return index;
}

bool psp_enter(struct psp *psp, const char *key)
{
    const size_t size = strlen(key);

    assert(size <= KEY_MAX);
    pthread_mutex_lock(&psp->lock);
    const bool is_free = find_key(psp, key) == psp->key_count && psp->key_count < KEYS_IN_USE_MAX;
    if (is_free)
        memcpy(psp->keys[psp->key_count++], key, size + 1);
    pthread_mutex_unlock(&psp->lock);
    return is_free;
}

void psp_leave(struct psp *psp, const char *key)
{
    pthread_mutex_lock(&psp->lock);
    const size_t index = find_key(psp, key);
    assert(index < psp->key_count);
    memmove(psp->keys[index], psp->keys[--psp->key_count], sizeof(psp->keys[index]));
    pthread_mutex_unlock(&psp->lock);
}

/* --- the rest --- */

const char *psp_id(struct arena *arena, const char *prefix)
{
    char id[ID_TEXT];
    char hex[ID_TEXT];
    size_t size = 0;

    id_make(id);
    for (const char *at = id; *at != '\0'; at++) {
        if (*at != '-')
            hex[size++] = *at;
    }
    hex[size] = '\0';
    return arena_printf(arena, "%s%s", prefix, hex);
}

void psp_sleep(struct ctx *ctx, int64_t ms)
{
    const int64_t until = clock_monotonic() + ms * CLOCK_MS;

    while (clock_monotonic() < until && !http_is_stopping(ctx))
        pause_ms(SLEEP_STEP_MS);
}
