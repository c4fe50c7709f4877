/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "json.h"
#include "name.h"

/* The number before `end`, which is passed too; false if there is no such number. */
static bool take_number(const char **at, char end, uint32_t *number)
{
    char *after;
    unsigned long value;

    if (**at < '0' || **at > '9')
        return false;
    value = strtoul(*at, &after, 10);
    if (*after != end || value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    *at = after + (end != 0);
    return true;
}

moult_pid asking_find(const char *whom)
{
    moult_pid pid = name_find(whom);
    bool in_brackets = *whom == '<';
    uint32_t node, index, generation;
    const char *at = whom + in_brackets;

    if (pid.bits || !take_number(&at, '.', &node) || !take_number(&at, '.', &index) ||
        !take_number(&at, in_brackets ? '>' : 0, &generation) || *at || node != 0)
        return pid;
    pid = pid_make(index, generation);
    return process_is_alive(pid) ? pid : (moult_pid){0};
}

void asking_failed(struct request *request, int error, const char *whom,
                   const char *text)
{
    struct fault why = {0};

    fault_where(&why, NULL, NULL, whom, NULL);
    fault(&why, error, "%s", text);
    request_fault(request, &why);
}

void asking_nobody(struct request *request, const char *whom)
{
    struct fault why = {0};

    fault_where(&why, NULL, NULL, whom, NULL);
    fault(&why, -ENOENT, "no process is registered as '%s'; `moult ps` lists them",
          whom);
    request_fault(request, &why);
}

void asking_name(json_t *object, moult_pid pid)
{
    char text[PID_TEXT], name[NAME_MAX_LEN + 1];

    name_of(pid, name);
    json_object_set_new(object, "name", json_string(name));
    json_object_set_new(object, "pid", json_string(pid_print(pid, text)));
}

/* What was asked, until the reply comes. */
struct asked {
    struct request *request;
    moult_pid pid;
    asking_shape *shape;
    char whom[];
};

static void reply_came(void *context, int error, const char *text, moult_in *in)
{
    struct asked *asked = context;
    struct fault why = {0};
    json_t *reply = error ? NULL : json_from_cbor(in, &why);

    if (error) {
        asking_failed(asked->request, error, asked->whom, text);
    } else if (reply) {
        if (asked->shape && json_is_object(reply))
            asked->shape(reply, asked->pid);
        request_reply(asked->request, reply);
    } else {
        request_fault(asked->request, &why);
    }
    free(asked);
}

void asking_pid(struct request *request, const char *whom, moult_pid pid,
                struct envelope *e, uint64_t timeout_ms, asking_shape *shape)
{
    struct asked *asked = malloc(sizeof(*asked) + strlen(whom) + 1);

    if (!e || !asked) {
        envelope_destroy(e);
    } else {
        asked->request = request;
        asked->pid = pid;
        asked->shape = shape;
        strcpy(asked->whom, whom);
        if (ask(pid, e, timeout_ms, reply_came, asked) == 0)
            return;
    }
    free(asked);
    asking_failed(request, -ENOMEM, whom, "no memory for the call");
}

void asking(struct request *request, const char *whom, struct envelope *e,
            uint64_t timeout_ms, asking_shape *shape)
{
    moult_pid pid = asking_find(whom);

    if (pid.bits) {
        asking_pid(request, whom, pid, e, timeout_ms, shape);
        return;
    }
    envelope_destroy(e);
    asking_nobody(request, whom);
}
