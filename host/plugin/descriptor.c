/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appspec.h"
#include "descriptor_check.h"
#include "encoded.h"
#include "manager.h"
#include "statem.h"

/* What the structs of ABI 1.0 had; they have only grown since. */
#define PLUGIN_SIZE_MIN     (offsetof(struct moult_plugin, period_s) + sizeof(uint32_t))
#define CHILD_SIZE_MIN      (offsetof(moult_child, stack_size) + sizeof(uint32_t))
#define SUPERVISOR_SIZE_MIN (offsetof(moult_supervisor, args) + sizeof(char *))

/* What is `size` bytes at `from`, as `own` bytes at `to`, which are zero. */
static void copy_known(void *to, size_t own, const void *from, size_t size)
{
    memcpy(to, from, size < own ? size : own);
}

static int no_memory(struct fault *why)
{
    return fault(why, -ENOMEM, "no memory to load a plugin");
}

/* Replace a text of the plugin's by a copy; NULL stays. */
static int own_text(const char **text, struct fault *why)
{
    const char *copy = *text ? strdup(*text) : NULL;

    if (*text && !copy) {
        *text = NULL;
        return no_memory(why);
    }
    *text = copy;
    return 0;
}

static int check_plugin(const struct moult_plugin *p, struct fault *why)
{
    if (p->magic != MOULT_MAGIC)
        return fault(why, -EINVAL,
                     "its moult_plugin is no descriptor: define it with "
                     "MOULT_PLUGIN");
    if (p->abi_major != MOULT_ABI_MAJOR || p->abi_minor > MOULT_ABI_MINOR ||
        p->size < PLUGIN_SIZE_MIN || p->child_size < CHILD_SIZE_MIN ||
        p->field_size != sizeof(moult_field))
        return fault(
            why, -ELIBBAD,
            "it is built for moult's ABI %u.%u, this host has %u.%u: build it with "
            "this host's headers",
            p->abi_major, p->abi_minor, MOULT_ABI_MAJOR, MOULT_ABI_MINOR);
    if (!p->name || !p->vsn)
        return fault(why, -EINVAL,
                     "it has no name or no vsn: build it with "
                     "moult_add_plugin()");
    return 0;
}

/* The `i`th of a list of the plugin's children, as our struct. */
static moult_child child_at(const struct moult_plugin *p, const moult_child *list,
                            size_t i)
{
    moult_child child = {0};

    copy_known(&child, sizeof(child), (const char *)list + i * p->child_size,
               p->child_size);
    return child;
}

static moult_supervisor supervisor_at(const moult_supervisor *from)
{
    moult_supervisor copy = {0};

    copy_known(&copy, sizeof(copy), from, from->size);
    return copy;
}

/* How much there is to copy. */
struct extent {
    size_t children, supervisors;
};

/* Add what is in `list` and below it. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as supervisors are nested */
static int measure(const struct moult_plugin *p, const moult_child *list,
                   unsigned depth, struct extent *all, struct fault *why)
{
    int err = 0;

    if (depth > DESCRIPTOR_DEPTH_MAX)
        return fault(why, -EINVAL, "its supervisors are nested more than %u deep",
                     DESCRIPTOR_DEPTH_MAX);
    for (size_t i = 0; list && !err; i++) {
        moult_child c = child_at(p, list, i);

        if (!c.id)
            break;
        if (++all->children > DESCRIPTOR_CHILDREN_MAX)
            return fault(why, -EINVAL,
                         "it has more than %u children: end the list with {.id = NULL}",
                         DESCRIPTOR_CHILDREN_MAX);
        if (!c.supervisor)
            continue;
        all->supervisors++;
        if (c.supervisor->size < SUPERVISOR_SIZE_MIN)
            return fault(why, -EINVAL,
                         "a supervisor says it has %u bytes: begin it with .size = "
                         "sizeof(moult_supervisor)",
                         c.supervisor->size);
        err = measure(p, supervisor_at(c.supervisor).children, depth + 1, all, why);
    }
    return err;
}

/* Encode the args, once for all starts. */
static int take_args(const char *id, const char *text, const void **args,
                     size_t *args_len, struct fault *why)
{
    char what[DESCRIPTOR_TEXT_MAX + 32];
    void *bytes = NULL;
    int err;

    snprintf(what, sizeof(what), "the args of child '%s'", id);
    err = encoded_text(what, text, &bytes, args_len, why);
    *args = bytes;
    return err;
}

/* -- children -- */

/* What is being copied. */
struct taking {
    const struct moult_plugin *from;
    struct descriptor *d;
    descriptor_step *step;
    size_t branches, listed; /* of the copy, used so far */
};

static int take_server(struct taking *t, struct code *code, const moult_child *child,
                       struct fault *why)
{
    int err;

    code->declared = child->server;
    copy_known(&code->server, sizeof(code->server), child->server, child->server->size);
    err = take_args(code->id, child->args, &code->args, &code->args_len, why);
    if (!err && child->server == &moult_registry)
        err = descriptor_check_registry(code, why);
    if (!err)
        err = code_describe(code, t->step, why);
    if (!err)
        err = statem_take(code, why);
    return err ? err : manager_take(code, t->step, why);
}

static int take_id(struct code *code, const char *above, struct fault *why)
{
    const char *slash = above[0] ? "/" : "";
    char id[DESCRIPTOR_TEXT_MAX + 1];
    int len = snprintf(id, sizeof(id), "%s%s%s", above, slash, code->child->id);

    if (len > (int)DESCRIPTOR_TEXT_MAX)
        return fault(why, -EINVAL,
                     "the id of child '%s' and those of the supervisors above it have "
                     "more than %u bytes together",
                     code->child->id, DESCRIPTOR_TEXT_MAX);
    code->id = strdup(id);
    return code->id ? 0 : no_memory(why);
}

/* Each text is a copy or NULL then, so that all can be freed. */
static int own_texts(moult_child *child, struct fault *why)
{
    int err = own_text(&child->id, why), failed;

    failed = own_text(&child->name, why);
    err = err ? err : failed;
    failed = own_text(&child->args, why);
    return err ? err : failed;
}

/* Copy `child`, which is below the supervisor called `above`, and not what is below it. */
static int take_child(struct taking *t, moult_child child, const char *above,
                      struct code **out, struct fault *why)
{
    struct descriptor *d = t->d;
    struct code *code = &d->codes[d->count];
    moult_child *own = &d->children[d->count];
    int err;

    *own = child;
    err = own_texts(own, why);
    code->app = d->plugin.name;
    code->vsn = d->plugin.vsn;
    code->all = d->all;
    code->child = own;
    d->count++;
    if (!err)
        err = take_id(code, above, why);
    if (!err)
        err = descriptor_check_unique(d, d->count - 1, why);
    if (!err && child.server)
        err = take_server(t, code, &child, why);
    else if (!err)
        code->declared = child.supervisor;
    own->server = child.server ? &code->server : NULL;
    own->supervisor = NULL; /* its branch is what counts */
    if (err)
        fault_where(why, NULL, d->plugin.name, code->id, NULL);
    *out = code;
    return err;
}

static int take_supervisor(struct taking *t, const moult_supervisor *s, const char *id,
                           bool is_template, const struct branch **out,
                           struct fault *why);

/* Copy a list of children of `s`, which is called `id`, and what is below them. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as supervisors are nested */
static int take_list(struct taking *t, const moult_supervisor *s, const char *id,
                     bool is_template, struct branch *branch, struct fault *why)
{
    const struct code **list = t->d->listed + t->listed;
    int err = 0;

    branch->codes = list;
    t->listed += branch->count;
    for (size_t i = 0; i < branch->count && !err; i++) {
        moult_child child = child_at(t->from, s->children, i);
        struct code *code;

        err = descriptor_check_child(&child, i, why);
        if (!err)
            err = descriptor_check_below(&child, s, why);
        if (!err)
            err = take_child(t, child, id, &code, why);
        if (err)
            return err;
        list[i] = code;
        code->is_template = is_template;
        if (child.supervisor) {
            moult_supervisor below = supervisor_at(child.supervisor);

            err = take_supervisor(t, &below, code->id, is_template, &code->branch, why);
        }
    }
    return err;
}

static size_t count_list(const struct moult_plugin *p, const moult_child *list)
{
    size_t count = 0;

    while (list && child_at(p, list, count).id)
        count++;
    return count;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as supervisors are nested */
static int take_supervisor(struct taking *t, const moult_supervisor *s, const char *id,
                           bool is_template, const struct branch **out,
                           struct fault *why)
{
    struct branch *branch = &t->d->branches[t->branches++];
    int err;

    *branch = (struct branch){.count = count_list(t->from, s->children),
                              .intensity = s->intensity,
                              .period_s = s->period_s,
                              .strategy = s->strategy,
                              .auto_shutdown = s->auto_shutdown,
                              .max_children = s->max_children,
                              .all = t->d->all};
    *out = branch;
    t->d->branch_count = t->branches;
    err = descriptor_check_supervisor(s, id, branch->count, why);
    if (!err && s->args)
        err = take_args(id, s->args, &branch->args, &branch->args_len, why);
    if (err)
        return err;
    return take_list(t, s, id, is_template || branch_is_dynamic(branch), branch, why);
}

static int allocate(struct descriptor *d, const struct extent *e, struct fault *why)
{
    d->children = calloc(e->children + 1, sizeof(*d->children));
    d->codes = calloc(e->children + 1, sizeof(*d->codes));
    d->branches = calloc(e->supervisors + 1, sizeof(*d->branches));
    d->listed = calloc(e->children + 1, sizeof(*d->listed));
    d->all = calloc(1, sizeof(*d->all));
    return d->children && d->codes && d->branches && d->listed && d->all
               ? 0
               : no_memory(why);
}

static int take_children(struct descriptor *d, const struct moult_plugin *from,
                         descriptor_step *step, struct fault *why)
{
    struct taking t = {.from = from, .d = d, .step = step};
    moult_supervisor top = {.children = from->children,
                            .intensity = from->intensity,
                            .period_s = from->period_s,
                            .strategy = from->strategy,
                            .auto_shutdown = from->auto_shutdown};
    /* Those that a supervisor is not known yet for may be all that any may be. */
    moult_supervisor any = {.children = from->templates,
                            .auto_shutdown = MOULT_ANY_SIGNIFICANT};
    struct branch templates = {.count = count_list(from, from->templates)};
    struct extent extent = {0};
    const struct branch *branch;
    int err = measure(from, from->children, 0, &extent, why);

    if (!err)
        err = measure(from, from->templates, 0, &extent, why);
    if (!err)
        err = allocate(d, &extent, why);
    if (!err)
        err = take_supervisor(&t, &top, "", false, &branch, why);
    if (!err)
        err = take_list(&t, &any, "", true, &templates, why);
    if (err)
        return err;
    *d->all = (struct code_table){d->codes, d->count, d->resource.handlers,
                                  d->resource.handler_count};
    if (d->resource.mod)
        d->resource.mod->code.all = d->all;
    return 0;
}

int descriptor_take(const struct moult_plugin *plugin, descriptor_step *step,
                    struct descriptor *out, struct fault *why)
{
    struct moult_plugin copy = {0};
    int err, failed;

    *out = (struct descriptor){0};
    copy_known(&copy, sizeof(copy), plugin, plugin->size);
    err = check_plugin(&copy, why);
    if (err)
        return err;
    out->plugin = copy;
    appspec_forget(&out->plugin);
    out->plugin.appup = NULL;
    out->plugin.children = out->plugin.templates = NULL;
    err = own_text(&out->plugin.name, why);
    failed = own_text(&out->plugin.vsn, why);
    err = err ? err : failed;
    failed = own_text(&out->plugin.description, why);
    err = err ? err : failed;
    if (!err)
        err = appspec_take(&copy, &out->resource, why);
    if (!err)
        err = appspec_check(&out->resource, out->plugin.name, why);
    if (!err)
        err = appup_take(&copy, &out->appup, why);
    if (!err)
        err = take_children(out, &copy, step, why);
    if (err)
        descriptor_release(out);
    return err;
}

void descriptor_release(struct descriptor *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free((char *)d->children[i].id);
        free((char *)d->children[i].name);
        free((char *)d->children[i].args);
        free((void *)d->codes[i].args);
        free((char *)d->codes[i].id);
        manager_forget(&d->codes[i]);
    }
    for (size_t i = 0; i < d->branch_count; i++)
        free((void *)d->branches[i].args);
    free(d->children);
    free(d->codes);
    free(d->branches);
    free(d->listed);
    free(d->all);
    appspec_release(&d->resource);
    appup_release(&d->appup);
    free((char *)d->plugin.name);
    free((char *)d->plugin.vsn);
    free((char *)d->plugin.description);
    *d = (struct descriptor){0};
}
