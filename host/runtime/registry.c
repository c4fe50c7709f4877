/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "partition.h"
#include "reader.h"
#include "signals.h"

struct registry {
    struct released released;
    moult_pid pid;
    bool duplicate, by_key;
    _Atomic uint32_t users; /* its process, each owner; acq_rel, the last releases it */
    uint32_t partitions;
    char *listeners; /* names, each ended by a zero; behind the partitions */
    size_t listeners_len;
    char name[NAME_MAX_LEN + 1];
    struct partition meta;
    struct partition parts[];
};

static struct table all;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER; /* of who writes it */

static bool matches(const void *r, const void *pid)
{
    return moult_pid_equal(((const struct registry *)r)->pid, *(const moult_pid *)pid);
}

/* Between reader_begin() and reader_end(), as long as it is used. */
static struct registry *find(moult_pid pid)
{
    return pid.bits ? table_find(&all, pid_hash(pid), matches, &pid) : NULL;
}

/* -- beginning and end -- */

static void drop(struct registry *r)
{
    if (atomic_fetch_sub_explicit(&r->users, 1, memory_order_acq_rel) > 1)
        return;
    partition_release(&r->meta);
    for (uint32_t i = 0; i < r->partitions; i++)
        partition_release(&r->parts[i]);
    reader_release(&r->released);
}

/* Copy the names in `list` to `to`, one after the other; their length with all zeros. */
static size_t copy_names(moult_in list, char *to)
{
    size_t count = moult_get_array(&list), len = 0;

    for (size_t i = 0; i < count; i++) {
        size_t size;
        const char *name = moult_get_text(&list, &size);

        memcpy(to + len, name, size);
        to[len + size] = 0;
        len += size + 1;
    }
    return len;
}

static void make_partition(struct registry *r, struct partition *part, bool unique)
{
    part->registry = r;
    part->users = &r->users;
    partition_init(part, unique);
}

static struct registry *create(struct process *p, const struct registry_spec *spec)
{
    size_t names = (size_t)(spec->listeners.end - spec->listeners.at),
           parts = spec->partitions * sizeof(struct partition);
    struct registry *r = calloc(1, sizeof(*r) + parts + names);

    if (!r)
        return NULL;
    r->pid = process_pid(p);
    r->duplicate = spec->duplicate;
    r->by_key = spec->by_key;
    r->users = 1;
    r->partitions = spec->partitions;
    r->listeners = (char *)&r->parts[r->partitions];
    r->listeners_len = copy_names(spec->listeners, r->listeners);
    name_of(r->pid, r->name);
    make_partition(r, &r->meta, true);
    r->meta.limit = REGISTRY_META_MAX;
    for (uint32_t i = 0; i < r->partitions; i++)
        make_partition(r, &r->parts[i], !r->duplicate);
    return r;
}

/* Let all find `r`. */
static int publish(struct registry *r)
{
    int error;

    pthread_mutex_lock(&all_lock);
    error = table_reserve(&all);
    if (!error)
        table_add(&all, pid_hash(r->pid), r);
    pthread_mutex_unlock(&all_lock);
    return error;
}

int registry_open(struct process *p, const struct registry_spec *spec)
{
    struct registry *r = process_relations(p) ? create(p, spec) : NULL;

    if (!r)
        return -ENOMEM;
    if (publish(r) < 0) {
        drop(r);
        return -ENOMEM;
    }
    p->relations->registry = r;
    return 0;
}

/* Who is registered in `part`, which is closed, hears of the end of `p`. */
static void tell_owners(struct process *p, const struct partition *part)
{
    struct table_walk walk = table_begin(&part->owners);
    const struct owner *o;

    while ((o = table_next(&walk)))
        signal_exit(p, o->pid, p->reason, process_reason_text(p));
}

static void end(struct process *p, struct registry *r)
{
    pthread_mutex_lock(&all_lock);
    table_remove(&all, pid_hash(r->pid), r);
    pthread_mutex_unlock(&all_lock);
    partition_close(&r->meta);
    for (uint32_t i = 0; i < r->partitions; i++)
        partition_close(&r->parts[i]);
    for (uint32_t i = 0; i < r->partitions; i++)
        tell_owners(p, &r->parts[i]);
    drop(r);
}

/* All of `p` in one partition. */
static void leave(struct owner *o)
{
    struct registry *r = o->partition->registry;

    while (!owner_remove_first(o))
        ;
    drop(r);
}

void registry_leave(struct process *p)
{
    struct registry *r = p->relations ? p->relations->registry : NULL;

    if (!r && !(p->relations && p->relations->registered))
        return;
    reader_begin();
    while (p->relations->registered)
        leave(p->relations->registered);
    p->relations->registry = NULL;
    if (r)
        end(p, r);
    reader_end();
}

/* -- telling the listeners -- */

static void put_what(const struct registry *r, moult_out *out, struct process *p,
                     struct item key, struct item value)
{
    moult_put_map(out, value.bytes ? 4 : 3);
    moult_put_text_at(out, "registry", r->name);
    moult_put_text(out, "key");
    moult_put_item(out, key.bytes, key.len);
    moult_put_text(out, "pid");
    moult_put_pid(out, process_pid(p));
    if (!value.bytes)
        return;
    moult_put_text(out, "value");
    moult_put_item(out, value.bytes, value.len);
}

/* It goes to each listener that there is now; without memory or room, to none. */
static void tell(const struct registry *r, const char *word, struct process *p,
                 struct item key, struct item value)
{
    const char *end = r->listeners + r->listeners_len;

    for (const char *name = r->listeners; name < end; name += strlen(name) + 1) {
        moult_pid to = name_find(name);
        struct envelope *e = to.bits ? envelope_create(ENVELOPE_INFO) : NULL;

        if (!e)
            continue;
        e->from = process_pid(p);
        moult_put_map(&e->out, 1);
        moult_put_text(&e->out, word);
        put_what(r, &e->out, p, key, value);
        if (e->out.error)
            envelope_destroy(e);
        else
            process_send(p, to, e);
    }
}

/* -- registering -- */

static struct partition *part_of(struct registry *r, struct item key, moult_pid pid)
{
    uint64_t hash = r->duplicate && !r->by_key ? pid_hash(pid) : item_hash(key);

    /* The low bits choose the bucket inside. */
    return &r->parts[(hash >> 32) % r->partitions];
}

int registry_register(struct process *p, moult_pid registry, struct item key,
                      struct item value, moult_pid *holder)
{
    struct registry *r;
    int error = -ESRCH;

    reader_begin();
    r = find(registry);
    if (r)
        error = partition_add(part_of(r, key, process_pid(p)), p, key, value, holder);
    if (!error)
        tell(r, "register", p, key, value);
    reader_end();
    reader_rest();
    return error;
}

int registry_unregister(struct process *p, moult_pid registry, struct item key,
                        struct item value)
{
    struct registry *r;
    bool gone = false;
    unsigned count = 0;

    reader_begin();
    r = find(registry);
    if (r)
        count = partition_remove(part_of(r, key, process_pid(p)), process_pid(p), key,
                                 value, &gone);
    if (count)
        tell(r, "unregister", p, key, (struct item){0});
    if (gone)
        drop(r);
    reader_end();
    reader_rest();
    return r ? 0 : -ESRCH;
}

int registry_update(struct process *p, moult_pid registry, struct item key,
                    struct item value)
{
    struct registry *r;
    int error = -ESRCH;

    reader_begin();
    r = find(registry);
    if (r && r->duplicate)
        error = -ENOTSUP;
    else if (r)
        error = partition_replace(part_of(r, key, process_pid(p)), process_pid(p), key,
                                  value);
    reader_end();
    reader_rest();
    return error;
}

/* -- looking -- */

bool registry_is_unique(moult_pid registry)
{
    const struct registry *r;
    bool unique;

    reader_begin();
    r = find(registry);
    unique = r && !r->duplicate;
    reader_end();
    return unique;
}

moult_pid registry_whereis(moult_pid registry, struct item key)
{
    struct entry *e = NULL;
    moult_pid pid = {0};
    struct registry *r;
    struct key *k;

    reader_begin();
    r = find(registry);
    if (r && !r->duplicate) {
        k = partition_find(part_of(r, key, pid), key);
        e = k ? key_next(k, NULL) : NULL;
    }
    if (e)
        pid = entry_pid(e);
    reader_end();
    return pid;
}

/* The next partition from `*at` on that may have `key`; NULL: none any more. */
static struct partition *next_part(struct registry *r, struct item key, uint32_t *at)
{
    if (*at >= r->partitions)
        return NULL;
    if (r->duplicate && !r->by_key)
        return &r->parts[(*at)++];
    *at = UINT32_MAX;
    return part_of(r, key, (moult_pid){0});
}

static bool visit_key(const struct partition *part, struct item key,
                      registry_visit *visit, void *context)
{
    struct key *k = partition_find(part, key);

    for (struct entry *e = k ? key_next(k, NULL) : NULL; e; e = key_next(k, e))
        if (!visit(context, key_item(k), entry_pid(e), entry_item(e)))
            return false;
    return true;
}

int registry_visit_key(moult_pid registry, struct item key, uint32_t *partition,
                       registry_visit *visit, void *context)
{
    const struct partition *part;
    struct registry *r;

    reader_begin();
    r = find(registry);
    part = r ? next_part(r, key, partition) : NULL;
    if (part)
        visit_key(part, key, visit, context);
    if (r && *partition >= r->partitions)
        *partition = UINT32_MAX;
    reader_end();
    return r ? 0 : -ESRCH;
}

int registry_visit_owner(moult_pid registry, moult_pid owner, registry_visit *visit,
                         void *context)
{
    struct registry *r;

    reader_begin();
    r = find(registry);
    for (uint32_t i = 0; r && i < r->partitions; i++) {
        struct owner *o = partition_owner(&r->parts[i], owner);

        for (struct entry *e = o ? owner_next(o, NULL) : NULL; e; e = owner_next(o, e))
            if (!visit(context, key_item(e->key), owner, entry_item(e)))
                break;
    }
    reader_end();
    return r ? 0 : -ESRCH;
}

int registry_visit_all(moult_pid registry, registry_visit *visit, void *context)
{
    struct registry *r;

    reader_begin();
    r = find(registry);
    for (uint32_t i = 0; r && i < r->partitions; i++)
        if (!partition_visit(&r->parts[i], visit, context))
            break;
    reader_end();
    return r ? 0 : -ESRCH;
}

static uint64_t count_of(const struct registry *r)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < r->partitions; i++)
        count += atomic_load_explicit(&r->parts[i].count, memory_order_relaxed);
    return count;
}

uint64_t registry_count(moult_pid registry)
{
    const struct registry *r;
    uint64_t count;

    reader_begin();
    r = find(registry);
    count = r ? count_of(r) : 0;
    reader_end();
    return count;
}

/* -- what is known of the registry itself -- */

int registry_put_meta(moult_pid registry, struct item key, struct item value)
{
    struct registry *r;
    int error = -ESRCH;

    reader_begin();
    r = find(registry);
    if (r) /* another may put it or take it away between the two */
        do
            error = partition_replace(&r->meta, (moult_pid){0}, key, value);
        while (error == -ENOENT &&
               (error = partition_add(&r->meta, NULL, key, value, NULL)) == -EEXIST);
    reader_end();
    return error;
}

int registry_delete_meta(moult_pid registry, struct item key)
{
    struct registry *r;
    bool gone;

    reader_begin();
    r = find(registry);
    if (r)
        partition_remove(&r->meta, (moult_pid){0}, key, (struct item){0}, &gone);
    reader_end();
    return r ? 0 : -ESRCH;
}

int registry_visit_meta(moult_pid registry, struct item key, registry_visit *visit,
                        void *context)
{
    struct registry *r;

    reader_begin();
    r = find(registry);
    if (r)
        visit_key(&r->meta, key, visit, context);
    reader_end();
    return r ? 0 : -ESRCH;
}

/* -- for people -- */

void registries_each(void (*visit)(const struct registry_view *view, void *context),
                     void *context)
{
    struct table_walk walk;
    const struct registry *r;

    reader_begin();
    walk = table_begin(&all);
    while ((r = table_next(&walk))) {
        struct registry_view view = {.pid = r->pid,
                                     .name = r->name,
                                     .duplicate = r->duplicate,
                                     .by_key = r->by_key,
                                     .partitions = r->partitions,
                                     .count = count_of(r)};

        visit(&view, context);
    }
    reader_end();
}
