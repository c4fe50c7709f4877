/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager.h"

/* What the structs of their first versions had; they only grow. */
#define MANAGER_SIZE_MIN sizeof(moult_manager)
#define HANDLER_SIZE_MIN sizeof(moult_handler)

#define KINDS_MOST 1024u /* of one manager */

const struct code *manager_kind(const struct code *code, const char *name)
{
    size_t len = strcspn(name, "/");

    for (size_t i = 0; i < code->kind_count; i++) {
        const char *kind = code->kinds[i].handler.name;

        if (kind && strlen(kind) == len && memcmp(kind, name, len) == 0)
            return &code->kinds[i];
    }
    return NULL;
}

static int check_manager(const struct code *code, struct fault *why)
{
    const moult_server *s = &code->server;

    if (s->manager->size < MANAGER_SIZE_MIN)
        return fault(why, -EINVAL,
                     "the manager of server '%s' says it has %u bytes: begin it with "
                     ".size = sizeof(moult_manager)",
                     code->id, s->manager->size);
    if (s->format || s->state || s->init || s->handle_call || s->handle_cast ||
        s->handle_info || s->handle_continue || s->terminate || s->code_change ||
        s->save || s->load || s->statem || s->message_format || s->message_change)
        return fault(why, -EINVAL,
                     "server '%s' has a manager and something else: its handlers have "
                     "the states and callbacks",
                     code->id);
    if (!s->manager->handlers || !s->manager->handlers[0])
        return fault(why, -EINVAL,
                     "the manager of server '%s' lists no kinds of handlers", code->id);
    return 0;
}

/* `h` is the `i`th that the plugin lists. */
static int check_handler(const struct code *code, const moult_handler *h, size_t i,
                         struct fault *why)
{
    if (h->size < HANDLER_SIZE_MIN)
        return fault(why, -EINVAL,
                     "handler %zu of server '%s' says it has %u bytes: begin it with "
                     ".size = sizeof(moult_handler)",
                     i, code->id, h->size);
    if (!h->name || !h->name[0] || strlen(h->name) > HANDLER_NAME_MAX ||
        strchr(h->name, '/'))
        return fault(why, -EINVAL,
                     "handler %zu of server '%s' has no name of 1 to %u bytes without "
                     "'/'",
                     i, code->id, HANDLER_NAME_MAX);
    if (manager_kind(code, h->name))
        return fault(why, -EINVAL, "server '%s' lists handler '%s' twice", code->id,
                     h->name);
    return 0;
}

/* A handler as if it were a server: what carries the state of one needs to know. */
static int take_kind(struct code *code, const moult_handler *h, code_step *step,
                     struct fault *why)
{
    struct code *kind = &code->kinds[code->kind_count];
    size_t size = strlen(code->id) + strlen(h->name) + 2;
    char *id = malloc(size);

    if (!id)
        return fault(why, -ENOMEM, "no memory to load a plugin");
    snprintf(id, size, "%s/%s", code->id, h->name);
    *kind = (struct code){.app = code->app,
                          .vsn = code->vsn,
                          .id = id,
                          .child = code->child,
                          .server = {.size = sizeof(moult_server),
                                     .format = h->format,
                                     .state = h->state,
                                     .code_change = h->code_change,
                                     .save = h->save,
                                     .load = h->load}};
    memcpy(&kind->handler, h, sizeof(*h));
    code->kind_count++;
    return code_describe(kind, step, why);
}

int manager_take(struct code *code, code_step *step, struct fault *why)
{
    const moult_manager *own = code->server.manager;
    int error = own ? check_manager(code, why) : 0;
    size_t count = 0;

    if (!own || error)
        return error;
    while (own->handlers[count] && count < KINDS_MOST)
        count++;
    if (own->handlers[count])
        return fault(why, -EINVAL,
                     "server '%s' lists more than %u handlers: end the list with NULL",
                     code->id, KINDS_MOST);
    code->kinds = calloc(count + 1, sizeof(*code->kinds));
    if (!code->kinds)
        return fault(why, -ENOMEM, "no memory to load a plugin");
    for (size_t i = 0; i < count && !error; i++) {
        error = check_handler(code, own->handlers[i], i, why);
        if (!error)
            error = take_kind(code, own->handlers[i], step, why);
    }
    return error;
}

void manager_forget(struct code *code)
{
    for (size_t i = 0; i < code->kind_count; i++)
        free((char *)code->kinds[i].id); /* its own copy */
    free(code->kinds);
    code->kinds = NULL;
    code->kind_count = 0;
}
