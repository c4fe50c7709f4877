/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct catalog {
    pthread_mutex_t lock; /* guards all that follows */
    struct catalog_entry *entries;
    size_t count;
};

/* Of several entries, those that are meant. */
struct wanted {
    const char *hash, *name, *vsn; /* NULL: any */
    int statuses;                  /* a bit for each that will do */
};

#define IS(status)  (1 << (status))
#define NOT_REFUSED (IS(CATALOG_STAGED) | IS(CATALOG_RUNNING) | IS(CATALOG_OLD))
#define ANY_STATUS  (NOT_REFUSED | IS(CATALOG_REFUSED))

struct catalog *catalog_create(void)
{
    struct catalog *c = calloc(1, sizeof(*c));

    if (c)
        pthread_mutex_init(&c->lock, NULL);
    return c;
}

void catalog_entry_release(struct catalog_entry *entry)
{
    free(entry->stored);
    free(entry->dropped);
    free(entry->reason);
    json_decref(entry->lints);
    *entry = (struct catalog_entry){0};
}

void catalog_destroy(struct catalog *catalog)
{
    if (!catalog)
        return;
    for (size_t i = 0; i < catalog->count; i++)
        catalog_entry_release(&catalog->entries[i]);
    free(catalog->entries);
    pthread_mutex_destroy(&catalog->lock);
    free(catalog);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_wanted(const struct catalog_entry *e, const struct wanted *w)
{
    return (IS(e->status) & w->statuses) &&
           (!w->hash || strcmp(e->manifest.hash, w->hash) == 0) &&
           (!w->name || strcmp(e->manifest.name, w->name) == 0) &&
           (!w->vsn || strcmp(e->manifest.vsn, w->vsn) == 0);
}

/* Of those that are wanted, the one with the highest vsn; NULL if there is none. */
static struct catalog_entry *find(struct catalog *c, struct wanted w)
{
    struct catalog_entry *best = NULL;

    for (size_t i = 0; i < c->count; i++) {
        struct catalog_entry *e = &c->entries[i];

        if (is_wanted(e, &w) &&
            (!best || version_compare(e->manifest.vsn, best->manifest.vsn) > 0))
            best = e;
    }
    return best;
}

static void drop(struct catalog *c, struct catalog_entry *e)
{
    size_t i = (size_t)(e - c->entries);

    catalog_entry_release(e);
    memmove(e, e + 1, (--c->count - i) * sizeof(*e));
}

/* Replace the text `*to`; false, and as it was, when out of memory. */
static bool set_text(char **to, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        return false;
    free(*to);
    *to = copy;
    return true;
}

static unsigned count_versions(const struct catalog *c)
{
    unsigned count = 0;

    for (size_t i = 0; i < c->count; i++)
        count += c->entries[i].status != CATALOG_REFUSED;
    return count;
}

static int consider(struct catalog *c, const struct manifest *m, const char *dropped,
                    struct fault *why)
{
    struct catalog_entry *same =
        find(c, (struct wanted){.hash = m->hash, .statuses = ANY_STATUS});
    struct catalog_entry *taken = find(
        c, (struct wanted){.name = m->name, .vsn = m->vsn, .statuses = NOT_REFUSED});

    if (same && !set_text(&same->dropped, dropped))
        return fault(why, -ENOMEM, "no memory for '%s'", dropped);
    if (same && same->status == CATALOG_REFUSED)
        return fault(why, -ECANCELED, "%s", same->reason);
    if (same)
        return fault(why, -EALREADY, "%s %s is %s already", m->name, m->vsn,
                     catalog_status_text(same->status));
    if (taken)
        return fault(why, -EEXIST,
                     "there is a %s %s with another content: give what was changed a "
                     "higher vsn",
                     m->name, m->vsn);
    if (count_versions(c) >= CATALOG_VERSIONS_MAX)
        return fault(
            why, -EDQUOT,
            "there are %u versions in the store, and no more are taken in: stop "
            "the host, and delete old ones from 'store' in the data folder",
            CATALOG_VERSIONS_MAX);
    return 0;
}

int catalog_consider(struct catalog *catalog, const struct manifest *m,
                     const char *dropped, struct fault *why)
{
    int err;

    pthread_mutex_lock(&catalog->lock);
    err = consider(catalog, m, dropped, why);
    pthread_mutex_unlock(&catalog->lock);
    return err;
}

/* Make room among the refused: the one that was refused first goes. */
static void limit_refused(struct catalog *c)
{
    struct catalog_entry *first = NULL;
    unsigned count = 0;

    for (size_t i = 0; i < c->count; i++)
        if (c->entries[i].status == CATALOG_REFUSED && count++ == 0)
            first = &c->entries[i];
    if (count >= CATALOG_REFUSED_MAX)
        drop(c, first);
}

/* A new last entry of that content; NULL when out of memory. */
static struct catalog_entry *append(struct catalog *c, const struct manifest *m)
{
    struct catalog_entry *entries =
        realloc(c->entries, (c->count + 1) * sizeof(*entries));

    if (!entries)
        return NULL;
    c->entries = entries;
    entries[c->count] = (struct catalog_entry){.manifest = *m, .since_ms = now_ms()};
    return &entries[c->count++];
}

/* What was refused from `path` is no more: something that is fine took its place. */
static void forgive(struct catalog *c, const char *path)
{
    for (size_t i = c->count; path && i-- > 0;) {
        struct catalog_entry *e = &c->entries[i];

        if (e->status == CATALOG_REFUSED && e->dropped && strcmp(e->dropped, path) == 0)
            drop(c, e);
    }
}

static int add(struct catalog *c, const struct manifest *m, const char *stored,
               const char *dropped, const json_t *lints)
{
    struct catalog_entry *e =
        find(c, (struct wanted){.hash = m->hash, .statuses = ANY_STATUS});
    struct catalog_entry *taken = find(
        c, (struct wanted){.name = m->name, .vsn = m->vsn, .statuses = NOT_REFUSED});

    if (taken && taken != e)
        return -EEXIST;
    if (e)
        drop(c, e);
    e = append(c, m);
    if (!e)
        return -ENOMEM;
    e->lints = lints ? json_deep_copy(lints) : NULL;
    if (set_text(&e->stored, stored) && set_text(&e->dropped, dropped) &&
        (!lints || e->lints)) {
        forgive(c, dropped);
        return 0;
    }
    drop(c, e);
    return -ENOMEM;
}

int catalog_add(struct catalog *catalog, const struct manifest *m, const char *stored,
                const char *dropped, const json_t *lints)
{
    int err;

    pthread_mutex_lock(&catalog->lock);
    err = add(catalog, m, stored, dropped, lints);
    pthread_mutex_unlock(&catalog->lock);
    return err;
}

static int refuse(struct catalog *c, const struct manifest *m, const char *dropped,
                  const char *reason)
{
    struct catalog_entry *e =
        find(c, (struct wanted){.hash = m->hash, .statuses = ANY_STATUS});

    if (e)
        drop(c, e);
    limit_refused(c);
    e = append(c, m);
    if (!e)
        return -ENOMEM;
    e->status = CATALOG_REFUSED;
    if (set_text(&e->dropped, dropped) && set_text(&e->reason, reason))
        return 0;
    drop(c, e);
    return -ENOMEM;
}

int catalog_refuse(struct catalog *catalog, const struct manifest *m,
                   const char *dropped, const char *reason)
{
    int err = 0;

    pthread_mutex_lock(&catalog->lock);
    if (m->hash[0])
        err = refuse(catalog, m, dropped, reason);
    pthread_mutex_unlock(&catalog->lock);
    return err;
}

int catalog_set_status(struct catalog *catalog, const char *name, const char *vsn,
                       enum catalog_status status)
{
    struct wanted wanted = {.name = name, .vsn = vsn, .statuses = NOT_REFUSED};
    struct catalog_entry *e;

    pthread_mutex_lock(&catalog->lock);
    e = find(catalog, wanted);
    if (e && e->status != status) {
        e->status = status;
        e->since_ms = now_ms();
    }
    pthread_mutex_unlock(&catalog->lock);
    return e ? 0 : -ENOENT;
}

int catalog_set_stored(struct catalog *catalog, const char *name, const char *vsn,
                       const char *stored)
{
    struct wanted wanted = {.name = name, .vsn = vsn, .statuses = NOT_REFUSED};
    struct catalog_entry *e;
    int err = -ENOENT;

    pthread_mutex_lock(&catalog->lock);
    e = find(catalog, wanted);
    if (e)
        err = set_text(&e->stored, stored) ? 0 : -ENOMEM;
    pthread_mutex_unlock(&catalog->lock);
    return err;
}

int catalog_forget(struct catalog *catalog, const char *hash)
{
    struct catalog_entry *e;

    pthread_mutex_lock(&catalog->lock);
    e = find(catalog, (struct wanted){.hash = hash, .statuses = ANY_STATUS});
    if (e)
        drop(catalog, e);
    pthread_mutex_unlock(&catalog->lock);
    return e ? 0 : -ENOENT;
}

static int copy_entry(const struct catalog_entry *from, struct catalog_entry *to)
{
    struct catalog_entry copy = {
        .manifest = from->manifest, .status = from->status, .since_ms = from->since_ms};

    copy.lints = from->lints ? json_deep_copy(from->lints) : NULL;
    if (!set_text(&copy.stored, from->stored) ||
        !set_text(&copy.dropped, from->dropped) ||
        !set_text(&copy.reason, from->reason) || (from->lints && !copy.lints)) {
        catalog_entry_release(&copy);
        return -ENOMEM;
    }
    *to = copy;
    return 0;
}

static int find_copy(struct catalog *c, struct wanted wanted, struct catalog_entry *out)
{
    struct catalog_entry *e;
    int err;

    pthread_mutex_lock(&c->lock);
    e = find(c, wanted);
    err = e ? copy_entry(e, out) : -ENOENT;
    pthread_mutex_unlock(&c->lock);
    return err;
}

int catalog_find(struct catalog *catalog, const char *name, const char *vsn,
                 struct catalog_entry *out)
{
    return find_copy(catalog,
                     (struct wanted){.name = name, .vsn = vsn, .statuses = NOT_REFUSED},
                     out);
}

int catalog_find_highest(struct catalog *catalog, const char *name,
                         struct catalog_entry *out)
{
    return find_copy(catalog, (struct wanted){.name = name, .statuses = NOT_REFUSED},
                     out);
}

int catalog_find_running(struct catalog *catalog, const char *name,
                         struct catalog_entry *out)
{
    return find_copy(
        catalog, (struct wanted){.name = name, .statuses = IS(CATALOG_RUNNING)}, out);
}

const char *catalog_status_text(enum catalog_status status)
{
    static const char *const texts[] = {"staged", "running", "old", "refused"};

    return texts[status];
}

/* A text of any bytes, or NULL: what isn't UTF-8 shows as question marks. */
static json_t *text_json(const char *text)
{
    json_t *json;
    char *plain;

    if (!text)
        return json_null();
    json = json_string(text);
    if (json || !(plain = strdup(text)))
        return json;
    for (char *c = plain; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    json = json_string(plain);
    free(plain);
    return json;
}

static json_t *time_json(int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char text[40];
    struct tm tm;
    size_t len =
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));

    snprintf(text + len, sizeof(text) - len, ".%03dZ", (int)(ms % 1000));
    return json_string(text);
}

static json_t *lints_json(const struct catalog_entry *e)
{
    json_t *lints = json_array();

    for (int i = 0; lints && i < LINT_COUNT; i++)
        if (e->manifest.lints[i][0])
            json_array_append_new(lints, text_json(e->manifest.lints[i]));
    if (lints && e->lints)
        json_array_extend(lints, e->lints);
    return lints;
}

static json_t *entry_json(const struct catalog_entry *e)
{
    const struct manifest *m = &e->manifest;
    json_t *json = json_object();
    int err = 0;

    if (!json)
        return NULL;
    err |= json_object_set_new(json, "name",
                               m->name[0] ? json_string(m->name) : json_null());
    err |=
        json_object_set_new(json, "vsn", m->vsn[0] ? json_string(m->vsn) : json_null());
    err |= json_object_set_new(json, "status",
                               json_string(catalog_status_text(e->status)));
    err |= json_object_set_new(json, "file", text_json(e->dropped));
    err |= json_object_set_new(json, "hash", json_string(m->hash));
    err |= json_object_set_new(json, "size", json_integer((json_int_t)m->size));
    err |= json_object_set_new(json, "build_id", json_string(m->build_id));
    err |= json_object_set_new(json, "since", time_json(e->since_ms));
    err |= json_object_set_new(json, "lints", lints_json(e));
    if (e->reason)
        err |= json_object_set_new(json, "reason", text_json(e->reason));
    if (err) {
        json_decref(json);
        return NULL;
    }
    return json;
}

/* An entry to be sorted. */
struct row {
    const struct catalog_entry *entry;
};

static int by_name_and_vsn(const void *a, const void *b)
{
    const struct manifest *x = &((const struct row *)a)->entry->manifest;
    const struct manifest *y = &((const struct row *)b)->entry->manifest;
    int order = strcmp(x->name, y->name);

    if (!order)
        order = version_compare(x->vsn, y->vsn);
    return order ? order : strcmp(x->hash, y->hash);
}

static int fill(const struct catalog *c, json_t *all)
{
    struct row *sorted = calloc(c->count + 1, sizeof(*sorted));
    int err = 0;

    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < c->count; i++)
        sorted[i].entry = &c->entries[i];
    qsort(sorted, c->count, sizeof(*sorted), by_name_and_vsn);
    for (size_t i = 0; i < c->count && !err; i++)
        err = json_array_append_new(all, entry_json(sorted[i].entry));
    free(sorted);
    return err;
}

json_t *catalog_json(struct catalog *catalog)
{
    json_t *all = json_array();
    int err;

    if (!all)
        return NULL;
    pthread_mutex_lock(&catalog->lock);
    err = fill(catalog, all);
    pthread_mutex_unlock(&catalog->lock);
    if (!err)
        return all;
    json_decref(all);
    return NULL;
}
