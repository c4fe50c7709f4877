/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json_memory.h"
#include "manifest.h"
#include "relfile.h"

#define LOCAL "local" /* what a host without a release file calls its own */

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_t *releases(const json_t *ledger)
{
    return json_object_get(ledger, "releases");
}

bool ledger_is(const json_t *release, const char *status)
{
    const char *is = text(release, "status");

    return is && strcmp(is, status) == 0;
}

static bool is_made(const json_t *release)
{
    return json_is_true(json_object_get(release, "made"));
}

json_t *ledger_applications(const json_t *release)
{
    return json_object_get(release, "applications");
}

const char *ledger_name(const json_t *release, char to[LEDGER_NAME_TEXT])
{
    snprintf(to, LEDGER_NAME_TEXT, "%s%s%s", release ? text(release, "name") : "",
             release ? "@" : "", release ? text(release, "vsn") : "");
    return to;
}

bool ledger_knows(const json_t *ledger, const char *app)
{
    json_t *release;
    size_t i;

    json_array_foreach(releases(ledger), i, release)
    {
        if (json_object_get(ledger_applications(release), app))
            return true;
    }
    return false;
}

const json_t *ledger_removed(const json_t *ledger)
{
    return json_object_get(ledger, "removed");
}

/* -- finding -- */

static json_t *find_status(const json_t *ledger, const char *status)
{
    json_t *release;
    size_t i;

    json_array_foreach(releases(ledger), i, release)
    {
        if (ledger_is(release, status))
            return release;
    }
    return NULL;
}

json_t *ledger_permanent(const json_t *ledger)
{
    return find_status(ledger, "permanent");
}

json_t *ledger_running(const json_t *ledger)
{
    json_t *current = find_status(ledger, "current");

    return current ? current : ledger_permanent(ledger);
}

static json_t *find_exactly(const json_t *ledger, const char *name, const char *vsn)
{
    json_t *release;
    size_t i;

    json_array_foreach(releases(ledger), i, release)
    {
        if (strcmp(text(release, "name"), name) == 0 &&
            strcmp(text(release, "vsn"), vsn) == 0)
            return release;
    }
    return NULL;
}

/* Is it called so: in full, by its vsn, or by its name? */
static bool is_called(const json_t *release, const char *name)
{
    char full[LEDGER_NAME_TEXT];

    return strcmp(ledger_name(release, full), name) == 0 ||
           strcmp(text(release, "vsn"), name) == 0 ||
           strcmp(text(release, "name"), name) == 0;
}

int ledger_find(const json_t *ledger, const char *name, json_t **out, struct fault *why)
{
    json_t *release, *found = NULL;
    char full[LEDGER_NAME_TEXT];
    size_t i;

    json_array_foreach(releases(ledger), i, release)
    {
        if (!is_called(release, name))
            continue;
        if (strcmp(ledger_name(release, full), name) == 0) {
            *out = release;
            return 0;
        }
        if (found)
            return fault(why, -ENOTUNIQ,
                         "there are several releases '%s': say which, as \"%s\"", name,
                         full);
        found = release;
    }
    *out = found;
    return found ? 0
                 : fault(why, -ENOENT,
                         "there is no release '%s'; `moult releases` lists them", name);
}

/* The one of just these applications: rather what runs, or is permanent. */
static json_t *find_with(const json_t *ledger, const json_t *apps)
{
    json_t *release = ledger_running(ledger);
    size_t i;

    if (release && json_equal(ledger_applications(release), apps))
        return release;
    release = ledger_permanent(ledger);
    if (release && json_equal(ledger_applications(release), apps))
        return release;
    json_array_foreach(releases(ledger), i, release)
    {
        if (json_equal(ledger_applications(release), apps))
            return release;
    }
    return NULL;
}

bool ledger_is_higher(const json_t *ledger, const char *name)
{
    const json_t *running = ledger_running(ledger);
    json_t *release = NULL;

    if (!running)
        return true;
    if (ledger_find(ledger, name, &release, NULL) < 0 || release == running)
        return false;
    return strcmp(text(running, "name"), LOCAL) == 0 ||
           (strcmp(text(running, "name"), text(release, "name")) == 0 &&
            version_compare(text(release, "vsn"), text(running, "vsn")) > 0);
}

static json_t *first_release(const json_t *ledger)
{
    json_t *release, *first = NULL;
    size_t i;

    json_array_foreach(releases(ledger), i, release)
    {
        if (first && strcmp(text(first, "name"), text(release, "name")) != 0)
            return NULL;
        if (!first || version_compare(text(release, "vsn"), text(first, "vsn")) > 0)
            first = release;
    }
    return first;
}

json_t *ledger_wanted(const json_t *ledger)
{
    json_t *running = ledger_running(ledger);

    return running ? running : first_release(ledger);
}

size_t ledger_unpacked(const json_t *ledger)
{
    size_t count = 0, i;
    json_t *release;

    json_array_foreach(releases(ledger), i, release)
    {
        count += !is_made(release);
    }
    return count;
}

/* -- what was read -- */

static bool is_application(const char *name, const json_t *version)
{
    const char *vsn = text(version, "vsn");

    return manifest_name_is_valid(name) && vsn && version_is_valid(vsn) &&
           text(version, "hash");
}

static bool is_release(const json_t *release)
{
    json_t *apps = ledger_applications(release), *version;
    const char *app, *name = text(release, "name"), *vsn = text(release, "vsn");

    json_object_foreach(apps, app, version)
    {
        if (!is_application(app, version))
            return false;
    }
    return json_is_object(apps) && name && manifest_name_is_valid(name) && vsn &&
           version_is_valid(vsn) &&
           (ledger_is(release, "unpacked") || ledger_is(release, "permanent") ||
            ledger_is(release, "old"));
}

/* The name of a release, or nothing. */
static bool is_named(const json_t *one)
{
    return !one || (text(one, "name") && text(one, "vsn"));
}

bool ledger_is_valid(const json_t *ledger)
{
    json_t *release;
    size_t i;

    json_array_foreach(ledger_removed(ledger), i, release)
    {
        if (!text(release, "name") || !is_application(text(release, "name"), release))
            return false;
    }

    json_array_foreach(releases(ledger), i, release)
    {
        if (!is_release(release))
            return false;
    }
    return json_is_array(releases(ledger)) && json_is_array(ledger_removed(ledger)) &&
           is_named(json_object_get(ledger, "next")) &&
           is_named(ledger_tried(ledger)) &&
           json_is_integer(json_object_get(ledger, "serial"));
}

/* -- changing: of copies that are nobody's yet -- */

/* The same one in a copy. */
static json_t *same(const json_t *copy, const json_t *release)
{
    return release ? find_exactly(copy, text(release, "name"), text(release, "vsn"))
                   : NULL;
}

static void set_status(json_t *release, const char *status)
{
    if (release)
        json_object_set_new(release, "status", json_string(status));
}

/* NULL if any of it would be missing. */
static json_t *copy_of(const json_t *ledger)
{
    json_t *copy;

    json_memory_watch();
    copy = json_deep_copy(ledger);
    if (!json_memory_lacked())
        return copy;
    json_decref(copy);
    return NULL;
}

/* `copy` (taken), unless something is missing of it. */
static json_t *whole(json_t *copy)
{
    if (!json_memory_done())
        return copy;
    json_decref(copy);
    return NULL;
}

json_t *ledger_create(void)
{
    json_memory_watch();
    return whole(json_pack("{s:i, s:[], s:[]}", "serial", 0, "removed", "releases"));
}

json_t *ledger_create_with(json_t *apps)
{
    json_t *empty = ledger_create();
    json_t *ledger = empty ? ledger_become(empty, apps, false) : NULL;

    json_decref(empty);
    return ledger;
}

json_t *ledger_saved(const json_t *ledger)
{
    json_t *copy = copy_of(ledger);

    set_status(find_status(copy, "current"), "unpacked");
    return whole(copy);
}

static void install(json_t *copy, json_t *release)
{
    json_t *current = find_status(copy, "current");

    if (current != release)
        set_status(current, "old");
    if (!ledger_is(release, "permanent"))
        set_status(release, "current");
}

json_t *ledger_install(const json_t *ledger, const json_t *release)
{
    json_t *copy = copy_of(ledger);

    install(copy, same(copy, release));
    return whole(copy);
}

static void make_permanent(json_t *copy, json_t *release)
{
    set_status(ledger_permanent(copy), "old");
    set_status(release, "permanent");
}

json_t *ledger_make_permanent(const json_t *ledger, const json_t *release)
{
    json_t *copy = copy_of(ledger);

    make_permanent(copy, same(copy, release));
    return whole(copy);
}

static json_t *append(json_t *copy, const char *name, const char *vsn, json_t *apps)
{
    json_t *release =
        json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", name, "vsn", vsn, "made", 0,
                  "status", "unpacked", "applications", json_deep_copy(apps));

    json_array_append_new(releases(copy), release);
    return release;
}

json_t *ledger_add(const json_t *ledger, const char *name, const char *vsn,
                   json_t *apps)
{
    json_t *copy = copy_of(ledger);

    append(copy, name, vsn, apps);
    return whole(copy);
}

/* Of what the host made itself, forget the oldest if there are too many. */
static void limit_made(json_t *copy)
{
    size_t count = 0, oldest = 0;

    for (size_t i = json_array_size(releases(copy)); i-- > 0;) {
        const json_t *release = json_array_get(releases(copy), i);

        if (!is_made(release) || ledger_is(release, "current") ||
            ledger_is(release, "permanent"))
            continue;
        count++;
        oldest = i;
    }
    if (count > LEDGER_MADE_MAX)
        json_array_remove(releases(copy), oldest);
}

/* A new one, called after `base` (or NULL). */
static json_t *make(json_t *copy, const json_t *base, json_t *apps)
{
    const char *name = base ? text(base, "name") : LOCAL,
               *vsn = base ? text(base, "vsn") : "",
               *plus = base && is_made(base) ? strrchr(vsn, '+') : NULL;
    bool is_local = strcmp(name, LOCAL) == 0;
    json_int_t serial = json_integer_value(json_object_get(copy, "serial")) + 1;
    char made[VERSION_MAX + 1];
    json_t *release;

    snprintf(made, sizeof(made), "%.*s%s%" JSON_INTEGER_FORMAT,
             is_local ? 0
             : plus   ? (int)(plus - vsn)
                      : (int)strnlen(vsn, RELFILE_VSN_MAX),
             vsn, is_local ? "" : "+", serial);
    json_object_set_new(copy, "serial", json_integer(serial));
    release = append(copy, name, made, apps);
    json_object_set_new(release, "made", json_true());
    return release;
}

json_t *ledger_become(const json_t *ledger, json_t *apps, bool manual)
{
    json_t *copy = copy_of(ledger), *was = ledger_running(copy),
           *release = find_with(copy, apps);
    bool lasts = !was || (!manual && ledger_is(was, "permanent"));

    if (!release)
        release = make(copy, was, apps);
    if (release != was) {
        install(copy, release);
        if (lasts)
            make_permanent(copy, release);
        limit_made(copy);
    }
    return whole(copy);
}

/* Does a release have a file with that hash? */
static bool is_used(const json_t *ledger, const char *hash)
{
    json_t *release, *version;
    const char *app;
    size_t i;

    json_array_foreach(releases(ledger), i, release)
    {
        json_object_foreach(ledger_applications(release), app, version)
        {
            if (strcmp(text(version, "hash"), hash) == 0)
                return true;
        }
    }
    return false;
}

json_t *ledger_remove(const json_t *ledger, const json_t *release)
{
    json_t *copy = copy_of(ledger), *removed = json_object_get(copy, "removed"),
           *version;
    const char *app;

    for (size_t i = json_array_size(releases(copy)); i-- > 0;)
        if (json_array_get(releases(copy), i) == same(copy, release))
            json_array_remove(releases(copy), i);
    json_object_foreach(ledger_applications(release), app, version)
    {
        if (!is_used(copy, text(version, "hash")))
            json_array_append_new(removed, json_pack("{s:s, s:s, s:s}", "name", app,
                                                     "vsn", text(version, "vsn"),
                                                     "hash", text(version, "hash")));
    }
    return whole(copy);
}

json_t *ledger_swept(const json_t *ledger)
{
    json_t *copy = copy_of(ledger);

    json_object_set_new(copy, "removed", json_array());
    return whole(copy);
}
