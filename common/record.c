/*
 * record - looking up a field by its name, and what members are when nothing is said of them.
 */
#include "record.h"

#include "text.h"

const struct field *record_field(const struct record *record, const char *name, size_t size)
{
    for (size_t i = 0; i < record->count; i++) {
        if (text_is(record->fields[i].name, name, size))
            return &record->fields[i];
    }
    return NULL;
}

/* Recursion follows the description, not the input. */
void record_fallbacks(const struct record *record, void *value)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct field *field = &record->fields[i];
        void *member = (char *)value + field->offset;
        if (field->type == FIELD_OBJECT)
            record_fallbacks(field->record, member);
        else if ((field->flags & FIELD_DEFAULT) == 0)
            continue;
        else if (field->type == FIELD_BOOL)
            *(bool *)member = field->fallback != 0;
        else if (field->type == FIELD_ENUM)
            *(int *)member = (int)field->fallback;
        else
            *(int64_t *)member = field->fallback;
    }
}
