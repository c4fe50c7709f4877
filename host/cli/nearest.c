/* SPDX-License-Identifier: Apache-2.0 */
#include "nearest.h"

#include <string.h>

#define LONGEST 32u /* characters of a word worth guessing */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters are to be added, dropped, changed or swapped with the next. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[LONGEST + 1][LONGEST + 1];
    unsigned rows_count = (unsigned)strlen(a), count = (unsigned)strlen(b);

    for (unsigned i = 0; i <= rows_count; i++)
        rows[i][0] = i;
    for (unsigned j = 0; j <= count; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= rows_count; i++)
        for (unsigned j = 1; j <= count; j++) {
            unsigned change = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

            rows[i][j] = least(change, least(rows[i - 1][j], rows[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    return rows[rows_count][count];
}

void nearest_try(struct nearest *nearest, const char *candidate)
{
    size_t len = strlen(nearest->word);
    unsigned far, limit = len < 4 ? 1 : 2;

    if (len > LONGEST || strlen(candidate) > LONGEST)
        return;
    far = distance(nearest->word, candidate);
    if (far > limit || (nearest->best && far >= nearest->distance))
        return;
    nearest->best = candidate;
    nearest->distance = far;
}
