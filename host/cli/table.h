/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - an array of objects, as columns that line up.
 */
#ifndef MOULT_TABLE_H
#define MOULT_TABLE_H

#include <jansson.h>

#include "screen.h"

enum column_kind {
    COLUMN_TEXT,
    COLUMN_NUMBER, /* to the right */
    COLUMN_STATUS  /* coloured */
};

/* A table of them ends with a NULL title. */
struct column {
    const char *title;
    const char *key; /* of the member; null or absent is shown as "-" */
    enum column_kind kind;
};

/* Print `rows` (borrowed) under a line of titles; `nothing` if there are none. */
void table_print(const struct screen *screen, const struct column *columns,
                 const json_t *rows, const char *nothing);

#endif
