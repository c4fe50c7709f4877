/* SPDX-License-Identifier: Apache-2.0 */
#include "info_method.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "asking.h"
#include "json.h"
#include "params.h"
#include "processes.h"

#define ANCESTORS 64u
#define LOOK_MS   1000u /* a process that computes answers when it comes to wait */

/* One request: the process is asked, then its parent, and so on. */
struct info {
    struct request *request;
    json_t *answer, *ancestors;
    moult_pid pid; /* that is asked */
    char whom[];
};

static void finish(struct info *info)
{
    json_object_set_new(info->answer, "ancestors", info->ancestors);
    request_reply(info->request, info->answer);
    free(info);
}

static void give_up(struct info *info, int error, const char *text)
{
    json_decref(info->ancestors);
    asking_failed(info->request, error, info->whom, text);
    free(info);
}

/* It does not come to look at what it is asked: what can be seen from outside. */
static void describe_busy(struct info *info)
{
    info->answer = processes_figures(info->pid);
    if (info->answer)
        finish(info);
    else
        give_up(info, -ESRCH, "it has ended");
}

static void look_came(void *context, int error, const char *text, moult_in *in);

/* True if `pid` will answer. */
static bool look_at(struct info *info, moult_pid pid)
{
    struct envelope *e = envelope_create(ENVELOPE_LOOK);

    info->pid = pid;
    return e && ask(pid, e, LOOK_MS, look_came, info) == 0;
}

/* `look`, of the process that was asked, or of one above it. */
static void take(struct info *info, json_t *look)
{
    json_t *name = json_object_get(look, "name");

    if (!info->answer) {
        info->answer = look;
        return;
    }
    json_array_append_new(
        info->ancestors,
        json_pack("{s:O, s:O}", "pid", json_object_get(look, "pid"), "name",
                  json_is_string(name) ? name : json_object_get(look, "label")));
    json_decref(look);
}

static void look_came(void *context, int error, const char *text, moult_in *in)
{
    struct info *info = context;
    moult_in parent = error ? (moult_in){0} : *in;
    bool has_parent = !error && moult_find(&parent, "parent", &parent) &&
                      moult_peek(&parent) != MOULT_NULL;
    moult_pid above = has_parent ? moult_get_pid(&parent) : (moult_pid){0};
    json_t *look = error ? NULL : json_from_cbor(in, NULL);

    if (!look && !info->answer && error == -ETIMEDOUT) {
        describe_busy(info);
        return;
    }
    if (!look && !info->answer) {
        give_up(info, error ? error : -ENOMEM, text);
        return;
    }
    if (look)
        take(info, look);
    /* One that no supervisor started is its own parent. */
    if (!look || !above.bits || moult_pid_equal(above, info->pid) ||
        json_array_size(info->ancestors) == ANCESTORS || !look_at(info, above))
        finish(info);
}

static void begin(struct request *request, const char *name, moult_pid pid)
{
    struct info *info = calloc(1, sizeof(*info) + strlen(name) + 1);

    if (!info) {
        asking_failed(request, -ENOMEM, name, "no memory to look at it");
        return;
    }
    info->request = request;
    info->ancestors = json_array();
    strcpy(info->whom, name);
    if (!look_at(info, pid))
        give_up(info, -ENOMEM, "no memory to look at it");
}

void info_method(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *name = params_text(&p, "name");
    moult_pid pid;

    if (params_refused(&p, request))
        return;
    pid = asking_find(name);
    if (pid.bits)
        begin(request, name, pid);
    else
        asking_nobody(request, name);
}
