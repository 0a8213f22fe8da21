/* Tax and totals: one rounding for each rate, shares by the largest remainder. */
#include "totals.h"

#include "text.h"

static RECORD(tax_rate, FIELD(tax_rate, tax_class, .flags = FIELD_REQUIRED),
              FIELD(tax_rate, rate_basis_points, .flags = FIELD_REQUIRED));

RECORD_SHARED(tax_rules, FIELD(tax_rules, included, .flags = FIELD_REQUIRED),
              FIELD_LIST_OF(tax_rules, rates, tax_rate_record, .flags = FIELD_REQUIRED));

#define FULL_RATE 10000 /* basis points in the whole */

/* A line or a delivery, as tax sees it. */
struct taxable {
    int64_t base;
    int64_t rate;
    int64_t tax;
    struct tax_line_list *tax_lines;
};

struct taxables {
    struct taxable *items;
    size_t count;
};

static enum err too_much(struct ctx *ctx)
{
    return FAIL(ctx, INVALID, "the amounts are too large to be added up");
}

static const struct tax_rate *find_rate(const struct tax_rules *rules, const char *tax_class)
{
    for (size_t i = 0; i < rules->rates.count; i++) {
        if (text_equal(rules->rates.items[i].tax_class, tax_class))
            return &rules->rates.items[i];
    }
    return NULL;
}

static enum err rate_of(struct ctx *ctx, const struct tax_rules *rules, const char *tax_class, int64_t *ret)
{
    const struct tax_rate *rate = find_rate(rules, tax_class);
    if (rate == NULL)
        rate = find_rate(rules, TAX_CLASS_STANDARD);
    if (rate == NULL)
        return FAIL(ctx, INTERNAL, "there is no tax rate for class \"%s\" and none for \"%s\"", tax_class,
                    TAX_CLASS_STANDARD);
    *ret = rate->rate_basis_points;
    return ERR_NONE;
}

static enum err check_amount(struct ctx *ctx, struct money amount, const char *currency)
{
    if (!text_equal(amount.currency, currency))
        return FAIL(ctx, INVALID, "an amount is in %s, the checkout in %s", amount.currency, currency);
    if (amount.amount < 0)
        return FAIL(ctx, INVALID, "a line costs less than nothing");
    return ERR_NONE;
}

/* Lists lines, then deliveries: of equal remainders the earlier one gets the odd cent. */
static enum err list_taxables(struct ctx *ctx, const struct tax_rules *rules, const struct line_list *lines,
                              const struct group_list *groups, struct taxables *ret)
{
    ret->count = lines->count + groups->count;
    ret->items = arena_array(ctx->arena, ret->count, sizeof(struct taxable));
    for (size_t i = 0; i < ret->count; i++) {
        const bool is_line = i < lines->count;
        struct line *line = is_line ? &lines->items[i] : NULL;
        struct group *group = is_line ? NULL : &groups->items[i - lines->count];

        ret->items[i].base = is_line ? line->total.amount : group->price.amount;
        ret->items[i].tax_lines = is_line ? &line->tax_lines : &group->tax_lines;
        TRY(rate_of(ctx, rules, is_line ? line->tax_class : TAX_CLASS_STANDARD, &ret->items[i].rate));
    }
    return ERR_NONE;
}

/* Taxes everything of one rate, from the first one that has it: one rounding, then shares. */
static enum err tax_rate_group(struct ctx *ctx, bool included, struct taxables *all, size_t first)
{
    const int64_t rate = all->items[first].rate;
    int64_t *bases = arena_array(ctx->arena, all->count, sizeof(int64_t));
    int64_t *shares = arena_array(ctx->arena, all->count, sizeof(int64_t));
    size_t count = 0;
    int64_t tax;

    for (size_t i = first; i < all->count; i++) {
        if (all->items[i].rate == rate)
            bases[count++] = all->items[i].base;
    }
    if (!minor_ratio_each(bases, count, rate, included ? FULL_RATE + rate : FULL_RATE, &tax, shares))
        return too_much(ctx);

    count = 0;
    for (size_t i = first; i < all->count; i++) {
        if (all->items[i].rate == rate)
            all->items[i].tax = shares[count++];
    }
    return ERR_NONE;
}

static bool is_first_of_its_rate(const struct taxables *all, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (all->items[i].rate == all->items[index].rate)
            return false;
    }
    return true;
}

static enum err tax_all(struct ctx *ctx, const struct tax_rules *rules, const char *country, const char *currency,
                        struct taxables *all, int64_t *ret_tax)
{
    for (size_t i = 0; i < all->count; i++) {
        if (is_first_of_its_rate(all, i))
            TRY(tax_rate_group(ctx, rules->included, all, i));
    }
    for (size_t i = 0; i < all->count; i++) {
        const struct taxable *taxable = &all->items[i];
        struct tax_line *tax_line = ARENA_NEW(ctx->arena, struct tax_line);

        *tax_line = (struct tax_line){
            .rate_basis_points = taxable->rate,
            .included = rules->included,
            .jurisdiction = country,
            .amount = money_of(taxable->tax, currency),
        };
        *taxable->tax_lines = (struct tax_line_list){.items = tax_line, .count = 1};
        if (!minor_add(*ret_tax, taxable->tax, ret_tax))
            return too_much(ctx);
    }
    return ERR_NONE;
}

/* Sums up what lines and deliveries cost, and takes off taxes of an earlier computation. */
static enum err sum_up(struct ctx *ctx, const char *currency, struct line_list *lines, struct group_list *groups,
                       int64_t *ret_lines, int64_t *ret_delivery)
{
    for (size_t i = 0; i < lines->count; i++) {
        TRY(check_amount(ctx, lines->items[i].total, currency));
        if (!minor_add(*ret_lines, lines->items[i].total.amount, ret_lines))
            return too_much(ctx);
        lines->items[i].tax_lines = (struct tax_line_list){0};
    }
    for (size_t i = 0; i < groups->count; i++) {
        TRY(check_amount(ctx, groups->items[i].price, currency));
        if (!minor_add(*ret_delivery, groups->items[i].price.amount, ret_delivery))
            return too_much(ctx);
        groups->items[i].tax_lines = (struct tax_line_list){0};
    }
    return ERR_NONE;
}

enum err totals_compute(struct ctx *ctx, const struct tax_rules *rules, const char *country, const char *currency,
                        struct line_list *lines, struct group_list *groups, struct totals *ret)
{
    int64_t goods = 0;
    int64_t delivery = 0;
    int64_t tax = 0;
    int64_t total;

    TRY(sum_up(ctx, currency, lines, groups, &goods, &delivery));
    if (country != NULL) {
        struct taxables all;
        TRY(list_taxables(ctx, rules, lines, groups, &all));
        TRY(tax_all(ctx, rules, country, currency, &all, &tax));
    }
    if (!minor_add(goods, delivery, &total) || (!rules->included && !minor_add(total, tax, &total)))
        return too_much(ctx);

    *ret = (struct totals){
        .lines = money_of(goods, currency),
        .delivery = money_of(delivery, currency),
        .tax = money_of(tax, currency),
        .tax_included = rules->included,
        .total = money_of(total, currency),
    };
    return ERR_NONE;
}
