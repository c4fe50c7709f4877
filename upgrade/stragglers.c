/* SPDX-License-Identifier: Apache-2.0 */
#include "stragglers.h"

#include <stdio.h>
#include <string.h>

#include "event.h"
#include "utf8.h"

struct straggler *stragglers_add(struct stragglers *all, moult_pid pid,
                                 const char *name)
{
    struct straggler *s;

    if (all->count++ >= STRAGGLERS_NAMED)
        return NULL;
    s = &all->list[all->count - 1];
    *s = (struct straggler){.pid = pid};
    snprintf(s->name, sizeof(s->name), "%s", name);
    utf8_trim(s->name);
    return s;
}

void stragglers_describe(const struct stragglers *all, char *text, size_t size)
{
    size_t used = 0;

    text[0] = 0;
    for (unsigned i = 0; i < all->count && i < STRAGGLERS_NAMED && used < size - 1;
         i++) {
        snprintf(text + used, size - used, "%s'%s', %s", i ? "; " : "",
                 all->list[i].name, all->list[i].doing);
        used = strlen(text);
    }
    if (all->count > STRAGGLERS_NAMED && used < size - 1)
        snprintf(text + used, size - used, "; and %u more",
                 all->count - STRAGGLERS_NAMED);
    utf8_trim(text);
}

static json_t *list(const struct stragglers *all)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < all->count && i < STRAGGLERS_NAMED; i++) {
        const struct straggler *s = &all->list[i];
        char pid[PID_TEXT];

        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "server", s->name, "pid",
                                        pid_print(s->pid, pid), "doing", s->doing));
    }
    return list;
}

void stragglers_tell(const struct stragglers *all, const char *step, uint64_t ms,
                     const struct stragglers_listener *listener)
{
    char text[400] = "waits for ";
    size_t used = strlen(text);
    json_t *waits;

    if (!all->count)
        return;
    stragglers_describe(all, text + used, sizeof(text) - used);
    waits = json_pack("{s:s, s:s, s:I, s:i, s:o, s:s}", "step", step, "app", all->app,
                      "ms", (json_int_t)ms, "count", (int)all->count, "servers",
                      list(all), "text", text);
    /* A copy: who reads events counts its uses on another thread. */
    event_emit(EVENT_WARN, "upgrade.waits", "o*", json_deep_copy(waits));
    if (listener->tell && waits)
        listener->tell(listener->context, step, waits);
    json_decref(waits);
}
