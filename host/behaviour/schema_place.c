/* SPDX-License-Identifier: Apache-2.0 */
#include "schema_place.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Append to `path`, as far as it fits, what leads to `place`; its new length. */
static size_t print_path(const struct place *place, char *path, size_t size)
{
    size_t len = 0;

    if (!place->field)
        return 0;
    if (place->up) {
        len = print_path(place->up, path, size);
        if (len > 0 && len < size)
            len += (size_t)snprintf(path + len, size - len, ".");
    }
    if (len < size)
        len += (size_t)snprintf(path + len, size - len, "%s", place->field->key);
    if (len < size && place->indexed)
        len += (size_t)snprintf(path + len, size - len, "[%u]", place->index);
    return len;
}

int place_fault(const struct place *place, struct fault *why, int error,
                const char *format, ...)
{
    char path[sizeof(((struct fault *)0)->field)] = "", text[256];
    va_list args;

    if (!why || why->text[0])
        return error;
    if (!place->field && place->up)
        place = place->up; /* between two fields of a nested struct */
    print_path(place, path, sizeof(path));
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!place->field)
        return fault(why, error, "state '%s': %s (%s)", place->schema->name, text,
                     place_file(place->schema));
    fault_where(why, NULL, NULL, NULL, path);
    return fault(why, error, "field '%s': %s (%s:%u)", path, text,
                 place_file(place->schema), place->field->line);
}

const char *place_file(const moult_schema *schema)
{
    const char *slash = schema->file ? strrchr(schema->file, '/') : NULL;

    return slash ? slash + 1 : schema->file ? schema->file : "?";
}

uint32_t place_count(const moult_schema *schema)
{
    uint32_t n = 0;

    while (schema->fields[n].key)
        n++;
    return n;
}
