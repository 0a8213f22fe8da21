/*
 * text - strict UTF-8, formats, secrets, base64url and hex.
 */
#include "text.h"

#include <string.h>

#include "id.h"
#include "money.h"

/* How many of the 8 bytes at `bytes` pass as ASCII without looking at each: 8 or 0. */
static size_t eight_ascii(const char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    uint64_t high = word & UINT64_C(0x8080808080808080);
    uint64_t zero = (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
    return (high | zero) == 0 ? sizeof(word) : 0;
}

/* The size of the character that starts here, 0 if it is not one (Unicode 15, table 3-7). */
static size_t character_size(const unsigned char *bytes, size_t left)
{
    unsigned char lead = bytes[0];
    unsigned char least = 0x80, most = 0xbf; /* of the second byte */
    size_t size;

    if (lead < 0x80)
        return lead != 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
        size = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        size = 3;
        least = lead == 0xe0 ? 0xa0 : 0x80;
        most = lead == 0xed ? 0x9f : 0xbf;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        size = 4;
        least = lead == 0xf0 ? 0x90 : 0x80;
        most = lead == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (left < size || bytes[1] < least || bytes[1] > most)
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

size_t utf8_valid_size(const char *bytes, size_t size)
{
    size_t at = 0;

    while (at < size) {
        size_t step = size - at >= 8 ? eight_ascii(bytes + at) : 0;
        if (step == 0)
            step = character_size((const unsigned char *)bytes + at, size - at);
        if (step == 0)
            return at;
        at += step;
    }
    return size;
}

/* Every byte but those that go on with a character. */
size_t utf8_count(const char *bytes, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)bytes[i] & 0xC0) != 0x80;
    return count;
}

bool utf8_is_valid(const char *bytes, size_t size)
{
    return utf8_valid_size(bytes, size) == size;
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether there is neither a space nor a control character. */
static bool is_one_word(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            return false;
    }
    return true;
}

static bool is_email(const char *text)
{
    const char *at = strchr(text, '@');
    return at != NULL && at != text && at[1] != '\0' && strchr(at + 1, '@') == NULL && is_one_word(text);
}

/* A language of two or three letters, and perhaps a country. */
static bool is_locale(const char *text)
{
    size_t letters = 0;

    while (is_lower(text[letters]))
        letters++;
    if (letters != 2 && letters != 3)
        return false;
    text += letters;
    return text[0] == '\0' || (text[0] == '-' && is_upper(text[1]) && is_upper(text[2]) && text[3] == '\0');
}

static bool is_token(const char *text)
{
    static const char more[] = "._:-";

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (!is_upper(*text) && !is_lower(*text) && !is_digit(*text) && strchr(more, *text) == NULL)
            return false;
    }
    return true;
}

static bool is_url(const char *text)
{
    if (strncmp(text, "https://", 8) == 0)
        text += 8;
    else if (strncmp(text, "http://", 7) == 0)
        text += 7;
    else
        return false;
    return *text != '\0' && *text != '/' && is_one_word(text);
}

bool text_has_format(const char *text, enum text_format format)
{
    switch (format) {
    case TEXT_ANY:
        return true;
    case TEXT_UUID:
        return id_is_valid(text);
    case TEXT_EMAIL:
        return is_email(text);
    case TEXT_CURRENCY:
        return currency_is_known(text);
    case TEXT_COUNTRY:
        return is_upper(text[0]) && is_upper(text[1]) && text[2] == '\0';
    case TEXT_LOCALE:
        return is_locale(text);
    case TEXT_TOKEN:
        return is_token(text);
    case TEXT_URL:
        return is_url(text);
    }
    return false;
}

const char *text_format_name(enum text_format format)
{
    switch (format) {
    case TEXT_ANY:
        return "a text";
    case TEXT_UUID:
        return "a UUID";
    case TEXT_EMAIL:
        return "an e-mail address";
    case TEXT_CURRENCY:
        return "an ISO 4217 currency";
    case TEXT_COUNTRY:
        return "a country of two letters, like \"AT\"";
    case TEXT_LOCALE:
        return "a locale, like \"en\" or \"de-AT\"";
    case TEXT_TOKEN:
        return "made of letters, digits and . _ : - only";
    case TEXT_URL:
        return "an http or https URL";
    }
    return "a text";
}

bool text_has_word(const char *list, const char *word)
{
    size_t size = strlen(word);

    if (list == NULL || size == 0)
        return false;
    while (*list != '\0') {
        size_t length = strcspn(list, " ");
        if (length == size && memcmp(list, word, size) == 0)
            return true;
        list += length;
        list += strspn(list, " ");
    }
    return false;
}

bool text_equal_secret(const char *a, const char *b)
{
    size_t size = strlen(a);
    volatile unsigned char difference = 0;

    if (strlen(b) != size)
        return false;
    for (size_t i = 0; i < size; i++)
        difference = (unsigned char)(difference | (a[i] ^ b[i]));
    return difference == 0;
}

char *base64url_encode(struct arena *arena, const void *bytes, size_t size)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = bytes;
    char *text = arena_alloc(arena, size / 3 * 4 + 5);
    char *out = text;
    uint32_t bits = 0;
    int held = 0;

    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8) | in[i];
        for (held += 8; held >= 6; held -= 6)
            *out++ = alphabet[(bits >> (held - 6)) & 63];
    }
    if (held > 0)
        *out++ = alphabet[(bits << (6 - held)) & 63];
    return text;
}

/* The six bits of a base64url character, -1 for any other. */
static int six_bits(char c)
{
    if (is_upper(c))
        return c - 'A';
    if (is_lower(c))
        return c - 'a' + 26;
    if (is_digit(c))
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

uint8_t *base64url_decode(struct arena *arena, const char *text, size_t *ret_size)
{
    size_t length = strlen(text);
    uint8_t *bytes = arena_alloc(arena, length / 4 * 3 + 3);
    size_t size = 0;
    uint32_t bits = 0;
    int held = 0;

    if (length % 4 == 1)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        int six = six_bits(text[i]);
        if (six < 0)
            return NULL;
        bits = (bits << 6) | (uint32_t)six;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[size++] = (uint8_t)(bits >> held);
        }
    }
    /* Bits that say nothing must be zero, so that each value has one spelling. */
    if ((bits & ((1U << held) - 1)) != 0)
        return NULL;
    *ret_size = size;
    return bytes;
}

char *hex_encode(struct arena *arena, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = bytes;
    char *text = arena_alloc(arena, 2 * size + 1);

    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[in[i] >> 4];
        text[2 * i + 1] = digits[in[i] & 15];
    }
    return text;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_decode(const char *text, uint8_t *ret_bytes, size_t size)
{
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < 2 * size; i++) {
        if (hex_digit(text[i]) < 0)
            return false;
    }
    for (size_t i = 0; i < size; i++)
        ret_bytes[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    return true;
}

bool text_to_int(const char *text, size_t size, int64_t *ret)
{
    bool negative = size > 0 && text[0] == '-';
    int64_t value = 0;

    /* Built downwards, because INT64_MIN has no positive twin. */
    size_t first = negative ? 1 : 0;
    if (first == size)
        return false;
    for (size_t i = first; i < size; i++) {
        if (!is_digit(text[i]) || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, text[i] - '0', &value))
            return false;
    }
    if (!negative && __builtin_sub_overflow(0, value, &value))
        return false;
    *ret = value;
    return true;
}
