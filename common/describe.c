/* --describe: the tables of a process as a page, so that its documentation is what the program does. */
#include "describe.h"

#include "config.h"
#include "http.h"

#define PAGE_MAX (1024 * 1024)

static void describe_routes(const struct service *service, struct buf *buf)
{
    if (service->routes == NULL)
        return;
    buf_add_text(buf, "\n## Routes\n\n| method | path | who | right |\n|---|---|---|---|\n");
    for (const struct route *route = service->routes; route->method != NULL; route++) {
        buf_printf(buf, "| %s | `%s` |", route->method, route->path);
        buf_add_text(buf, route->who == ROLE_NONE ? " everybody" : "");
        buf_add_text(buf, route->who & ROLE_SHOPPER ? " shopper" : "");
        buf_add_text(buf, route->who & ROLE_STAFF ? " staff" : "");
        buf_add_text(buf, route->who & ROLE_PARTNER ? " partner" : "");
        buf_printf(buf, " | %s |\n", route->right != NULL && (route->who & ROLE_STAFF) ? route->right : "");
    }
}

static void describe_subscriptions(const struct service *service, struct buf *buf)
{
    if (service->subscriptions == NULL)
        return;
    buf_add_text(buf, "\n## Hears\n\n");
    for (const struct subscription *subscription = service->subscriptions; subscription->type != NULL; subscription++)
        buf_printf(buf, "- `%s`\n", subscription->type->type);
}

static void describe_tasks(const struct service *service, struct buf *buf)
{
    if (service->tasks == NULL)
        return;
    buf_add_text(buf, "\n## Calls outside\n\n| task | threads | lease | pauses between tries |\n|---|---|---|---|\n");
    for (const struct task_kind *kind = service->tasks; kind->kind != NULL; kind++)
        buf_printf(buf, "| %s | %d | %lld ms | %lld to %lld ms |\n", kind->kind, kind->threads,
                   (long long)kind->lease_ms, (long long)kind->backoff_ms, (long long)kind->backoff_max_ms);
}

static void describe_timers(const struct service *service, struct buf *buf)
{
    if (service->timers == NULL)
        return;
    buf_add_text(buf, "\n## Looks at deadlines\n\n");
    for (const struct timer *timer = service->timers; timer->name != NULL; timer++)
        buf_printf(buf, "- %s, every %lld ms\n", timer->name, (long long)timer->every_ms);
}

static void describe_settings(const struct service *service, struct buf *buf)
{
    if (service->settings == NULL)
        return;
    buf_add_text(buf, "\n## Settings of its own\n\n| name | otherwise | what |\n|---|---|---|\n");
    for (const struct setting *setting = service->settings; setting->name != NULL; setting++)
        buf_printf(buf, "| `%s` | %s | %s |\n", setting->name,
                   setting->fallback != NULL ? setting->fallback : "required", setting->help);
}

static const char *outcome_name(enum fsm_outcome outcome)
{
    static const char *const names[] = {"act", "ignore", "work item", "refuse"};
    return names[outcome];
}

static void describe_machine(const struct fsm *fsm, struct buf *buf)
{
    buf_printf(buf, "\n## States of `%s`\n\n```mermaid\n", fsm->name);
    fsm_draw(fsm, buf);
    buf_add_text(buf, "```\n\n| in state | on | outcome | to | why |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < fsm->edge_count; i++) {
        const struct fsm_edge *edge = &fsm->edges[i];
        buf_printf(buf, "| %s | %s%s | %s | %s | %s |\n", fsm->states[edge->from], fsm->events[edge->on],
                   edge->guard != NULL ? " (if allowed)" : "", outcome_name(edge->outcome),
                   edge->outcome == FSM_ACT ? fsm->states[edge->to] : "", edge->why);
    }
}

void service_describe(FILE *out, const struct service *service)
{
    struct arena *arena = arena_new(4 * PAGE_MAX);
    struct buf page;

    buf_init(&page, arena, PAGE_MAX);
    buf_printf(&page, "# %s\n\n%c%s.\n\nMade by `waybill-%s --describe`; do not edit.\n", service->name,
               service->purpose[0] >= 'a' && service->purpose[0] <= 'z' ? service->purpose[0] - 'a' + 'A'
                                                                        : service->purpose[0],
               service->purpose + 1, service->name);
    describe_routes(service, &page);
    describe_subscriptions(service, &page);
    describe_tasks(service, &page);
    describe_timers(service, &page);
    describe_settings(service, &page);
    for (size_t i = 0; service->machines != NULL && service->machines[i] != NULL; i++)
        describe_machine(service->machines[i], &page);
    fwrite(page.data, 1, page.size, out);
    arena_free(arena);
}
