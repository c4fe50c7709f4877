/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor_report.h"

#include <string.h>

#include "event.h"
#include "members.h"
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

static void add_shutdown(struct members *m, const struct child *c)
{
    uint64_t ms = child_shutdown_ms(c);

    if (is_brutal(c))
        members_word(m, "shutdown", "brutal_kill");
    else if (ms == MOULT_INFINITY)
        members_word(m, "shutdown", "infinity");
    else
        members_int(m, "shutdown", (int64_t)ms);
}

/* What is told of each: who, why, and the offender. */
static void offender(struct members *m, const struct supervisor *s,
                     const struct child *c, moult_pid pid, const char *context,
                     const char *reason)
{
    char id[CHILD_ID];

    members_begin(m);
    members_text(m, "server", child_title(c, id));
    members_text(m, "app", s->app);
    members_text(m, "vsn", c->code->vsn);
    members_text(m, "reason", reason);
    members_word(m, "restart", restart_text(c));
    members_text(m, "supervisor", s->id);
    members_word(m, "context", context);
    if (pid.bits)
        members_pid(m, "pid", pid);
    members_word(m, "type", c->code->branch ? "supervisor" : "worker");
    add_shutdown(m, c);
    members_bool(m, "significant", child_spec(c)->significant != 0);
}

static void tell(enum event_level level, const char *name, const struct supervisor *s,
                 const struct child *c, moult_pid pid, const char *context,
                 const char *reason)
{
    struct members m;

    if (!event_wanted(level))
        return;
    offender(&m, s, c, pid, context, reason);
    event_emit_members(level, name, &m);
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
    tell(in_good_order(e->code) ? EVENT_INFO : EVENT_WARN, "server.exit", s, c, e->from,
         "child_terminated", reason);
}

void report_start_error(const struct supervisor *s, const struct child *c,
                        const char *reason)
{
    tell(EVENT_ERROR, "server.start_failed", s, c, (moult_pid){0}, "start_error",
         reason);
}

void report_shutdown_error(const struct supervisor *s, const struct child *c,
                           moult_pid pid, int32_t reason)
{
    if (reason == MOULT_SHUTDOWN || reason == MOULT_NOPROC ||
        (reason == MOULT_KILLED && is_brutal(c)) ||
        (reason == MOULT_NORMAL && child_spec(c)->restart != MOULT_PERMANENT))
        return;
    tell(EVENT_WARN, "server.shutdown_error", s, c, pid, "shutdown_error",
         reason == MOULT_KILLED ? "killed: it did not end in its shutdown time"
                                : moult_strerror(reason));
}

void report_gave_up(const struct supervisor *s, const struct child *c)
{
    struct members m;

    offender(&m, s, c, (moult_pid){0}, "shutdown", "reached_max_restart_intensity");
    members_int(&m, "restarts", intensity_of(s->branch.intensity));
    members_int(&m, "period_s", intensity_period_s(s->branch.period_s));
    event_emit_members(EVENT_ERROR, "supervisor.gave_up", &m);
}

void report_renewed(const struct supervisor *s, const struct child *c)
{
    char pid[PID_TEXT], id[CHILD_ID];

    event_emit(EVENT_INFO, "server.renew", "{s:s, s:s, s:s, s:s, s:s}", "server",
               child_title(c, id), "app", c->code->app, "vsn", c->code->vsn,
               "supervisor", s->id, "pid", pid_print(c->pid, pid));
}

void report_progress(const struct supervisor *s, const struct child *c)
{
    char id[CHILD_ID];
    struct members m;

    if (!event_wanted(EVENT_INFO))
        return;
    members_begin(&m);
    members_text(&m, "server", child_title(c, id));
    members_text(&m, "app", c->code->app);
    members_text(&m, "vsn", c->code->vsn);
    members_int(&m, "restarts", c->restarts);
    members_text(&m, "supervisor", s->id);
    members_pid(&m, "pid", c->pid);
    event_emit_members(EVENT_INFO, "server.restart", &m);
}
