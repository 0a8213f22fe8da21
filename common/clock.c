/*
 * clock - time as text and back, by the proleptic Gregorian calendar.
 */
#include "clock.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "clock_step.h"

#define DAY_SECONDS INT64_C(86400)

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z: all that four digits and PostgreSQL can write. */
#define EARLIEST (INT64_C(-62135596800) * CLOCK_SECOND)
#define LATEST (INT64_C(253402300800) * CLOCK_SECOND - 1)

static _Atomic int64_t now_for_test;

static int64_t read_clock(clockid_t which)
{
    struct timespec now;

    clock_gettime(which, &now);
    return now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

int64_t clock_now(void)
{
    int64_t fixed = atomic_load_explicit(&now_for_test, memory_order_relaxed);
    return fixed != 0 ? fixed : read_clock(CLOCK_REALTIME) + clock_step();
}

int64_t clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_set_for_test(int64_t now_us)
{
    atomic_store(&now_for_test, now_us);
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01. Years are counted from March, so that the leap day is the last one. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_divide(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    int64_t shifted = days + 719468;
    int64_t era = floor_divide(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    *ret_day = day_of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

/* Writes `digits` digits and the character after them. */
static char *put(char *out, int64_t value, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    out[digits] = after;
    return out + digits + 1;
}

const char *clock_format(int64_t us, char text[CLOCK_TEXT])
{
    int64_t year, month, day;

    us = us < EARLIEST ? EARLIEST : us > LATEST ? LATEST : us;
    int64_t seconds = floor_divide(us, CLOCK_SECOND);
    int64_t days = floor_divide(seconds, DAY_SECONDS);
    int64_t of_day = seconds - days * DAY_SECONDS;
    date_of(days, &year, &month, &day);

    char *out = put(text, year, 4, '-');
    out = put(out, month, 2, '-');
    out = put(out, day, 2, 'T');
    out = put(out, of_day / 3600, 2, ':');
    out = put(out, of_day / 60 % 60, 2, ':');
    out = put(out, of_day % 60, 2, '.');
    out = put(out, us - seconds * CLOCK_SECOND, 6, 'Z');
    *out = '\0';
    return text;
}

/* What is left to read of a text. */
struct reader {
    const char *at;
    const char *end;
};

static bool take_digits(struct reader *reader, int digits, int64_t least, int64_t most, int64_t *ret)
{
    int64_t value = 0;

    if (reader->end - reader->at < digits)
        return false;
    for (int i = 0; i < digits; i++, reader->at++) {
        if (*reader->at < '0' || *reader->at > '9')
            return false;
        value = value * 10 + (*reader->at - '0');
    }
    *ret = value;
    return value >= least && value <= most;
}

/* Takes the next character if it is one of these. */
static bool take_one_of(struct reader *reader, const char *set)
{
    if (reader->at == reader->end || *reader->at == '\0' || strchr(set, *reader->at) == NULL)
        return false;
    reader->at++;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct reader *reader, int64_t *ret_days)
{
    int64_t year, month, day;

    if (!take_digits(reader, 4, 1, 9999, &year) || !take_one_of(reader, "-") ||
        !take_digits(reader, 2, 1, 12, &month) || !take_one_of(reader, "-") ||
        !take_digits(reader, 2, 1, days_in_month(year, month), &day))
        return false;
    *ret_days = days_of(year, month, day);
    return true;
}

/* Leap seconds are refused: neither this clock nor PostgreSQL can hold one. */
static bool take_time(struct reader *reader, int64_t *ret_us)
{
    int64_t hour, minute, second, fraction = 0;

    if (!take_digits(reader, 2, 0, 23, &hour) || !take_one_of(reader, ":") || !take_digits(reader, 2, 0, 59, &minute) ||
        !take_one_of(reader, ":") || !take_digits(reader, 2, 0, 59, &second))
        return false;
    if (take_one_of(reader, ".")) {
        int64_t digit;
        if (!take_digits(reader, 1, 0, 9, &digit))
            return false;
        /* Digits beyond the microsecond are cut off. */
        int64_t weight = CLOCK_SECOND / 10;
        do {
            fraction += digit * weight;
            weight /= 10;
        } while (take_digits(reader, 1, 0, 9, &digit));
    }
    *ret_us = (hour * 3600 + minute * 60 + second) * CLOCK_SECOND + fraction;
    return true;
}

/* Z, +02:00 (RFC 3339), or +02, +05:53:28 (PostgreSQL). */
static bool take_offset(struct reader *reader, int64_t *ret_seconds)
{
    int64_t hours, minutes = 0, seconds = 0;

    *ret_seconds = 0;
    if (take_one_of(reader, "Zz"))
        return true;
    bool west = reader->at < reader->end && *reader->at == '-';
    if (!take_one_of(reader, "+-") || !take_digits(reader, 2, 0, 23, &hours))
        return false;
    if (take_one_of(reader, ":") && !take_digits(reader, 2, 0, 59, &minutes))
        return false;
    if (take_one_of(reader, ":") && !take_digits(reader, 2, 0, 59, &seconds))
        return false;
    *ret_seconds = (hours * 3600 + minutes * 60 + seconds) * (west ? -1 : 1);
    return true;
}

bool clock_parse(const char *text, size_t size, int64_t *ret_us)
{
    struct reader reader = {.at = text, .end = text + size};
    int64_t days, of_day, offset;

    if (!take_date(&reader, &days) || !take_one_of(&reader, "Tt ") || !take_time(&reader, &of_day) ||
        !take_offset(&reader, &offset) || reader.at != reader.end)
        return false;

    int64_t us = (days * DAY_SECONDS - offset) * CLOCK_SECOND + of_day;
    if (us < EARLIEST || us > LATEST)
        return false;
    *ret_us = us;
    return true;
}
