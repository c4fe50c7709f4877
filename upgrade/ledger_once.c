/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger_once - what a host is to begin with once, in a ledger.
 */
#include <string.h>

#include "json_memory.h"
#include "ledger.h"

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* The one called as `one` is; NULL: there is none. */
static json_t *find(const json_t *ledger, const json_t *one)
{
    json_t *release = NULL;
    char name[LEDGER_NAME_TEXT];

    if (!text(one, "name") || !text(one, "vsn"))
        return NULL;
    ledger_find(ledger, ledger_name(one, name), &release, NULL);
    return release;
}

json_t *ledger_next(const json_t *ledger)
{
    return find(ledger, json_object_get(ledger, "next"));
}

const json_t *ledger_tried(const json_t *ledger)
{
    return json_object_get(ledger, "tried");
}

/* -- changing -- */

static json_t *copy_of(const json_t *ledger)
{
    json_memory_watch();
    return json_deep_copy(ledger);
}

/* `copy` (taken), unless something is missing of it. */
static json_t *whole(json_t *copy)
{
    if (!json_memory_done())
        return copy;
    json_decref(copy);
    return NULL;
}

/* A new one of `after` is in `copy` as well. */
static void take_over(json_t *copy, const json_t *after, const json_t *release)
{
    json_t *same = json_deep_copy(release);

    json_object_set_new(same, "status", json_string("unpacked"));
    json_array_append_new(json_object_get(copy, "releases"), same);
    json_object_set(copy, "serial", json_object_get(after, "serial"));
}

json_t *ledger_once(const json_t *ledger, const json_t *after)
{
    const json_t *release = ledger_running(after);
    json_t *copy = copy_of(ledger);

    if (copy && !find(copy, release))
        take_over(copy, after, release);
    json_object_set_new(copy, "next",
                        json_pack("{s:s, s:s}", "name", text(release, "name"), "vsn",
                                  text(release, "vsn")));
    return whole(copy);
}

json_t *ledger_try(const json_t *ledger)
{
    json_t *copy = ledger_install(ledger, ledger_next(ledger));

    json_memory_watch();
    json_object_set(copy, "tried", json_object_get(copy, "next"));
    json_object_del(copy, "next");
    return whole(copy);
}

json_t *ledger_failed(const json_t *ledger, const char *reason)
{
    json_t *copy = copy_of(ledger);

    json_object_set_new(json_object_get(copy, "tried"), "reason", json_string(reason));
    return whole(copy);
}

json_t *ledger_settled(const json_t *ledger)
{
    json_t *copy = copy_of(ledger);

    json_object_del(copy, "next");
    json_object_del(copy, "tried");
    return whole(copy);
}
