/* waybill-audit: says whether the services' books agree, now or once everything is quiet. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit.h"
#include "books.h"
#include "clock.h"
#include "log.h"
#include "service.h"
#include "text.h"

#define ARENA_LIMIT (SIZE_MAX / 2) /* the lists of a whole shop; only the machine limits them */
#define PATIENCE_S 10              /* without --wait: an offender must last this long */
#define WAIT_S 120                 /* with --wait: how long quiet is waited for */
#define OFFENDERS_MAX 10000        /* kept of one pass */

struct offender {
    const char *claim;
    const char *where;
    const char *subject;
    const char *detail;
};

/* One look at everything. */
struct pass {
    struct arena *arena;
    struct service *services; /* one for each audited service: only its pool is used */
    struct offender *items;
    size_t count;
    size_t checks;
    const char *failure; /* why a service could not be asked, or NULL */
};

static void accuse(struct pass *pass, const char *claim, const char *where, const char *subject, const char *detail)
{
    if (pass->count < OFFENDERS_MAX)
        pass->items[pass->count++] = (struct offender){claim, where, subject, detail};
}

/* Asks one service; its answer lives in the pass's arena. */
static struct fact_list ask(struct pass *pass, enum audited service, reader read, const char *topic,
                            enum err (*read_topic)(struct uow *, const char *, struct fact_list *))
{
    struct ctx ctx = {.arena = pass->arena, .service = &pass->services[service]};
    struct fact_list facts = {0};
    struct uow uow CLEANUP(uow_close) = {0};

    enum err err = uow_open(&ctx, UOW_READ, &uow);
    if (err == ERR_NONE)
        err = read != NULL ? read(&uow, &facts) : read_topic(&uow, topic, &facts);
    if (err != ERR_NONE) {
        pass->failure = arena_printf(pass->arena, "%s could not be asked: %s", audited_names[service],
                                     ctx.problem.detail != NULL ? ctx.problem.detail : err_kind(err)->title);
        return (struct fact_list){0};
    }
    return facts;
}

static int by_subject(const void *a, const void *b)
{
    return strcmp(((const struct fact *)a)->subject, ((const struct fact *)b)->subject);
}

/* Walks two lists in the order of their subjects and accuses what differs. Sorts them. */
static void compare(struct pass *pass, const char *claim, const char *where, struct fact_list *left,
                    struct fact_list *right)
{
    size_t l = 0;
    size_t r = 0;

    if (left->count > 0)
        qsort(left->items, left->count, sizeof(struct fact), by_subject);
    if (right->count > 0)
        qsort(right->items, right->count, sizeof(struct fact), by_subject);

    while (l < left->count || r < right->count) {
        const struct fact *a = l < left->count ? &left->items[l] : NULL;
        const struct fact *b = r < right->count ? &right->items[r] : NULL;
        const int order = a == NULL ? 1 : b == NULL ? -1 : strcmp(a->subject, b->subject);

        if (order < 0)
            accuse(pass, claim, where, a->subject,
                   arena_printf(pass->arena, "%s on one side, nothing on the other", a->detail));
        else if (order > 0)
            accuse(pass, claim, where, b->subject,
                   arena_printf(pass->arena, "nothing on one side, %s on the other", b->detail));
        else if (!text_equal(a->detail, b->detail))
            accuse(pass, claim, where, a->subject,
                   arena_printf(pass->arena, "%s on one side, %s on the other", a->detail, b->detail));
        l += order <= 0;
        r += order >= 0;
    }
}

static void check_listening(struct pass *pass, const struct listening *listening)
{
    struct fact_list told = ask(pass, listening->teller, NULL, listening->topic, read_told);
    struct fact_list handled = ask(pass, listening->listener, NULL, listening->topic, read_handled);

    compare(pass, "what was told has been handled",
            arena_printf(pass->arena, "%s to %s", audited_names[listening->teller], audited_names[listening->listener]),
            &told, &handled);
}

static bool is_there(const struct pass *pass, enum audited service)
{
    return pass->services[service].pool != NULL;
}

static void look(struct pass *pass)
{
    pass->count = 0;
    pass->checks = 0;
    pass->failure = NULL;
    for (const struct own_check *check = own_checks; check->claim != NULL; check++, pass->checks++) {
        const struct fact_list offenders = ask(pass, check->service, check->offenders, NULL, NULL);
        for (size_t i = 0; i < offenders.count; i++)
            accuse(pass, check->claim, audited_names[check->service], offenders.items[i].subject,
                   offenders.items[i].detail);
    }
    for (const struct pair_check *check = pair_checks; check->claim != NULL; check++) {
        if (!is_there(pass, check->left) || !is_there(pass, check->right))
            continue;
        pass->checks++;
        struct fact_list left = ask(pass, check->left, check->left_facts, NULL, NULL);
        struct fact_list right = ask(pass, check->right, check->right_facts, NULL, NULL);
        compare(pass, check->claim,
                arena_printf(pass->arena, "%s and %s", audited_names[check->left], audited_names[check->right]), &left,
                &right);
    }
    for (const struct listening *listening = listenings; listening->topic != NULL; listening++, pass->checks++)
        check_listening(pass, listening);
}

static bool has(const struct pass *pass, const struct offender *offender)
{
    for (size_t i = 0; i < pass->count; i++) {
        const struct offender *other = &pass->items[i];
        if (text_equal(other->claim, offender->claim) && text_equal(other->where, offender->where) &&
            text_equal(other->subject, offender->subject) && text_equal(other->detail, offender->detail))
            return true;
    }
    return false;
}

/* Prints the offenders, the first of each claim in full, and what could not be asked. Returns how many there are. */
static size_t report(const struct pass *pass, const struct pass *also)
{
    const char *claim = NULL;
    const char *where = NULL;
    size_t shown = 0;
    size_t count = 0;

    for (size_t i = 0; i < pass->count; i++) {
        const struct offender *offender = &pass->items[i];
        if (also != NULL && !has(also, offender))
            continue;
        if (!text_equal(claim, offender->claim) || !text_equal(where, offender->where)) {
            printf("NOT TRUE: %s (%s)\n", offender->claim, offender->where);
            claim = offender->claim;
            where = offender->where;
            shown = 0;
        }
        if (shown++ < OFFENDERS_SHOWN)
            printf("  %s: %s\n", offender->subject, offender->detail);
        count++;
    }
    if (pass->failure != NULL)
        printf("%s\n", pass->failure);
    return count;
}

static struct pass *pass_new(struct service *services)
{
    struct arena *arena = arena_new(ARENA_LIMIT);
    struct pass *pass = ARENA_NEW(arena, struct pass);

    *pass = (struct pass){
        .arena = arena,
        .services = services,
        .items = arena_array(arena, OFFENDERS_MAX, sizeof(struct offender)),
    };
    return pass;
}

static void pass_free(struct pass *pass)
{
    arena_free(pass->arena);
}

static void rest(int64_t ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&span, NULL); /* a signal only makes it shorter */
}

/* Looks until nothing is wrong or the time is over; then what is wrong is wrong. */
static int wait_for_quiet(struct service *services, int64_t wait_s)
{
    const int64_t end = clock_monotonic() + wait_s * CLOCK_SECOND;

    for (;;) {
        struct pass *pass = pass_new(services);
        look(pass);
        const bool is_clean = pass->count == 0 && pass->failure == NULL;
        const bool is_over = clock_monotonic() >= end;
        if (is_clean)
            printf("clean: %zu checks\n", pass->checks);
        else if (is_over)
            printf("%zu offenders\n", report(pass, NULL));
        pass_free(pass);
        if (is_clean || is_over)
            return is_clean ? 0 : 1;
        rest(1000);
    }
}

/* Two looks, some seconds apart: only what both saw, and saw alike, is reported. */
static int look_twice(struct service *services, int64_t patience_s)
{
    struct pass *first = pass_new(services);
    struct pass *second = pass_new(services);
    size_t lasting = 0;

    look(first);
    if (first->count > 0 || first->failure != NULL) {
        rest(patience_s * 1000);
        look(second);
        lasting = report(second, first);
    }
    const bool failed = first->failure != NULL && second->failure != NULL;
    if (lasting == 0 && !failed)
        printf("clean: %zu checks\n", first->checks);
    else
        printf("%zu offenders\n", lasting);
    pass_free(first);
    pass_free(second);
    return lasting == 0 && !failed ? 0 : 1;
}

/* False, with a sentence on stderr, when a database is missing; the sandbox's may be. */
static bool open_pools(struct arena *arena, struct service *services)
{
    for (int i = 0; i < AUDITED; i++) {
        if (i == PSP_SANDBOX && getenv(books_setting(arena, audited_names[i])) == NULL)
            continue;
        const struct query *const *const *lists = audited_queries[i];
        const struct query *const **queries = arena_array(arena, 3, sizeof(*queries));
        queries[0] = lists[0];
        queries[1] = lists[1];
        services[i].name = audited_names[i];
        services[i].pool = books_open(arena, "waybill-audit", audited_names[i], queries);
        if (services[i].pool == NULL)
            return false;
    }
    return true;
}

static const struct option options[] = {
    {"wait", optional_argument, NULL, 'w'},
    {"patience", required_argument, NULL, 'p'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static const char help[] =
    "usage: waybill-audit [--wait[=SECONDS]] [--patience=SECONDS]\n"
    "\n"
    "Checks that the services' books agree. Reads WAYBILL_<SERVICE>_DATABASE for each service from the environment; "
    "with\n"
    "WAYBILL_PSP_SANDBOX_DATABASE it compares them with the payment provider's sandbox too.\n"
    "\n"
    "  --wait       waits up to SECONDS (120) until everything is quiet and right, then reports what is not\n"
    "  --patience   without --wait: reports what stays wrong for SECONDS (10)\n"
    "\n"
    "Ends with 0 when clean, 1 when not, 2 when it was called wrongly.\n";

int main(int argc, char **argv)
{
    struct service services[AUDITED] = {0};
    int64_t wait_s = -1;
    int64_t patience_s = PATIENCE_S;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        bool good = true;
        if (option == 'w') {
            wait_s = WAIT_S;
            good = optarg == NULL || (text_to_int(optarg, strlen(optarg), &wait_s) && wait_s >= 0 && wait_s <= 86400);
        } else if (option == 'p') {
            good = text_to_int(optarg, strlen(optarg), &patience_s) && patience_s >= 0 && patience_s <= 86400;
        } else {
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
        if (!good) {
            fprintf(stderr, "waybill-audit: seconds must be between 0 and 86400\n");
            return 2;
        }
    }

    struct arena *arena = arena_new(1 << 20);
    int status = 2;
    log_open("audit", LOG_WARNING);
    if (open_pools(arena, services))
        status = wait_s >= 0 ? wait_for_quiet(services, wait_s) : look_twice(services, patience_s);
    for (int i = 0; i < AUDITED; i++)
        pool_free(services[i].pool);
    arena_free(arena);
    return status;
}
