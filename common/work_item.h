/*
 * work_item - what needs a person: kind, subject, cause, due, allowed actions. Listed in the back office.
 */
#ifndef WAYBILL_WORK_ITEM_H
#define WAYBILL_WORK_ITEM_H

#include "uow.h"

/* Opens a work item; while one of this kind and subject is open a second call changes nothing. `actions` is a
 * space-separated list of what a clerk may do; `due_ms` from now. */
void work_item_open(struct uow *uow, const char *kind, const char *subject, const char *cause, const char *actions,
                    int64_t due_ms);

/* Closes the open item of this kind and subject, if there is one. `by` is a clerk's name or "system". */
void work_item_close(struct uow *uow, const char *kind, const char *subject, const char *by, const char *how);

#endif
