/*
 * paper - what is printed for a shipment: the picklist for the warehouse, the packing slip for the parcel. HTML with
 * Code 128 barcodes as SVG (zint), made to be printed.
 */
#ifndef WAYBILL_FULFILMENT_PAPER_H
#define WAYBILL_FULFILMENT_PAPER_H

#include "ctx.h"

enum err print_picklist(struct ctx *ctx, const void *in, void *ret);
enum err print_packing_slip(struct ctx *ctx, const void *in, void *ret);

#endif
