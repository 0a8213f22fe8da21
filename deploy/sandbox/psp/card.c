/* The table of test cards, and looking at numbers. */
#include "card.h"

#include <string.h>

const char *const webhook_mode_names[] = {"normal", "lost", "twice", "late", "shuffled", "hold", "first", NULL};

#define DECLINED "Your card was declined."
#define NO_FUNDS "Your card has insufficient funds."
#define EXPIRED "Your card has expired."
#define WRONG_CVC "Your card's security code is incorrect."

/* clang-format off */
const struct card cards[] = {
    /* As Stripe documents them. */
    { "4242424242424242", "approved",            CARD_APPROVES },
    { "5555555555554444", "mastercard_approved", CARD_APPROVES },
    { "4000000000000002", "declined",            CARD_DECLINES,   "card_declined", "generic_decline",    DECLINED },
    { "4000000000009995", "insufficient_funds",  CARD_DECLINES,   "card_declined", "insufficient_funds", NO_FUNDS },
    { "4000000000000069", "expired",             CARD_DECLINES,   "expired_card",  "expired_card",       EXPIRED },
    { "4000000000000127", "incorrect_cvc",       CARD_DECLINES,   "incorrect_cvc", "incorrect_cvc",      WRONG_CVC },
    { "4000002500003155", "challenged",          CARD_CHALLENGES },
    { "4000008400001629", "challenged_declined", CARD_CHALLENGES, "card_declined", "generic_decline",    DECLINED,
      .declines_after = true },

    /* The sandbox's own. */
    { "4000009990000104", "slow",                CARD_APPROVES,   .delay_ms = 4000 },
    { "4000009990000203", "webhook_lost",        CARD_APPROVES,   .webhook = WEBHOOK_LOST },
    { "4000009990000302", "webhook_twice",       CARD_APPROVES,   .webhook = WEBHOOK_TWICE },
    { "4000009990000401", "webhook_late",        CARD_APPROVES,   .webhook = WEBHOOK_LATE },
    { "4000009990000500", "webhook_first",       CARD_APPROVES,   .webhook = WEBHOOK_FIRST },
    { "4000009990000609", "webhook_shuffled",    CARD_APPROVES,   .webhook = WEBHOOK_SHUFFLED },
    { "4000009990000708", "one_capture",         CARD_APPROVES,   .one_capture = true },
    { "4000009990000807", "capture_fails",       CARD_APPROVES,   .capture_fails = true },
    { NULL },
};
/* clang-format on */

/* Stripe's test mode refuses real cards. */
static const struct card stranger = {
    .number = "",
    .name = "not_a_test_card",
    .answer = CARD_DECLINES,
    .code = "card_declined",
    .decline_code = "test_mode_live_card",
    .message = "Your card was declined. Use one of the sandbox's test cards.",
};

bool luhn_is_right(const char *digits)
{
    const size_t size = strlen(digits);
    int sum = 0;

    for (size_t i = 0; i < size; i++) {
        int digit = digits[size - 1 - i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        if (i % 2 == 1)
            digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return size > 0 && sum % 10 == 0;
}

bool card_read(const char *typed, char ret_digits[CARD_DIGITS_MAX + 1])
{
    size_t size = 0;

    for (; *typed != '\0'; typed++) {
        if (*typed == ' ' || *typed == '-')
            continue;
        if (*typed < '0' || *typed > '9' || size == CARD_DIGITS_MAX)
            return false;
        ret_digits[size++] = *typed;
    }
    ret_digits[size] = '\0';
    return size >= 12 && luhn_is_right(ret_digits);
}

const struct card *card_find(const char *digits)
{
    for (const struct card *card = cards; card->number != NULL; card++) {
        if (strcmp(card->number, digits) == 0)
            return card;
    }
    return &stranger;
}

const struct card *card_named(const char *name)
{
    for (const struct card *card = cards; card->number != NULL; card++) {
        if (strcmp(card->name, name) == 0)
            return card;
    }
    return NULL;
}

const char *card_brand(const char *digits)
{
    if (digits[0] == '4')
        return "visa";
    return digits[0] == '5' ? "mastercard" : "unknown";
}
