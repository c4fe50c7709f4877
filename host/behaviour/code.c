/* SPDX-License-Identifier: Apache-2.0 */
#include "code.h"

#include <errno.h>
#include <string.h>

#include "fault.h"
#include "schema.h"
#include "worker.h"

static int check_hooks(const struct code *code, struct fault *why)
{
    if (!code->server.save == !code->server.load)
        return 0;
    return fault(why, -EINVAL, "server '%s' has %s but no %s: set both or none",
                 code->id, code->server.save ? "save" : "load",
                 code->server.save ? "load" : "save");
}

int code_describe(struct code *code, code_step *step, struct fault *why)
{
    int error = check_hooks(code, why);

    if (error)
        return error;
    if (step)
        step("state()", code->id);
    code->schema = code->server.state ? code->server.state() : NULL;
    if (code->server.state && !code->schema)
        return fault(
            why, -EINVAL,
            "state() of server '%s' gives NULL: give what MOULT_STATE made, or "
            "leave .state out",
            code->id);
    if (step)
        step("its schema", code->id);
    error = code->schema ? schema_check(code->schema, why) : 0;
    if (code->schema && !error)
        code->layout = schema_layout(code->schema);
    return error;
}

uint32_t child_times(const moult_child *child)
{
    if (child->count == MOULT_ONE_PER_CORE)
        return workers_count();
    return child->count ? child->count : 1;
}

const struct code *code_find(const struct code_table *all, const char *id)
{
    for (size_t i = 0; all && i < all->count; i++)
        if (strcmp(all->codes[i].id, id) == 0)
            return &all->codes[i];
    return NULL;
}

moult_telemetry_function *code_handler(const struct code_table *all, const char *name)
{
    for (size_t i = 0; all && i < all->handler_count; i++)
        if (strcmp(all->handlers[i].name, name) == 0)
            return all->handlers[i].run;
    return NULL;
}

const struct code *code_declared(const struct code_table *all, const void *declared)
{
    for (size_t i = 0; all && i < all->count; i++)
        if (all->codes[i].declared == declared)
            return &all->codes[i];
    return NULL;
}
