/* Creditor references by ISO 11649. */
#include "reference.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* The remainder by 97 of a text whose letters count as 10 (A) to 35 (Z), going on from `remainder`. */
static int mod97(const char *text, int remainder)
{
    for (; *text != '\0'; text++) {
        if (*text >= '0' && *text <= '9')
            remainder = (remainder * 10 + (*text - '0')) % 97;
        else
            remainder = (remainder * 100 + (*text - 'A' + 10)) % 97;
    }
    return remainder;
}

static bool is_normal(const char *text)
{
    for (; *text != '\0'; text++) {
        if (!((*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z')))
            return false;
    }
    return true;
}

char *reference_make(struct arena *arena, const char *body)
{
    assert(body[0] != '\0' && strlen(body) <= REFERENCE_BODY_MAX && is_normal(body));
    const int check = 98 - mod97("RF00", mod97(body, 0));
    return arena_printf(arena, "RF%02d%s", check, body);
}

char *reference_number(struct arena *arena, int64_t number)
{
    return reference_make(arena, arena_printf(arena, "WB%" PRId64, number));
}

char *reference_normal(struct arena *arena, const char *text)
{
    char *normal = arena_alloc(arena, strlen(text) + 1);
    size_t size = 0;

    for (; *text != '\0'; text++) {
        char c = *text;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'))
            normal[size++] = c;
    }
    return normal;
}

bool reference_is_valid(const char *text)
{
    const size_t size = strlen(text);
    char head[5];

    if (size < 5 || size > 4 + REFERENCE_BODY_MAX || strncmp(text, "RF", 2) != 0 || !is_normal(text))
        return false;
    memcpy(head, text, 4);
    head[4] = '\0';
    return mod97(head, mod97(text + 4, 0)) == 1;
}
