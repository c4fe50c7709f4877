/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <inttypes.h>

#define COLUMNS_MAX 12
#define GAP         2 /* blanks between columns */

struct cell {
    char number[32];
    const char *text;
};

/* `cell` is where a number is written. */
static const char *text_of(const json_t *value, struct cell *cell)
{
    cell->text = json_string_value(value);
    if (json_is_integer(value)) {
        snprintf(cell->number, sizeof(cell->number), "%" JSON_INTEGER_FORMAT,
                 json_integer_value(value));
        cell->text = cell->number;
    } else if (json_is_real(value)) {
        snprintf(cell->number, sizeof(cell->number), "%g", json_real_value(value));
        cell->text = cell->number;
    } else if (json_is_boolean(value)) {
        cell->text = json_is_true(value) ? "yes" : "no";
    }
    return cell->text && cell->text[0] ? cell->text : "-";
}

/* 0 if no row has it: then it is left out. */
static int widest(const struct column *column, const json_t *rows)
{
    int width = 0, title = screen_width(column->title);
    const json_t *row;
    struct cell cell;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const json_t *value = json_object_get(row, column->key);
        int here = value ? screen_width(text_of(value, &cell)) : 0;

        width = here > width ? here : width;
    }
    return width > 0 && width < title ? title : width;
}

/* The last one is not padded. */
static void print_cell(const struct screen *screen, const struct column *column,
                       const int *width, enum colour colour, const char *text)
{
    bool last = true;

    for (int i = 1; column[i].title; i++)
        last &= width[i] == 0;
    if (*width == 0)
        return;
    if (column->kind == COLUMN_NUMBER)
        screen_text(screen, colour, -*width, text);
    else
        screen_text(screen, colour, last ? 0 : *width, text);
    fprintf(screen->out, "%*s", last ? 0 : GAP, "");
}

static void print_row(const struct screen *screen, const struct column *columns,
                      const int *widths, const json_t *row)
{
    for (int c = 0; columns[c].title && c < COLUMNS_MAX; c++) {
        struct cell cell;
        const char *text = text_of(json_object_get(row, columns[c].key), &cell);
        enum colour colour =
            columns[c].kind == COLUMN_STATUS ? screen_colour_of(text) : PLAIN;

        print_cell(screen, &columns[c], &widths[c], colour, text);
    }
    putc('\n', screen->out);
}

void table_print(const struct screen *screen, const struct column *columns,
                 const json_t *rows, const char *nothing)
{
    int widths[COLUMNS_MAX];
    const json_t *row;
    size_t i;

    if (json_array_size(rows) == 0) {
        fprintf(screen->out, "%s\n", nothing);
        return;
    }
    for (int c = 0; columns[c].title && c < COLUMNS_MAX; c++)
        widths[c] = widest(&columns[c], rows);
    for (int c = 0; columns[c].title && c < COLUMNS_MAX; c++)
        print_cell(screen, &columns[c], &widths[c], BOLD, columns[c].title);
    putc('\n', screen->out);
    json_array_foreach(rows, i, row) print_row(screen, columns, widths, row);
}
