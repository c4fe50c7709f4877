/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptor_check.h"

#include <errno.h>
#include <string.h>

#include "registry_server.h"
#include "utf8.h"
#include "via.h"

/* What the struct of ABI 1.0 had; it has only grown since. */
#define SERVER_SIZE_MIN (offsetof(moult_server, load) + sizeof(void *))

static bool is_text(const char *text, size_t limit)
{
    size_t len = strnlen(text, limit + 1);

    return len > 0 && len <= limit && utf8_valid(text, len);
}

static int check_names(const moult_child *c, size_t i, struct fault *why)
{
    /* The ids of a child with a count end with its number, as `.999999`. */
    size_t limit = c->count ? DESCRIPTOR_TEXT_MAX - 7 : DESCRIPTOR_TEXT_MAX;

    if (!is_text(c->id, limit))
        return fault(why, -EINVAL,
                     "the id of child %zu is not UTF-8 text of 1 to %zu bytes", i,
                     limit);
    if (strchr(c->id, '/'))
        return fault(
            why, -EINVAL,
            "the id of child '%s' has a '/', which stands between the ids of a "
            "supervisor and its child",
            c->id);
    if (c->name && !is_text(c->name, limit))
        return fault(
            why, -EINVAL,
            "the name of child '%s' is not UTF-8 text of 1 to %zu bytes: leave "
            "it NULL to register none",
            c->id, limit);
    if (c->name && via_is(c->name) && !via_valid(c->name))
        return fault(why, -EINVAL,
                     "the name '%s' of child '%s' is not whole: via:REGISTRY:KEY",
                     c->name, c->id);
    return 0;
}

int descriptor_check_child(const moult_child *c, size_t i, struct fault *why)
{
    int err = check_names(c, i, why);

    if (err)
        return err;
    if (!c->server && !c->supervisor)
        return fault(why, -EINVAL,
                     "child '%s' has no server: set .server, or .supervisor", c->id);
    if (c->server && c->supervisor)
        return fault(why, -EINVAL,
                     "child '%s' has a server and a supervisor: set one of them",
                     c->id);
    if (c->server && c->server->size < SERVER_SIZE_MIN)
        return fault(why, -EINVAL,
                     "the server of child '%s' says it has %u bytes: begin it with "
                     ".size = sizeof(moult_server)",
                     c->id, c->server->size);
    if (c->restart < MOULT_PERMANENT || c->restart > MOULT_TEMPORARY)
        return fault(why, -EINVAL,
                     "child '%s' has restart %d: MOULT_PERMANENT, MOULT_TRANSIENT or "
                     "MOULT_TEMPORARY",
                     c->id, c->restart);
    if (c->supervisor && (c->args || c->hibernate_after_ms))
        return fault(why, -EINVAL, "child '%s' is a supervisor and takes no %s", c->id,
                     c->args ? "args" : "hibernate_after_ms");
    if (c->renew != 0 && c->renew != 1)
        return fault(why, -EINVAL, "child '%s' has renew %d: 0 or 1", c->id, c->renew);
    if (c->significant != 0 && c->significant != 1)
        return fault(why, -EINVAL, "child '%s' has significant %d: 0 or 1", c->id,
                     c->significant);
    if (c->backoff_most_ms && c->backoff_most_ms < c->backoff_ms)
        return fault(why, -EINVAL,
                     "child '%s' has backoff_ms %u, more than backoff_most_ms %u",
                     c->id, c->backoff_ms, c->backoff_most_ms);
    if (c->count > DESCRIPTOR_COUNT_MAX && c->count != MOULT_ONE_PER_CORE)
        return fault(why, -EINVAL, "child '%s' has count %u, more than %u", c->id,
                     c->count, DESCRIPTOR_COUNT_MAX);
    if (c->mailbox_limit > DESCRIPTOR_MAILBOX_MAX)
        return fault(why, -EINVAL, "child '%s' has mailbox_limit %u, more than %u",
                     c->id, c->mailbox_limit, DESCRIPTOR_MAILBOX_MAX);
    if (c->stack_size > DESCRIPTOR_STACK_MAX)
        return fault(why, -EINVAL, "child '%s' has stack_size %u, more than %u", c->id,
                     c->stack_size, DESCRIPTOR_STACK_MAX);
    return 0;
}

static const char *named(const char *id)
{
    return id[0] ? id : "of the application";
}

static int check_listed(const moult_supervisor *s, const char *id, size_t count,
                        struct fault *why)
{
    if (s->strategy == MOULT_SIMPLE_ONE_FOR_ONE && count != 1)
        return fault(
            why, -EINVAL,
            "supervisor '%s' is simple_one_for_one and lists %zu children: list "
            "the one that all are made from",
            named(id), count);
    if (s->strategy == MOULT_DYNAMIC && count != 0)
        return fault(
            why, -EINVAL,
            "supervisor '%s' is dynamic and lists %zu children: list none, and "
            "what they run in `templates`",
            named(id), count);
    if (s->strategy != MOULT_DYNAMIC && (s->max_children || s->args))
        return fault(why, -EINVAL,
                     "supervisor '%s' has %s, which is for MOULT_DYNAMIC only",
                     named(id), s->args ? "args" : "max_children");
    return 0;
}

int descriptor_check_supervisor(const moult_supervisor *s, const char *id, size_t count,
                                struct fault *why)
{
    if (s->strategy < MOULT_ONE_FOR_ONE || s->strategy > MOULT_DYNAMIC)
        return fault(
            why, -EINVAL,
            "supervisor '%s' has strategy %d: MOULT_ONE_FOR_ONE, "
            "MOULT_ONE_FOR_ALL, MOULT_REST_FOR_ONE, MOULT_SIMPLE_ONE_FOR_ONE or "
            "MOULT_DYNAMIC",
            named(id), s->strategy);
    if (s->auto_shutdown < MOULT_AUTO_SHUTDOWN_NEVER ||
        s->auto_shutdown > MOULT_ALL_SIGNIFICANT)
        return fault(why, -EINVAL,
                     "supervisor '%s' has auto_shutdown %d: MOULT_AUTO_SHUTDOWN_NEVER, "
                     "MOULT_ANY_SIGNIFICANT or MOULT_ALL_SIGNIFICANT",
                     named(id), s->auto_shutdown);
    return check_listed(s, id, count, why);
}

int descriptor_check_below(const moult_child *c, const moult_supervisor *s,
                           struct fault *why)
{
    if (c->significant && c->restart == MOULT_PERMANENT)
        return fault(why, -EINVAL,
                     "child '%s' is significant and permanent: its end is never for "
                     "good, so make it transient or temporary",
                     c->id);
    if (c->significant && s->auto_shutdown == MOULT_AUTO_SHUTDOWN_NEVER)
        return fault(why, -EINVAL,
                     "child '%s' is significant, and its supervisor has no "
                     "auto_shutdown",
                     c->id);
    if (s->strategy == MOULT_SIMPLE_ONE_FOR_ONE && (c->name || c->count))
        return fault(why, -EINVAL,
                     "child '%s' of a simple_one_for_one supervisor has a %s: many are "
                     "made from it, when they are asked for",
                     c->id, c->name ? "name" : "count");
    return 0;
}

int descriptor_check_registry(const struct code *code, struct fault *why)
{
    struct registry_spec spec;
    struct fault wrong = {0};

    if (registry_options(moult_in_over(code->args, code->args_len), &spec, &wrong) == 0)
        return 0;
    return fault(why, wrong.error, "the args of child '%s': %s", code->id, wrong.text);
}

int descriptor_check_unique(const struct descriptor *d, size_t i, struct fault *why)
{
    const moult_child *c = &d->children[i];
    const char *id = d->codes[i].id;

    for (size_t k = 0; k < i; k++) {
        const moult_child *other = &d->children[k];

        if (strcmp(d->codes[k].id, id) == 0)
            return fault(why, -EINVAL, "it has two children with id '%s'", id);
        if (c->name && other->name && strcmp(other->name, c->name) == 0)
            return fault(why, -EINVAL, "its children '%s' and '%s' have one name, '%s'",
                         d->codes[k].id, id, c->name);
    }
    return 0;
}
