/*
 * stock - what clerks and the ERP do with stock: look, count, import. Handlers for api.c's table.
 */
#ifndef WAYBILL_FULFILMENT_STOCK_H
#define WAYBILL_FULFILMENT_STOCK_H

#include "ctx.h"

enum err show_stock(struct ctx *ctx, const void *in, void *ret);
enum err count_stock(struct ctx *ctx, const void *in, void *ret);
enum err import_stock(struct ctx *ctx, const void *in, void *ret);

#endif
