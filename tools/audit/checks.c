/* The checks, as tables. */
#include "audit.h"

#include "audit/queries.h"

const char *const audited_names[] = {"cart",         "checkout", "payment",     "order", "fulfilment",
                                     "notification", "catalog",  "psp_sandbox", NULL};

RECORD_SHARED(fact, FIELD(fact, subject), FIELD(fact, detail));

/* A reader for each statement that has no parameters, or only the age from which on something counts. */
#define READER(name)                                                                                                   \
    static enum err name(struct uow *uow, struct fact_list *ret)                                                       \
    {                                                                                                                  \
        return SQL_MANY(uow, name, fact_record, ret);                                                                  \
    }
#define AGED_READER(name)                                                                                              \
    static enum err name(struct uow *uow, struct fact_list *ret)                                                       \
    {                                                                                                                  \
        return SQL_MANY(uow, name, fact_record, ret, .age_s = 0);                                                      \
    }

AGED_READER(outbox_waiting)
READER(versions_with_holes)
AGED_READER(messages_aside)
AGED_READER(tasks_due)
AGED_READER(checkouts_past_deadline)
READER(cart_lines_wrong)
READER(carts_locked)
READER(carts_ordered)
READER(checkouts_with_cart_locked)
READER(checkouts_completed_by_cart)
READER(checkouts_completed)
READER(checkouts_with_stock_held)
READER(orders_placed)
READER(orders_adding_up)
READER(timelines_wrong)
READER(orders_open_lines)
READER(orders_by_kernel)
READER(orders_to_confirm)
READER(shipments_as_heard)
READER(stock_against_moves)
READER(stock_against_claims)
READER(holds_held)
READER(stock_allocated)
READER(shipments_as_they_are)
READER(orders_by_shipments)
READER(notifications_sent)
READER(orders_with_payment)
READER(orders_by_number)
READER(ledger_out_of_balance)
READER(ledger_balances_wrong)
READER(intents_unsettled)
READER(money_without_order)
READER(orders_without_money)
READER(payments_of_orders)
READER(payments_by_number)
READER(pages_open)
READER(checkouts_paying)
READER(money_moved)
READER(money_promised)
READER(psp_money_moved)
READER(psp_money_held)
READER(psp_pages_open)

enum err read_told(struct uow *uow, const char *topic, struct fact_list *ret)
{
    return SQL_MANY(uow, versions_told, fact_record, ret, .topic = topic);
}

enum err read_handled(struct uow *uow, const char *topic, struct fact_list *ret)
{
    return SQL_MANY(uow, versions_handled, fact_record, ret, .topic = topic);
}

#define EVERYWHERE(service)                                                                                            \
    {service, "every event is published", outbox_waiting}, {service, "no message is set aside", messages_aside},       \
        {service, "no call to the outside is overdue", tasks_due},                                                     \
    {                                                                                                                  \
        service, "versions have no holes", versions_with_holes                                                         \
    }

/* clang-format off */
const struct own_check own_checks[] = {
    EVERYWHERE(CART), EVERYWHERE(CHECKOUT), EVERYWHERE(ORDER), EVERYWHERE(FULFILMENT), EVERYWHERE(NOTIFICATION),
    EVERYWHERE(CATALOG), EVERYWHERE(PAYMENT),
    { PAYMENT,    "the ledger adds up to zero",                                 ledger_out_of_balance },
    { PAYMENT,    "kept balances are what their postings add up to",            ledger_balances_wrong },
    { PAYMENT,    "no payment is left half-way",                                intents_unsettled },
    { PAYMENT,    "no money without an order or a way back",                    money_without_order },
    { PAYMENT,    "no order without money or an allowed promise",               orders_without_money },
    { CART,       "a cart has one line a SKU, each within limits",              cart_lines_wrong },
    { CHECKOUT,   "no placement is past its deadline",                          checkouts_past_deadline },
    { ORDER,      "lines, delivery and tax add up to the total",                orders_adding_up },
    { ORDER,      "what happened once stands on the timeline once",             timelines_wrong },
    { FULFILMENT, "on hand is what the moves add up to",                        stock_against_moves },
    { FULFILMENT, "held and allocated are what holds and shipments add up to",  stock_against_claims },
    { 0 },
};

const struct pair_check pair_checks[] = {
    /* claim                                                    left      its facts                     right        its facts */
    { "each completed checkout is one order, each order one",   CHECKOUT, checkouts_completed,          ORDER,       orders_placed },
    { "a cart is ordered exactly when its checkout completed",  CART,     carts_ordered,                CHECKOUT,    checkouts_completed_by_cart },
    { "a cart is locked exactly for a live placement",          CART,     carts_locked,                 CHECKOUT,    checkouts_with_cart_locked },
    { "stock is held exactly for live placements",              FULFILMENT, holds_held,                 CHECKOUT,    checkouts_with_stock_held },
    { "allocated stock is what open orders are owed",           FULFILMENT, stock_allocated,            ORDER,       orders_open_lines },
    { "order knows each shipment as it is",                     FULFILMENT, shipments_as_they_are,      ORDER,       shipments_as_heard },
    { "an order is cancelled exactly when its shipments are stopped", ORDER, orders_by_kernel,          FULFILMENT,  orders_by_shipments },
    { "payment and order have the same orders, cancelled alike", PAYMENT, payments_by_number,           ORDER,       orders_by_number },
    { "payment and order agree on what was taken and given back", PAYMENT, payments_of_orders,          ORDER,       orders_with_payment },
    { "a hosted page is open exactly for placements that wait for it", PAYMENT, pages_open,             CHECKOUT,    checkouts_paying },
    { "the provider took and gave back what our books say",     PAYMENT,  money_moved,                  PSP_SANDBOX, psp_money_moved },
    { "the provider holds money exactly for orders that wait to take it", PAYMENT, money_promised,      PSP_SANDBOX, psp_money_held },
    { "a hosted page can be paid exactly while we wait for it", PAYMENT,  pages_open,                   PSP_SANDBOX, psp_pages_open },
    { "customer and merchant were told of each order, once",    ORDER,    orders_to_confirm,            NOTIFICATION, notifications_sent },
    { 0 },
};

const struct listening listenings[] = {
    /* listener     teller      topic */
    { CART,         CHECKOUT,   "waybill.checkout" },
    { CART,         CATALOG,    "waybill.product" },
    { CHECKOUT,     CART,       "waybill.cart" },
    { CHECKOUT,     FULFILMENT, "waybill.hold" },
    { CHECKOUT,     ORDER,      "waybill.order" },
    { CHECKOUT,     PAYMENT,    "waybill.payment" },
    { PAYMENT,      CHECKOUT,   "waybill.checkout" },
    { PAYMENT,      ORDER,      "waybill.order" },
    { PAYMENT,      FULFILMENT, "waybill.shipment" },
    { ORDER,        PAYMENT,    "waybill.payment" },
    { FULFILMENT,   PAYMENT,    "waybill.payment" },
    { ORDER,        CHECKOUT,   "waybill.checkout" },
    { ORDER,        FULFILMENT, "waybill.shipment" },
    { FULFILMENT,   CHECKOUT,   "waybill.checkout" },
    { FULFILMENT,   ORDER,      "waybill.order" },
    { NOTIFICATION, ORDER,      "waybill.order" },
    { 0 },
};
/* clang-format on */

static const struct query *const everywhere[] = {
    &Q_outbox_waiting, &Q_messages_aside,   &Q_tasks_due, &Q_versions_with_holes,
    &Q_versions_told,  &Q_versions_handled, NULL};
static const struct query *const of_cart[] = {&Q_cart_lines_wrong, &Q_carts_locked, &Q_carts_ordered, NULL};
static const struct query *const of_checkout[] = {&Q_checkouts_with_cart_locked,
                                                  &Q_checkouts_completed_by_cart,
                                                  &Q_checkouts_completed,
                                                  &Q_checkouts_with_stock_held,
                                                  &Q_checkouts_past_deadline,
                                                  &Q_checkouts_paying,
                                                  NULL};
static const struct query *const of_order[] = {
    &Q_orders_placed,     &Q_orders_adding_up,   &Q_timelines_wrong,     &Q_orders_open_lines, &Q_orders_by_kernel,
    &Q_orders_to_confirm, &Q_shipments_as_heard, &Q_orders_with_payment, &Q_orders_by_number,  NULL};
static const struct query *const of_payment[] = {&Q_ledger_out_of_balance,
                                                 &Q_ledger_balances_wrong,
                                                 &Q_intents_unsettled,
                                                 &Q_money_without_order,
                                                 &Q_orders_without_money,
                                                 &Q_payments_of_orders,
                                                 &Q_payments_by_number,
                                                 &Q_pages_open,
                                                 &Q_money_moved,
                                                 &Q_money_promised,
                                                 NULL};
static const struct query *const of_fulfilment[] = {
    &Q_stock_against_moves,   &Q_stock_against_claims, &Q_holds_held, &Q_stock_allocated,
    &Q_shipments_as_they_are, &Q_orders_by_shipments,  NULL};
static const struct query *const of_notification[] = {&Q_notifications_sent, NULL};
static const struct query *const of_psp_sandbox[] = {&Q_psp_money_moved, &Q_psp_money_held, &Q_psp_pages_open, NULL};
static const struct query *const nothing[] = {NULL};

const struct query *const *const audited_queries[AUDITED][2] = {
    [CART] = {everywhere, of_cart},
    [CHECKOUT] = {everywhere, of_checkout},
    [PAYMENT] = {everywhere, of_payment},
    [ORDER] = {everywhere, of_order},
    [FULFILMENT] = {everywhere, of_fulfilment},
    [NOTIFICATION] = {everywhere, of_notification},
    [CATALOG] = {everywhere, nothing},
    [PSP_SANDBOX] = {of_psp_sandbox, nothing},
};
