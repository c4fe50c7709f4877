/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_method.h"

#include <errno.h>
#include <string.h>

#include "json.h"
#include "json_memory.h"
#include "name.h"
#include "params.h"
#include "registry.h"

#define ENTRIES_MOST 1000u /* of all registries, unless asked otherwise */

struct listing {
    json_t *list;
    const char *name; /* of the only one asked for, or NULL */
    uint64_t left;    /* entries */
    json_t *entries;  /* of the registry at hand */
};

static json_t *item_json(struct item item)
{
    moult_in in = moult_in_over(item.bytes, item.len);
    json_t *json = json_from_cbor(&in, NULL);

    return json ? json : json_null();
}

static bool add_entry(void *context, struct item key, moult_pid pid, struct item value)
{
    struct listing *l = context;
    char text[PID_TEXT], name[NAME_MAX_LEN + 1];

    if (!l->left)
        return false;
    l->left--;
    name_of(pid, name);
    json_array_append_new(l->entries,
                          json_pack("{s:o, s:s, s:s, s:o}", "key", item_json(key),
                                    "pid", pid_print(pid, text), "name", name, "value",
                                    item_json(value)));
    return true;
}

static void add_registry(const struct registry_view *view, void *context)
{
    struct listing *l = context;
    char pid[PID_TEXT];

    if (l->name && strcmp(l->name, view->name) != 0)
        return;
    json_array_append_new(l->list,
                          json_pack("{s:s, s:s, s:s, s:i, s:s, s:I, s:[], s:I}", "name",
                                    view->name, "pid", pid_print(view->pid, pid),
                                    "keys", view->duplicate ? "duplicate" : "unique",
                                    "partitions", (int)view->partitions, "partition_by",
                                    !view->duplicate || view->by_key ? "key" : "pid",
                                    "count", (json_int_t)view->count, "entries", "bits",
                                    (json_int_t)view->pid.bits));
}

/* The entries of each, once all are known: who visits one thing must not visit another. */
static void add_all_entries(struct listing *l)
{
    json_t *registry;
    size_t i;

    json_array_foreach(l->list, i, registry)
    {
        moult_pid pid = {
            (uint64_t)json_integer_value(json_object_get(registry, "bits"))};

        json_object_del(registry, "bits");
        l->entries = json_object_get(registry, "entries");
        registry_visit_all(pid, add_entry, l);
    }
}

static void not_there(struct request *request, const char *name)
{
    struct fault why = {0};

    fault_where(&why, NULL, NULL, name, NULL);
    fault(&why, -ENOENT,
          "no registry is registered as '%s'; `moult registry` lists them", name);
    request_fault(request, &why);
}

void registry_method(struct request *request, void *context)
{
    struct params p = params_of(request);
    struct listing l = {.name = params_text_or(&p, "name", NULL),
                        .left =
                            params_uint_or(&p, "limit", ENTRIES_MOST, 1, UINT32_MAX)};

    if (params_refused(&p, request))
        return;
    l.list = json_array();
    registries_each(add_registry, &l);
    if (l.name && json_array_size(l.list) == 0 && !json_memory_lacked()) {
        json_decref(l.list);
        not_there(request, l.name);
        return;
    }
    add_all_entries(&l);
    request_reply(request, l.list);
}
