/*
 * What holds where nothing can happen any more, and the ends that have to be there. A part of saga.pml.
 */
#define IS_SETTLED(index) (money[index] == IN_NONE || money[index] == IN_DUE || money[index] == IN_CAPTURED || \
    money[index] == IN_DECLINED || money[index] == IN_CLOSED || money[index] == IN_VOIDED || \
    money[index] == IN_REFUNDED)

inline judge() {
    MUST(E1_every_checkout_ends, checkout[k] == CO_FAILED || checkout[k] == CO_COMPLETED);
    MUST(E1_every_checkout_ends, checkout[k] != CO_COMPLETED || orders[k] == 1);
    MUST(S3_money_only_for_an_order, !(IS_LIVE(I(1)) || IS_LIVE(I(2))) || orders[k] > 0);
    MUST(S4_an_order_has_its_money, orders[k] == 0 || IS_LIVE(I(winner[k])));
    MUST(S4_an_order_has_its_goods, orders[k] == 0 || (hold[k] == HO_CONFIRMED && cart[k] == CA_ORDERED));
    MUST(S5_failed_leaves_no_claim, checkout[k] != CO_FAILED || (hold[k] == HO_FREE && cart[k] == CA_OPEN));
    MUST(S6_failed_leaves_no_money, checkout[k] != CO_FAILED || !(IS_LIVE(I(1)) || IS_LIVE(I(2))));
    MUST(S7_nobody_pays_twice, !(IS_LIVE(I(1)) && IS_LIVE(I(2))));
    MUST(E2_every_intent_ends, IS_SETTLED(I(1)) && IS_SETTLED(I(2)))
}

inline look() {
    MARK(paid, checkout[0] == CO_COMPLETED && provider[0] == TAKEN_BY_IT);
    MARK(paid_at_second_try, checkout[0] == CO_COMPLETED && winner[0] == 2 && provider[1] == TAKEN_BY_IT);
    MARK(promised_offline, checkout[0] == CO_COMPLETED && money[0] == IN_DUE);
    MARK(given_up_and_voided, checkout[0] == CO_FAILED && provider[0] == CANCELLED);
    MARK(given_up_and_page_closed, checkout[0] == CO_FAILED && provider[0] == ENDED && money[0] == IN_CLOSED);
    MARK(given_up_and_given_back, checkout[0] == CO_FAILED && provider[0] == GIVEN_BACK);
    MARK(switched_and_first_voided, checkout[0] == CO_COMPLETED && winner[0] == 2 && provider[0] == CANCELLED);
    MARK(first_has_it, checkout[0] == CO_COMPLETED && checkout[1] == CO_FAILED);
    MARK(rival_has_it, checkout[0] == CO_FAILED && checkout[1] == CO_COMPLETED);
    MARK(both_have_it, checkout[0] == CO_COMPLETED && checkout[1] == CO_COMPLETED);
    MARK(neither_has_it, checkout[0] == CO_FAILED && checkout[1] == CO_FAILED);
    MARK(placed_again, checkout[0] == CO_COMPLETED && placement[0] == 2);
    MARK(claims_went_first, checkout[0] == CO_FAILED && let_go[0] && provider[0] == CANCELLED);
    MARK(changed_cart, checkout[0] == CO_FAILED && changes < CHANGES && intent[0] == 0)
}

proctype monitor() {
    byte k = 0;
    atomic {
        timeout -> judge();
#if RIVAL
        k = 1; judge(); k = 0;
#endif
        look()
    }
}

#define RUN(k) run checkout_service(k); run cart_service(k); run hold_service(k); run payment_service(k); \
    run provider_and_shopper(k); run order_service(k)

init {
    atomic {
        RUN(0);
#if RIVAL
        RUN(1);
#endif
        run monitor()
    }
}
