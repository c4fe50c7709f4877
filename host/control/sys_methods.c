/* SPDX-License-Identifier: Apache-2.0 */
#include "sys_methods.h"

#include <errno.h>

#include "application.h"
#include "asking.h"
#include "params.h"
#include "server.h"

#define LIST_MOST 1000u /* children that are listed, unless asked otherwise */

static struct envelope *system_request(int32_t what)
{
    struct envelope *e = envelope_create(ENVELOPE_SYSTEM);

    if (e)
        e->code = what;
    return e;
}

static struct envelope *with_bool(struct envelope *e, bool value)
{
    if (e)
        moult_put_bool(&e->out, value);
    return e;
}

/* Of a request whose only parameter is `name`: that, or NULL and it is answered. */
static const char *only_name(struct request *request)
{
    struct params p = params_of(request);
    const char *name = params_text(&p, "name");

    return params_refused(&p, request) ? NULL : name;
}

void sys_state(struct request *request, void *context)
{
    const char *name = only_name(request);

    if (name)
        asking(request, name, with_bool(system_request(SYSTEM_STATE), true), ASKING_MS,
               asking_name);
}

void sys_suspend(struct request *request, void *context)
{
    const char *name = only_name(request);

    if (name)
        asking(request, name, system_request(SYS_SUSPEND), ASKING_MS, NULL);
}

void sys_resume(struct request *request, void *context)
{
    const char *name = only_name(request);

    if (name)
        asking(request, name, system_request(SYS_RESUME), ASKING_MS, NULL);
}

void sys_statistics(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *name = params_text(&p, "name");
    json_t *on = params_find(&p, "on");

    if (on && !json_is_boolean(on))
        params_wrong(&p, "'on' must be true or false");
    if (params_refused(&p, request))
        return;
    if (on)
        asking(request, name,
               with_bool(system_request(SYS_STATISTICS), json_is_true(on)), ASKING_MS,
               NULL);
    else
        asking(request, name, system_request(SYS_GET_STATISTICS), ASKING_MS, NULL);
}

/* -- the children of a supervisor -- */

/* By its name or pid, or by the application that it is the top supervisor of. */
static moult_pid find_supervisor(const char *whom)
{
    struct application *app = application_find(whom);
    moult_pid pid = asking_find(whom);
    struct process *p = process_find(pid);

    if ((p && p->class == &supervisor_class) || !app ||
        app->status != APPLICATION_RUNNING)
        return pid;
    return app->supervisor;
}

void sys_children(struct request *request, void *context)
{
    struct params p = params_of(request);
    const char *name = params_text(&p, "name");
    uint64_t limit = params_uint_or(&p, "limit", LIST_MOST, 1, UINT32_MAX);
    struct envelope *e;
    struct process *found;
    moult_pid pid;

    if (params_refused(&p, request))
        return;
    pid = find_supervisor(name);
    found = process_find(pid);
    if (!found) {
        asking_nobody(request, name);
    } else if (found->class != &supervisor_class) {
        asking_failed(request, -ENOTSUP, name, "it is no supervisor");
    } else {
        e = system_request(SYSTEM_CHILDREN);
        if (e)
            moult_put_uint(&e->out, limit);
        asking_pid(request, name, pid, e, ASKING_MS, asking_name);
    }
}
