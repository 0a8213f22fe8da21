/* What one warehouse sends for one delivery group of an order. */
#include "shipment.h"

#include "text.h"

RECORD_SHARED(shipment, FIELD_NAMED(shipment, head.id, "id"), FIELD(shipment, shop), FIELD(shipment, number),
              FIELD(shipment, order_id), FIELD(shipment, group_id), FIELD(shipment, warehouse), FIELD(shipment, method),
              FIELD_AS_ENUM(shipment, state, shipment_state_names), FIELD(shipment, hold_reason),
              FIELD_LIST_OF(shipment, lines, shipment_line_record), FIELD(shipment, quantity), FIELD(shipment, carrier),
              FIELD(shipment, tracking_number), FIELD(shipment, tracking_url), FIELD(shipment, latest),
              FIELD_AS_TIME(shipment, shipped_at), FIELD_AS_TIME(shipment, delivered_at),
              FIELD_NAMED(shipment, head.version, "version"), FIELD(shipment, order_number),
              FIELD(shipment, payment_method), FIELD(shipment, capture), FIELD(shipment, total_minor),
              FIELD(shipment, covered_minor), FIELD(shipment, order_hold_reason));

static bool is_deferred_card(const struct shipment *shipment)
{
    return text_equal(shipment->payment_method, "card") && text_equal(shipment->capture, "deferred");
}

static bool is_promised(const struct shipment *shipment)
{
    return text_equal(shipment->payment_method, "cash_on_delivery");
}

bool shipment_may_be_released(const struct shipment *shipment)
{
    return is_promised(shipment) || is_deferred_card(shipment) || shipment->covered_minor >= shipment->total_minor;
}

bool shipment_may_leave(const struct shipment *shipment)
{
    return is_promised(shipment) || shipment->covered_minor >= shipment->total_minor;
}

bool shipment_is_held(const struct shipment *shipment)
{
    return shipment->hold_reason != NULL || shipment->order_hold_reason != NULL;
}

bool shipment_is_over(const struct shipment *shipment)
{
    return shipment->state == SHIPMENT_DELIVERED || shipment->state == SHIPMENT_STOPPED;
}

/* The pages of the carriers that the sample shop uses; another carrier has no link, only its number. */
static const struct {
    const char *carrier;
    const char *format;
} tracking_pages[] = {
    {"sandbox", "https://carrier.example/track/%s"},
    {"dhl", "https://www.dhl.com/global-en/home/tracking.html?tracking-id=%s"},
    {"ups", "https://www.ups.com/track?tracknum=%s"},
    {"royal_mail", "https://www.royalmail.com/track-your-item#/tracking-results/%s"},
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the formats stand in the table above */
const char *tracking_url(struct arena *arena, const char *carrier, const char *tracking_number)
{
    for (size_t i = 0; i < COUNT(tracking_pages); i++) {
        if (text_equal(tracking_pages[i].carrier, carrier))
            return arena_printf(arena, tracking_pages[i].format, tracking_number);
    }
    return NULL;
}
#pragma GCC diagnostic pop

static const struct line *find_line(const struct order_placed *order, const char *line_id)
{
    for (size_t i = 0; i < order->lines.count; i++) {
        if (text_equal(order->lines.items[i].line_id, line_id))
            return &order->lines.items[i];
    }
    return NULL;
}

/* The delivery group that a line belongs to; a line that none names goes with the first. */
static const struct group *find_group(const struct order_placed *order, const char *line_id)
{
    for (size_t g = 0; g < order->groups.count; g++) {
        const struct texts *ids = &order->groups.items[g].line_ids;
        for (size_t i = 0; i < ids->count; i++) {
            if (text_equal(ids->items[i], line_id))
                return &order->groups.items[g];
        }
    }
    return &order->groups.items[0];
}

static const struct address *find_address(const struct order_placed *order, const char *group_id)
{
    for (size_t i = 0; i < order->personal.deliveries.count; i++) {
        if (text_equal(order->personal.deliveries.items[i].group_id, group_id))
            return &order->personal.deliveries.items[i].address;
    }
    return NULL;
}

static struct planned_shipment *planned_for(struct planned_shipment_list *list, const struct group *group,
                                            const char *warehouse)
{
    for (size_t i = 0; i < list->count; i++) {
        struct planned_shipment *planned = &list->items[i];
        if (text_equal(planned->group_id, group->group_id) && text_equal(planned->warehouse, warehouse))
            return planned;
    }
    struct planned_shipment *planned = &list->items[list->count++];
    *planned = (struct planned_shipment){
        .group_id = group->group_id,
        .warehouse = warehouse,
        .method = group->method,
        .latest = group->latest,
    };
    return planned;
}

void plan_shipments(struct arena *arena, const struct order_placed *order, const struct allocation_list *allocations,
                    struct planned_shipment_list *ret)
{
    *ret = (struct planned_shipment_list){
        .items = arena_array(arena, allocations->count, sizeof(struct planned_shipment)),
    };
    for (size_t i = 0; i < allocations->count; i++) {
        const struct allocation *allocation = &allocations->items[i];
        const struct line *line = find_line(order, allocation->line_id);
        const struct group *group = find_group(order, allocation->line_id);
        struct planned_shipment *planned = planned_for(ret, group, allocation->warehouse);

        if (planned->lines.items == NULL)
            planned->lines.items = arena_array(arena, allocations->count, sizeof(struct shipment_line));
        planned->lines.items[planned->lines.count++] = (struct shipment_line){
            .line_id = allocation->line_id,
            .sku = allocation->sku,
            .title = line != NULL ? line->title : allocation->sku,
            .quantity = allocation->quantity,
        };
        planned->quantity += allocation->quantity;
        planned->address = find_address(order, group->group_id);
    }
}
