/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptor.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "out.h"
#include "schema.h"
#include "utf8.h"

/* What the structs of ABI 1.0 had; they have only grown since. */
#define PLUGIN_SIZE_MIN (offsetof(struct moult_plugin, period_s) + sizeof(uint32_t))
#define CHILD_SIZE_MIN  (offsetof(moult_child, stack_size) + sizeof(uint32_t))
#define SERVER_SIZE_MIN (offsetof(moult_server, load) + sizeof(void *))

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

static bool is_text(const char *text, size_t limit)
{
    size_t len = strnlen(text, limit + 1);

    return len > 0 && len <= limit && utf8_valid(text, len);
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

/* The `i`th of the plugin's children, as our struct. */
static moult_child child_at(const struct moult_plugin *p, size_t i)
{
    moult_child child = {0};

    copy_known(&child, sizeof(child), (const char *)p->children + i * p->child_size,
               p->child_size);
    return child;
}

static int count_children(const struct moult_plugin *p, size_t *count,
                          struct fault *why)
{
    *count = 0;
    while (p->children && child_at(p, *count).id)
        if (++*count > DESCRIPTOR_CHILDREN_MAX)
            return fault(why, -EINVAL,
                         "it has more than %u children: end the list with {.id = NULL}",
                         DESCRIPTOR_CHILDREN_MAX);
    return 0;
}

static int check_names(const moult_child *c, size_t i, struct fault *why)
{
    /* The ids of a child with a count end with its number, as `.999999`. */
    size_t limit = c->count ? DESCRIPTOR_TEXT_MAX - 7 : DESCRIPTOR_TEXT_MAX;

    if (!is_text(c->id, limit))
        return fault(why, -EINVAL,
                     "the id of child %zu is not UTF-8 text of 1 to %zu bytes", i,
                     limit);
    if (c->name && !is_text(c->name, limit))
        return fault(
            why, -EINVAL,
            "the name of child '%s' is not UTF-8 text of 1 to %zu bytes: leave "
            "it NULL to register none",
            c->id, limit);
    return 0;
}

static int check_child(const moult_child *c, size_t i, struct fault *why)
{
    int err = check_names(c, i, why);

    if (err)
        return err;
    if (!c->server)
        return fault(why, -EINVAL, "child '%s' has no server: set .server", c->id);
    if (c->server->size < SERVER_SIZE_MIN)
        return fault(why, -EINVAL,
                     "the server of child '%s' says it has %u bytes: begin it with "
                     ".size = sizeof(moult_server)",
                     c->id, c->server->size);
    if (c->restart < MOULT_PERMANENT || c->restart > MOULT_TEMPORARY)
        return fault(why, -EINVAL,
                     "child '%s' has restart %d: MOULT_PERMANENT, MOULT_TRANSIENT or "
                     "MOULT_TEMPORARY",
                     c->id, c->restart);
    if (c->count > DESCRIPTOR_COUNT_MAX)
        return fault(why, -EINVAL, "child '%s' has count %u, more than %u", c->id,
                     c->count, DESCRIPTOR_COUNT_MAX);
    if (c->stack_size > DESCRIPTOR_STACK_MAX)
        return fault(why, -EINVAL, "child '%s' has stack_size %u, more than %u", c->id,
                     c->stack_size, DESCRIPTOR_STACK_MAX);
    return 0;
}

static int check_unique(const struct descriptor *d, size_t i, struct fault *why)
{
    const moult_child *c = &d->children[i];

    for (size_t k = 0; k < i; k++) {
        const moult_child *other = &d->children[k];

        if (strcmp(other->id, c->id) == 0)
            return fault(why, -EINVAL, "it has two children with id '%s'", c->id);
        if (c->name && other->name && strcmp(other->name, c->name) == 0)
            return fault(why, -EINVAL, "its children '%s' and '%s' have one name, '%s'",
                         other->id, c->id, c->name);
    }
    return 0;
}

/* Encode the args, once for all starts. */
static int take_args(struct code *code, const char *text, struct fault *why)
{
    json_error_t error;
    json_t *json = json_loads(text ? text : "null",
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    moult_out out;
    uint32_t len = 0;
    int err;

    if (!json)
        return fault(why, -EINVAL, "the args of child '%s' are not JSON: %s", code->id,
                     error.text);
    out_init(&out, NULL, 0);
    err = json_to_cbor(json, &out, NULL);
    json_decref(json);
    if (!err) {
        code->args = out_give(&out, &len);
        code->args_len = len;
        err = code->args ? 0 : -ENOMEM;
    }
    out_release(&out);
    return err ? fault(why, err, "the args of child '%s' can't be encoded: %s",
                       code->id, moult_strerror(err))
               : 0;
}

static int take_schema(struct code *code, descriptor_step *step, struct fault *why)
{
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
    if (code->schema) {
        int err = schema_check(code->schema, why);

        if (err)
            return err;
        code->layout = schema_layout(code->schema);
    }
    return 0;
}

static int check_server(const struct code *code, struct fault *why)
{
    if (!code->server.save != !code->server.load)
        return fault(why, -EINVAL, "server '%s' has %s but no %s: set both or none",
                     code->id, code->server.save ? "save" : "load",
                     code->server.save ? "load" : "save");
    return 0;
}

static int take_code(struct descriptor *d, size_t i, descriptor_step *step,
                     struct fault *why)
{
    moult_child *child = &d->children[i];
    struct code *code = &d->codes[i];
    int err;

    code->app = d->plugin.name;
    code->vsn = d->plugin.vsn;
    code->id = child->id;
    code->child = child;
    copy_known(&code->server, sizeof(code->server), child->server, child->server->size);
    child->server = &code->server;
    err = check_server(code, why);
    if (!err)
        err = take_args(code, child->args, why);
    if (!err)
        err = take_schema(code, step, why);
    if (err)
        fault_where(why, NULL, d->plugin.name, code->id, NULL);
    return err;
}

static int take_child(struct descriptor *d, const struct moult_plugin *from,
                      descriptor_step *step, struct fault *why)
{
    moult_child child = child_at(from, d->count);
    int err = check_child(&child, d->count, why), failed;

    if (err)
        return err;
    d->children[d->count] = child;
    /* Each is a copy or NULL then, so that all can be freed. */
    err = own_text(&d->children[d->count].id, why);
    failed = own_text(&d->children[d->count].name, why);
    err = err ? err : failed;
    failed = own_text(&d->children[d->count].args, why);
    err = err ? err : failed;
    d->count++;
    if (!err)
        err = check_unique(d, d->count - 1, why);
    return err ? err : take_code(d, d->count - 1, step, why);
}

static int take_children(struct descriptor *d, const struct moult_plugin *from,
                         descriptor_step *step, struct fault *why)
{
    size_t count;
    int err = count_children(from, &count, why);

    if (err)
        return err;
    d->children = calloc(count + 1, sizeof(*d->children));
    d->codes = calloc(count + 1, sizeof(*d->codes));
    if (!d->children || !d->codes)
        return no_memory(why);
    while (d->count < count && !err)
        err = take_child(d, from, step, why);
    d->plugin.children = d->children;
    return err;
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
    out->plugin.children = NULL;
    err = own_text(&out->plugin.name, why);
    failed = own_text(&out->plugin.vsn, why);
    err = err ? err : failed;
    failed = own_text(&out->plugin.description, why);
    err = err ? err : failed;
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
    }
    free(d->children);
    free(d->codes);
    free((char *)d->plugin.name);
    free((char *)d->plugin.vsn);
    free((char *)d->plugin.description);
    *d = (struct descriptor){0};
}
