/* SPDX-License-Identifier: Apache-2.0 */
#include "show.h"

#include "table.h"

void show_telemetry(const struct screen *screen, const json_t *result)
{
    static const struct column columns[] = {
        {"ID", "id"},
        {"EVENT", "event"},
        {"APP", "app"},
        {"HANDLER", "handler"},
        {"PID", "pid"},
        {"DROPPED", "dropped", COLUMN_NUMBER},
        {0},
    };

    table_print(screen, columns, result, "nobody listens");
}
