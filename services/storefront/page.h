/*
 * page - an order as a page for its customer: readable without scripts; with them it follows the order by itself.
 *
 * Everything that comes from outside is escaped. Pure.
 */
#ifndef WAYBILL_STOREFRONT_PAGE_H
#define WAYBILL_STOREFRONT_PAGE_H

#include "buf.h"
#include "proto/http_order.h"

#define ORDER_PAGE_MAX ((size_t)2 * 1024 * 1024)

/* Adds the page. `nonce` is what the content security policy allows, in letters, digits and dashes. `timeline` may be
 * empty. */
void page_add_order(struct buf *page, const struct order_view *order, const struct timeline_view *timeline,
                    const char *nonce);

/* What the customer may see of a timeline: what happened to goods and money, not what staff do among themselves. */
bool timeline_is_public(const char *what);

#endif
