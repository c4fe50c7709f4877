/* SPDX-License-Identifier: Apache-2.0 */
#include "vet_judge.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "json_memory.h"
#include "place.h"

/* -- a child that ended without a report -- */

static const char *last_line(char *text)
{
    size_t len = strlen(text);
    char *line;

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        text[--len] = '\0';
    line = strrchr(text, '\n');
    return line ? line + 1 : text;
}

/* `what` ended by a signal, `where`. */
static int judge_signal(struct vet_verdict *v, const char *what, const char *where,
                        struct fault *why)
{
    const char *said = last_line(v->tail);
    const char *colon = said[0] ? ": " : "";

    if (v->code == SIGABRT)
        return fault(why, -ENOEXEC, "%s called abort(), or failed an assertion%s%s%s",
                     what, where, colon, said);
    if (v->code == SIGXCPU)
        return fault(why, -ENOEXEC, "%s did not come to an end%s", what, where);
    if (v->code == SIGXFSZ)
        return fault(why, -ENOEXEC, "%s wrote a very large file", what);
    if (v->code == SIGKILL)
        return fault(why, -ENOEXEC, "%s was killed, perhaps for want of memory", what);
    return fault(why, -ENOEXEC, "%s crashed with SIG%s (%s)%s%s%s", what,
                 sigabbrev_np(v->code), strsignal(v->code), where, colon, said);
}

/* " in code_change (counter.c:21)", as far as it is known. */
static void print_where(const struct place *place, char *text, size_t size)
{
    char line[160] = "";

    if (place->file[0])
        snprintf(line, sizeof(line), " (%s:%d)", place->file, place->line);
    snprintf(text, size, "%s%s%s", place->function[0] ? " in " : "", place->function,
             line);
}

/* In which function of a server, as an author calls it. */
static const char *function_of(const struct trial_progress *p,
                               const struct place *place)
{
    static const char *const hooks[] = {"code_change", "message_change"};

    for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++)
        if (strncmp(p->doing, hooks[i], strlen(hooks[i])) == 0)
            return hooks[i];
    return place->function;
}

/* Say what it was doing, where, and how it ended. */
static int judge_end(struct vet_verdict *v, unsigned timeout_ms, struct fault *why)
{
    const struct trial_progress *p = &v->progress;
    struct place place;
    char what[320], where[320];

    if (v->end == VET_NOT_STARTED)
        return fault(why, -v->code, "unable to vet: no process can be started: %s",
                     strerror(v->code));
    snprintf(what, sizeof(what), "%.95s%s%.127s%s%s", p->doing,
             p->server[0] ? " of server '" : "", p->server, p->server[0] ? "'" : "",
             p->with ? " (of the running version)" : "");
    trial_spot_find(&p->spot, &place);
    print_where(&place, where, sizeof(where));
    fault_where(why, NULL, NULL, p->server, function_of(p, &place));
    if (v->end == VET_TIMED_OUT)
        return fault(why, -ENOEXEC, "%s did not come to an end within %u ms%s", what,
                     timeout_ms, where);
    if (v->end == VET_SIGNALLED)
        return judge_signal(v, what, where, why);
    return fault(
        why, -ENOEXEC,
        "%s ended the process%s (exit status %d): a plugin must not call exit()", what,
        where, v->code);
}

/* -- a report -- */

/* In whose function, if it is known: that may be all that leads to the line. */
static void add_line(const struct trial_spot *spot, char *text, size_t size)
{
    struct place place;
    size_t len = strlen(text);

    trial_spot_find(spot, &place);
    if (place.file[0])
        snprintf(text + len, size - len, " (%s:%d)", place.file, place.line);
}

static int judge_report(json_t *report, const struct trial_spot *spot,
                        struct vet_report *out, struct fault *why)
{
    const char *app = "", *server = "", *field = "", *text = "";
    json_int_t state = -1;
    json_t *lints = NULL, *release = NULL;
    int error = -EBADMSG;
    char words[sizeof(why->text)];

    if (json_memory_lacked() ||
        json_unpack(report, "{s:i, s:o, s?o, s:s, s:s, s:s, s:s, s:I}", "error", &error,
                    "lints", &lints, "release", &release, "app", &app, "server",
                    &server, "field", &field, "text", &text, "state", &state) < 0 ||
        error > 0)
        return json_memory_lacked()
                   ? fault(why, -ENOMEM, "no memory for the report of its trial")
                   : fault(why, -ENOEXEC, "it spoilt the report of its trial");
    if (error) {
        out->state = (long)state;
        fault_where(why, NULL, app, server, field);
        snprintf(words, sizeof(words), "%s", text);
        add_line(spot, words, sizeof(words));
        return fault(why, error, "%s", words);
    }
    out->lints = json_incref(lints);
    out->release = json_incref(release);
    return 0;
}

int vet_judge(const struct vet_buffer *sent, struct vet_verdict *verdict,
              unsigned timeout_ms, struct vet_report *out, struct fault *why)
{
    size_t at = 0, len;
    const char *frame = vet_buffer_frame(sent, &at, &len);
    json_t *report;
    int err;

    out->state = verdict->progress.state;
    if (!frame || !verdict->progress.done)
        return judge_end(verdict, timeout_ms, why);
    json_memory_watch();
    report = json_loadb(frame, len, 0, NULL);
    err = judge_report(report, &verdict->progress.spot, out, why);
    json_memory_done();
    json_decref(report);
    return err;
}
