/* SPDX-License-Identifier: Apache-2.0 */
#include "drop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "boot.h"
#include "change.h"
#include "event.h"
#include "install.h"
#include "unpack.h"

#define WAITING_MAX 64u

static struct {
    char *waiting[WAITING_MAX]; /* paths of release files */
    size_t count;
} self;

/* -- going there -- */

static void go_to_plugin(struct stock *s, const struct unpacked *u)
{
    const struct change c = {.stock = s, .verb = RELEASE_UPGRADE};
    struct application *app = application_find(u->plugin.name);
    struct catalog_entry entry = {0};

    if (catalog_find(s->catalog, u->plugin.name, u->plugin.vsn, &entry) < 0)
        return;
    if (app && app->status == APPLICATION_RUNNING)
        change_to_new(&c, app, &entry, u->vet_ns);
    else
        boot_start(s, &entry);
    catalog_entry_release(&entry);
}

static void go_to_release(struct stock *s, const char *name)
{
    struct order order = {.stock = s, .unasked = true};
    struct fault why = {0}; /* it is told */
    json_t *report = NULL;

    if (!ledger_is_higher(record_ledger(s->record), name))
        return;
    install_release(&order, name, !s->manual, &report, &why);
    json_decref(report);
}

/* -- releases -- */

static void wait_for_more(const char *path, const struct fault *why)
{
    bool waits = true; /* else it is to be dropped again: enough others do */

    for (size_t i = 0; i < self.count; i++)
        if (strcmp(self.waiting[i], path) == 0)
            return;
    if (self.count < WAITING_MAX && (self.waiting[self.count] = strdup(path)))
        self.count++;
    else
        waits = false;
    event_emit(EVENT_WARN, "release.incomplete", "{s:s, s:s, s:b}", "file", path,
               "reason", why->text, "waits", waits);
}

/* 0; or why not, told unless that passes. */
static int take_in_release(struct stock *s, const char *path, struct unpacked *u)
{
    struct fault why = {0};
    int error = unpack_file(s, path, u, &why);

    if (error == -ENODATA)
        wait_for_more(path, &why);
    else if (error && error != -EALREADY && error != -EBUSY && error != -ENOENT)
        event_emit(EVENT_ERROR, "release.refused", "{s:s, s:s}", "file", path, "reason",
                   why.text);
    return error;
}

/* Something has come: perhaps what some waited for. */
static void retry(struct stock *s, bool stage_only)
{
    size_t count = self.count;
    char *paths[WAITING_MAX];

    memcpy(paths, self.waiting, sizeof(paths));
    self.count = 0;
    for (size_t i = 0; i < count; i++) {
        struct unpacked u = {0};
        struct fault why = {0};
        int error = unpack_file(s, paths[i], &u, &why);

        if (error == -ENODATA) {
            self.waiting[self.count++] = paths[i];
            continue;
        }
        if (!error && !stage_only)
            go_to_release(s, u.release);
        free(paths[i]);
    }
}

/* -- any file -- */

static bool drop_release(struct stock *s, const char *path, bool stage_only)
{
    struct unpacked u = {0};
    int error = take_in_release(s, path, &u);

    if (!error && !stage_only)
        go_to_release(s, u.release);
    return error != -EBUSY;
}

bool drop_file(struct stock *s, const char *path, bool stage_only)
{
    struct unpacked u = {0};
    struct fault why = {0}; /* it is told */
    int error;

    if (!unpack_is_plugin(path))
        return drop_release(s, path, stage_only);
    error = unpack_file(s, path, &u, &why);
    if (error)
        return error != -EBUSY;
    if (!stage_only)
        go_to_plugin(s, &u);
    retry(s, stage_only);
    return true;
}

void drop_take_in(struct stock *s, const char *path)
{
    struct unpacked u = {0};
    struct fault why = {0}; /* it is told */

    if (unpack_is_plugin(path))
        unpack_file(s, path, &u, &why);
    else
        take_in_release(s, path, &u);
}

void drop_finish(void)
{
    while (self.count > 0)
        free(self.waiting[--self.count]);
}
