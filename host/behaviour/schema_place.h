/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_place - where in a state saving or loading has got to, for its messages; and
 * what both need to know of kinds.
 *
 * Kept on the stack as a list from the field inwards to the whole state outwards, so
 * that it costs nothing unless something is wrong.
 */
#ifndef MOULT_SCHEMA_PLACE_H
#define MOULT_SCHEMA_PLACE_H

#include "schema.h"

struct place {
    const struct place *up;
    const moult_schema *schema;
    const moult_field *field;
    const moult_schema *writer; /* loading: what the map was written by, or NULL */
    const moult_field
        *written;   /* loading: its field that `field` comes from, or NULL */
    uint32_t index; /* of an array's item, counted from 0 */
    bool indexed;
    bool shown; /* saving: to people, who see no secrets */
};

/* What stands in memory where a field is MOULT_GROWING, whatever its items are. */
struct growing {
    uint8_t *items;
    uint32_t count, capacity;
};

/* Record `error` at `place`: a path in why->field, and text with file and line. */
int place_fault(const struct place *place, struct fault *why, int error,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The last part of a path, as messages show a schema's file. */
const char *place_file(const moult_schema *schema);

/* How many fields `schema` has. */
uint32_t place_count(const moult_schema *schema);

#endif
