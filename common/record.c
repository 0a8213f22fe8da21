/*
 * record - looking up a field by its name.
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
