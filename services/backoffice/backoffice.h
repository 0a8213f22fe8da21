/*
 * backoffice - the gateway's pure parts: merging what all services answered.
 */
#ifndef WAYBILL_BACKOFFICE_H
#define WAYBILL_BACKOFFICE_H

#include "arena.h"
#include "proto/http_operations.h"

#define SERVICES_MAX 16

/* The services with a desk (common/desk.h), NULL-ended; the same list is the gateway's upstreams. */
extern const char *const backoffice_services[];

/* Whether the back office knows a service of this name. */
bool is_service(const char *name);

/* One page out of a page of each service, oldest first. `next` is set while any service may have more. */
void work_items_merge(struct arena *arena, const struct work_item_list *lists, size_t count, size_t limit,
                      struct work_item_list *ret);

/* All of them, oldest first, as many as an answer may hold. */
void parked_merge(struct arena *arena, const struct parked_list *lists, size_t count, struct parked_list *ret);

#endif
