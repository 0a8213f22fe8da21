/*
 * steps - what the warehouse and the carrier do to a shipment: each a move along the table with its event.
 */
#ifndef WAYBILL_FULFILMENT_STEPS_H
#define WAYBILL_FULFILMENT_STEPS_H

#include "proto/http_fulfilment.h"
#include "store.h"

/* Commands of clerks. ERR_CONFLICT says why not. Each locks, moves, emits and saves. */
enum err shipment_release(struct uow *uow, struct shipment *shipment, const char *by) MUST_USE;
enum err shipment_pick(struct uow *uow, struct shipment *shipment, const char *by) MUST_USE;
enum err shipment_pack(struct uow *uow, struct shipment *shipment, const char *by) MUST_USE;
enum err shipment_hold(struct uow *uow, struct shipment *shipment, const char *reason, const char *by) MUST_USE;
enum err shipment_lift_hold(struct uow *uow, struct shipment *shipment, const char *by) MUST_USE;

/* The carrier took it. Its stock rows must be locked already. Applies reports that came earlier. */
enum err shipment_ship(struct uow *uow, struct shipment *shipment, const struct ship_shipment *with,
                       const char *by) MUST_USE;

/* Applies the reports of the shipment's parcel that were not applied yet. */
enum err shipment_apply_reports(struct uow *uow, struct shipment *shipment) MUST_USE;

#endif
