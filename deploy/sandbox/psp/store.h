/*
 * store - typed reads and writes of sessions, intents and refunds.
 *
 * Who changes both locks the session first, then its intent.
 */
#ifndef PSP_SANDBOX_STORE_H
#define PSP_SANDBOX_STORE_H

#include "payment.h"
#include "rows.h"

struct id_row {
    const char *id;
};
struct id_list {
    struct id_row *items;
    size_t count;
};
extern const struct record id_row_record;

struct session_list {
    struct session *items;
    size_t count;
};
struct intent_list {
    struct intent *items;
    size_t count;
};
struct refund_list {
    struct refund *items;
    size_t count;
};

/* The sessions of those who pay at the same time. */
extern const struct rows session_rows;

enum err session_find(struct uow *uow, const char *id, struct session *ret, bool *ret_found) MUST_USE;
enum err session_lock(struct uow *uow, const char *id, struct session *ret, bool *ret_found) MUST_USE;
void session_add(struct uow *uow, const struct session *session);
void session_save(struct uow *uow, const struct session *session);

enum err intent_find(struct uow *uow, const char *id, struct intent *ret, bool *ret_found) MUST_USE;
enum err intent_lock(struct uow *uow, const char *id, struct intent *ret, bool *ret_found) MUST_USE;

/* Its own row, new or not; the charge behind it by charge_add() when it is new, by charge_save() later. */
void intent_save(struct uow *uow, const struct intent *intent);
void charge_add(struct uow *uow, const struct charge *charge);
void charge_save(struct uow *uow, const struct charge *charge);

enum err refund_find(struct uow *uow, const char *id, struct refund *ret, bool *ret_found) MUST_USE;
void refund_add(struct uow *uow, const struct refund *refund);

/* The intents of the ids, in any order. */
enum err intents_find(struct uow *uow, struct texts ids, struct intent_list *ret) MUST_USE;

#endif
