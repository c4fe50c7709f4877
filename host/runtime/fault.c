/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

int fault(struct fault *why, int error, const char *format, ...)
{
    va_list args;

    if (!why || why->text[0])
        return error;
    why->error = error;
    va_start(args, format);
    vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    return error;
}

static void fill(char *to, size_t size, const char *from)
{
    if (from && !to[0])
        snprintf(to, size, "%s", from);
}

void fault_where(struct fault *why, const char *step, const char *app,
                 const char *server, const char *field)
{
    if (!why)
        return;
    fill(why->step, sizeof(why->step), step);
    fill(why->app, sizeof(why->app), app);
    fill(why->server, sizeof(why->server), server);
    fill(why->field, sizeof(why->field), field);
}
