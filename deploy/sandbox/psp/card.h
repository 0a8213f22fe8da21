/*
 * card - the test cards: what the issuer says to each, and what goes wrong around it. Pure.
 */
#ifndef PSP_SANDBOX_CARD_H
#define PSP_SANDBOX_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CARD_DIGITS_MAX 19

enum card_answer { CARD_APPROVES, CARD_DECLINES, CARD_CHALLENGES };

/* What happens to webhooks: those of one card's payment page, or all of them (the control interface). */
enum webhook_mode {
    WEBHOOK_NORMAL,
    WEBHOOK_LOST,     /* never sent */
    WEBHOOK_TWICE,    /* sent twice, at once */
    WEBHOOK_LATE,     /* sent after a while */
    WEBHOOK_SHUFFLED, /* those of one change are sent in the opposite order */
    WEBHOOK_HOLD,     /* sent when released */
    WEBHOOK_FIRST,    /* sent before the page answers; for cards only */
    WEBHOOK_MODES
};
extern const char *const webhook_mode_names[]; /* NULL-ended */

struct card {
    const char *number;
    const char *name; /* kept with the payment instead of the number */
    enum card_answer answer;
    const char *code; /* why it is declined */
    const char *decline_code;
    const char *message;
    int64_t delay_ms; /* before the issuer answers */
    enum webhook_mode webhook;
    bool declines_after; /* the challenge */
    bool one_capture;    /* more than one capture isn't possible, whatever was asked for */
    bool capture_fails;  /* the authorization stands, its capture is declined */
};

/* The test cards, ended by a NULL number. */
extern const struct card cards[];

/* Digits without the spaces that people type, into text of CARD_DIGITS_MAX + 1 bytes; false if it has anything else, or
 * its last digit is wrong (Luhn). */
bool card_read(const char *typed, char ret_digits[CARD_DIGITS_MAX + 1]);

/* Whether the last digit fits the others. */
bool luhn_is_right(const char *digits);

/* The test card; a number that is none is declined. Never NULL. */
const struct card *card_find(const char *digits);

/* The test card called so when the payment was challenged; NULL: none. */
const struct card *card_named(const char *name);

/* "visa", "mastercard", "unknown". */
const char *card_brand(const char *digits);

#endif
