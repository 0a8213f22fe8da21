/*
 * facts - taking what the provider tells by itself: by webhook, or when its list of events is polled.
 */
#ifndef WAYBILL_PAYMENT_FACTS_H
#define WAYBILL_PAYMENT_FACTS_H

#include "fold.h"
#include "uow.h"

/* Keeps what facts_sift() left (store.h), and moves the payments that it is about. The payments are locked in the order
 * of their ids. Facts of payments that are not here are kept and count when these appear. */
enum err facts_take(struct uow *uow, struct fact_list *facts, const char *source) MUST_USE;

#endif
