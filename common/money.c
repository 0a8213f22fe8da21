/*
 * money - currencies, exact sums, and shares by the largest remainder.
 */
#include "money.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;

/* ISO 4217, list one, as of 2026, by number of minor digits. Metals, test codes and "no currency" have none. */
static const char currencies_0[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ";
static const char currencies_3[] = "BHD IQD JOD KWD LYD OMR TND ";
static const char currencies_4[] = "CLF UYW ";
static const char currencies_2[] = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP "
                                   "BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB "
                                   "EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES "
                                   "KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
                                   "MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD "
                                   "RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
                                   "TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ";

static bool is_listed(const char *list, const char *currency)
{
    for (; *list != '\0'; list += 4) {
        if (memcmp(list, currency, 3) == 0)
            return true;
    }
    return false;
}

/* The number of minor digits, -1 if the text is no currency. */
static int find_exponent(const char *currency)
{
    if (strnlen(currency, 4) != 3)
        return -1;
    if (is_listed(currencies_2, currency))
        return 2;
    if (is_listed(currencies_0, currency))
        return 0;
    if (is_listed(currencies_3, currency))
        return 3;
    return is_listed(currencies_4, currency) ? 4 : -1;
}

bool currency_is_known(const char *currency)
{
    return find_exponent(currency) >= 0;
}

int currency_exponent(const char *currency)
{
    int exponent = find_exponent(currency);
    assert(exponent >= 0);
    return exponent;
}

struct money money_of(int64_t amount, const char *currency)
{
    struct money money = {.amount = amount};

    assert(strnlen(currency, sizeof(money.currency)) < sizeof(money.currency));
    memcpy(money.currency, currency, strlen(currency));
    return money;
}

bool money_equal(struct money a, struct money b)
{
    return a.amount == b.amount && strncmp(a.currency, b.currency, sizeof(a.currency)) == 0;
}

static bool narrow(wide value, int64_t *ret)
{
    if (value > MONEY_MAX || value < -MONEY_MAX)
        return false;
    *ret = (int64_t)value;
    return true;
}

bool minor_add(int64_t a, int64_t b, int64_t *ret_sum)
{
    return narrow((wide)a + b, ret_sum);
}

bool minor_multiply(int64_t a, int64_t b, int64_t *ret_product)
{
    return narrow((wide)a * b, ret_product);
}

bool money_add(struct money a, struct money b, struct money *ret_sum)
{
    assert(strncmp(a.currency, b.currency, sizeof(a.currency)) == 0);

    int64_t amount;
    if (!minor_add(a.amount, b.amount, &amount))
        return false;
    *ret_sum = money_of(amount, a.currency);
    return true;
}

bool money_multiply(struct money unit, int64_t count, struct money *ret_product)
{
    int64_t amount;
    if (!minor_multiply(unit.amount, count, &amount))
        return false;
    *ret_product = money_of(amount, unit.currency);
    return true;
}

bool minor_ratio(int64_t amount, int64_t numerator, int64_t denominator, int64_t *ret)
{
    assert(denominator > 0);

    wide product = (wide)amount * numerator;
    wide quotient = product / denominator;
    wide rest = product % denominator;
    if (2 * rest >= denominator)
        quotient++;
    else if (2 * rest <= -(wide)denominator)
        quotient--;
    return narrow(quotient, ret);
}

/* What a share lost when it was rounded down. */
struct loss {
    unsigned_wide rest;
    size_t index;
};

static int by_rest_then_index(const void *left, const void *right)
{
    const struct loss *a = left;
    const struct loss *b = right;

    if (a->rest != b->rest)
        return a->rest > b->rest ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

/* Each gets its weight * numerator / denominator, rounded down or up so that together they make `total`: the largest
 * rests are rounded up, of equal ones the earlier. `total` is the exact sum, rounded one way or the other. */
static void apportion(uint64_t total, const int64_t *weights, size_t count, uint64_t numerator,
                      unsigned_wide denominator, int64_t *ret_shares)
{
    struct loss *losses = calloc(count, sizeof(*losses));
    uint64_t left = total;

    if (losses == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        unsigned_wide product = (unsigned_wide)numerator * (uint64_t)weights[i];
        ret_shares[i] = (int64_t)(product / denominator);
        losses[i] = (struct loss){.rest = product % denominator, .index = i};
        left -= (uint64_t)ret_shares[i];
    }

    /* As many units are left as the rests make, so nobody without a rest gets one. */
    qsort(losses, count, sizeof(*losses), by_rest_then_index);
    for (size_t i = 0; i < left; i++) {
        assert(losses[i].rest > 0);
        ret_shares[losses[i].index]++;
    }
    free(losses);
}

static unsigned_wide sum_of(const int64_t *weights, size_t count)
{
    unsigned_wide sum = 0;

    for (size_t i = 0; i < count; i++) {
        assert(weights[i] >= 0);
        sum += (unsigned_wide)weights[i];
    }
    return sum;
}

void minor_allocate(int64_t amount, const int64_t *weights, size_t count, int64_t *ret_shares)
{
    assert(count > 0 || amount == 0);
    if (count == 0)
        return;

    /* Shares of the absolute value, so that a negative amount is the mirror of the positive one. */
    const uint64_t size = amount < 0 ? -(uint64_t)amount : (uint64_t)amount;
    const unsigned_wide whole = sum_of(weights, count);
    if (whole > 0) {
        apportion(size, weights, count, size, whole, ret_shares);
    } else {
        for (size_t i = 0; i < count; i++)
            ret_shares[i] = (int64_t)(size / count + (i < size % count));
    }
    if (amount < 0) {
        for (size_t i = 0; i < count; i++)
            ret_shares[i] = -ret_shares[i];
    }
}

bool minor_ratio_each(const int64_t *amounts, size_t count, int64_t numerator, int64_t denominator, int64_t *ret_sum,
                      int64_t *ret_shares)
{
    assert(numerator >= 0 && denominator > 0);

    const unsigned_wide whole = sum_of(amounts, count);
    if (whole > MONEY_MAX || !minor_ratio((int64_t)whole, numerator, denominator, ret_sum))
        return false;
    if (count > 0)
        apportion((uint64_t)*ret_sum, amounts, count, (uint64_t)numerator, (unsigned_wide)denominator, ret_shares);
    return true;
}

const char *money_format(struct money money, char text[MONEY_TEXT])
{
    int exponent = currency_exponent(money.currency);
    uint64_t rest = money.amount < 0 ? -(uint64_t)money.amount : (uint64_t)money.amount;
    char reversed[MONEY_TEXT];
    size_t size = 0;

    for (int digit = 0; digit <= exponent || rest > 0; digit++) {
        if (digit == exponent && exponent > 0)
            reversed[size++] = '.';
        reversed[size++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (money.amount < 0)
        reversed[size++] = '-';
    for (size_t i = 0; i < size; i++)
        text[i] = reversed[size - 1 - i];
    snprintf(text + size, MONEY_TEXT - size, " %.3s", money.currency);
    return text;
}
