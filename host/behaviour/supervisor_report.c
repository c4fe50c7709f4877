/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor_report.h"

#include <string.h>

#include "event.h"
#include "signals.h"

static const char *restart_text(const struct child *c)
{
    static const char *const texts[] = {"permanent", "transient", "temporary"};

    return texts[child_spec(c)->restart];
}

static bool is_brutal(const struct child *c)
{
    return child_spec(c)->shutdown_ms == MOULT_BRUTAL_KILL;
}

static json_t *shutdown_json(const struct child *c)
{
    uint64_t ms = child_shutdown_ms(c);

    if (is_brutal(c))
        return json_string("brutal_kill");
    return ms == MOULT_INFINITY ? json_string("infinity")
                                : json_integer((json_int_t)ms);
}

/* What is told of each: who, why, and the offender. */
static json_t *offender(const struct supervisor *s, const struct child *c,
                        moult_pid pid, const char *context, const char *reason)
{
    char text[PID_TEXT], id[CHILD_ID];

    return json_pack("{s:s, s:s, s:s, s:s%, s:s, s:s, s:s, s:s*, s:s, s:o, s:b}",
                     "server", child_title(c, id), "app", s->app, "vsn", c->code->vsn,
                     "reason", reason, strlen(reason), "restart", restart_text(c),
                     "supervisor", s->id, "context", context, "pid",
                     pid.bits ? pid_print(pid, text) : NULL, "type",
                     c->code->branch ? "supervisor" : "worker", "shutdown",
                     shutdown_json(c), "significant", child_spec(c)->significant != 0);
}

static bool in_good_order(int32_t reason)
{
    return reason == MOULT_NORMAL || reason == MOULT_SHUTDOWN;
}

void report_child_terminated(const struct supervisor *s, const struct child *c,
                             const struct envelope *e)
{
    const char *text = signal_text(e), *reason = *text ? text : moult_strerror(e->code);

    if (in_good_order(e->code) && child_spec(c)->restart != MOULT_PERMANENT)
        return;
    event_emit(in_good_order(e->code) ? EVENT_INFO : EVENT_WARN, "server.exit", "o",
               offender(s, c, e->from, "child_terminated", reason));
}

void report_start_error(const struct supervisor *s, const struct child *c,
                        const char *reason)
{
    event_emit(EVENT_ERROR, "server.start_failed", "o",
               offender(s, c, (moult_pid){0}, "start_error", reason));
}

void report_shutdown_error(const struct supervisor *s, const struct child *c,
                           moult_pid pid, int32_t reason)
{
    if (reason == MOULT_SHUTDOWN || reason == MOULT_NOPROC ||
        (reason == MOULT_KILLED && is_brutal(c)) ||
        (reason == MOULT_NORMAL && child_spec(c)->restart != MOULT_PERMANENT))
        return;
    event_emit(EVENT_WARN, "server.shutdown_error", "o",
               offender(s, c, pid, "shutdown_error",
                        reason == MOULT_KILLED
                            ? "killed: it did not end in its shutdown time"
                            : moult_strerror(reason)));
}

void report_gave_up(const struct supervisor *s, const struct child *c)
{
    json_t *members =
        offender(s, c, (moult_pid){0}, "shutdown", "reached_max_restart_intensity");
    json_t *limits =
        json_pack("{s:i, s:i}", "restarts", (int)intensity_of(s->branch.intensity),
                  "period_s", (int)intensity_period_s(s->branch.period_s));

    json_object_update(members, limits);
    json_decref(limits);
    event_emit(EVENT_ERROR, "supervisor.gave_up", "o", members);
}

void report_progress(const struct supervisor *s, const struct child *c)
{
    char pid[PID_TEXT], id[CHILD_ID];

    event_emit(EVENT_INFO, "server.restart", "{s:s, s:s, s:s, s:i, s:s, s:s}", "server",
               child_title(c, id), "app", c->code->app, "vsn", c->code->vsn, "restarts",
               (int)c->restarts, "supervisor", s->id, "pid", pid_print(c->pid, pid));
}
