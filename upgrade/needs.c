/* SPDX-License-Identifier: Apache-2.0 */
#include "needs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

/* One that is being added, and who needs it. */
struct link {
    const struct link *needed_by;
    const char *name;
    unsigned depth;
};

int needs_choose(const struct stock *s, const char *name, struct catalog_entry *out)
{
    const json_t *wanted = ledger_wanted(record_ledger(s->record)),
                 *version = json_object_get(ledger_applications(wanted), name);
    const char *vsn = json_string_value(json_object_get(version, "vsn")),
               *hash = json_string_value(json_object_get(version, "hash"));

    if (vsn && hash && catalog_find(s->catalog, name, vsn, out) == 0) {
        if (strcmp(out->manifest.hash, hash) == 0)
            return 0;
        catalog_entry_release(out);
    }
    return catalog_find_highest(s->catalog, name, out);
}

/* -- circles -- */

/* "a -> b -> ", from the one that comes again. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than a link may be */
static void print_circle(const struct link *link, const char *name, char *text,
                         size_t size)
{
    size_t len;

    if (strcmp(link->name, name) != 0)
        print_circle(link->needed_by, name, text, size);
    len = strlen(text);
    snprintf(text + len, size - len, "%s -> ", link->name);
}

static int check_link(const struct link *link, struct fault *why)
{
    char circle[300] = "";

    for (const struct link *l = link->needed_by; l; l = l->needed_by)
        if (strcmp(l->name, link->name) == 0) {
            print_circle(link->needed_by, link->name, circle, sizeof(circle));
            return fault(why, -ELOOP, "applications need one another in a circle: %s%s",
                         circle, link->name);
        }
    if (link->depth > NEEDS_DEPTH_MAX)
        return fault(why, -ELOOP, "more than %u applications need one another in a row",
                     NEEDS_DEPTH_MAX);
    return 0;
}

/* -- gathering -- */

static bool has(const struct needs *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->list[i].spec->name, name) == 0)
            return true;
    return false;
}

static int append(struct needs *n, const struct catalog_entry *entry,
                  const struct application_spec *spec, bool is_part, struct fault *why)
{
    struct need *more = reallocarray(n->list, n->count + 1, sizeof(*more));

    if (!more)
        return fault(why, -ENOMEM, "no memory to start '%s'", spec->name);
    n->list = more;
    more[n->count] = (struct need){.spec = spec, .is_part = is_part};
    if (catalog_find(n->stock->catalog, entry->manifest.name, entry->manifest.vsn,
                     &more[n->count].entry) < 0)
        return fault(why, -ENOMEM, "no memory to start '%s'", spec->name);
    n->count++;
    return 0;
}

static int add(struct needs *n, const struct catalog_entry *entry,
               const struct link *link, bool is_part, struct fault *why);

/* `verb` says what `link` does with `name`: it "needs" or "includes" it. */
static int add_named(struct needs *n, const char *name, const char *verb,
                     const struct link *needed_by, struct fault *why)
{
    struct link link = {needed_by, name, needed_by->depth + 1};
    struct catalog_entry entry = {0};
    struct fault said = {0};
    int error = needs_choose(n->stock, name, &entry);

    if (error) {
        if (!n->missing[0])
            snprintf(n->missing, sizeof(n->missing), "%s", name);
        return fault(why, error, "application '%s' %s '%s', which is not here",
                     needed_by->name, verb, name);
    }
    error = add(n, &entry, &link, verb[0] == 'i', &said);
    catalog_entry_release(&entry);
    if (!error)
        return 0;
    fault_where(why, said.step, said.app[0] ? said.app : name, NULL, NULL);
    return error == -ELOOP ? fault(why, error, "%s", said.text)
                           : fault(why, error, "application '%s' %s '%s': %s",
                                   needed_by->name, verb, name, said.text);
}

/* May it be done without? */
static bool is_dispensable(const struct needs *n, const struct resource *r,
                           const char *name)
{
    struct catalog_entry entry = {0};
    int error =
        resource_has(r->optional, name) ? needs_choose(n->stock, name, &entry) : 0;

    catalog_entry_release(&entry);
    return error == -ENOENT;
}

static int add_needed(struct needs *n, const struct resource *r,
                      const struct link *link, struct fault *why)
{
    int error = 0;

    for (char **name = r->applications; name && *name && !error; name++)
        if (!application_runs(*name) && !is_dispensable(n, r, *name))
            error = add_named(n, *name, "needs", link, why);
    return error;
}

/* It stands behind what it needs and what it includes, which needs something in turn. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than a link may be */
static int add(struct needs *n, const struct catalog_entry *entry,
               const struct link *link, bool is_part, struct fault *why)
{
    const struct resource *r;
    struct loaded *l;
    int error = check_link(link, why);

    if (error || has(n, link->name))
        return error;
    error = loaded_open(n->stock, entry, &l, why);
    if (error) {
        fault_where(why, NULL, link->name, NULL, NULL);
        return error;
    }
    r = application_resource(&l->spec);
    error = add_needed(n, r, link, why);
    for (char **name = r->included; name && *name && !error; name++)
        error = add_named(n, *name, "includes", link, why);
    if (!error && is_part && !application_load(&l->spec))
        error = fault(why, -ENOMEM, "no memory for application '%s'", link->name);
    return error ? error : append(n, entry, &l->spec, is_part, why);
}

int needs_add(struct needs *n, const struct catalog_entry *entry, struct fault *why)
{
    const struct link link = {NULL, entry->manifest.name, 1};

    return add(n, entry, &link, false, why);
}

void needs_release(struct needs *n)
{
    for (size_t i = 0; i < n->count; i++)
        catalog_entry_release(&n->list[i].entry);
    free(n->list);
    *n = (struct needs){0};
}

/* -- sorting -- */

/* Does `spec` need one of those from `from` on, but itself? */
static bool is_early(const struct application_spec *spec,
                     const struct application_spec *const *specs, size_t from,
                     size_t count)
{
    for (size_t i = from; i < count; i++)
        if (specs[i] != spec &&
            resource_has(application_resource(spec)->applications, specs[i]->name))
            return true;
    return false;
}

void needs_sort(const struct application_spec **specs, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        size_t next = at;

        while (next < count && is_early(specs[next], specs, at, count))
            next++;
        if (next < count && next != at) { /* or it is a circle, which won't start */
            const struct application_spec *first = specs[next];

            memmove(&specs[at + 1], &specs[at], (next - at) * sizeof(*specs));
            specs[at] = first;
        }
    }
}
