/* SPDX-License-Identifier: Apache-2.0 */
#include "keepers.h"

#include <stdio.h>
#include <string.h>

#include "application.h"
#include "pid.h"
#include "plain.h"

#define NAMED 5u /* processes; of the others only how many there are */

struct keepers {
    const char *vsn;
    char names[512];
    unsigned count;
};

static void name_keeper(struct process *p, void *context)
{
    struct keepers *k = context;
    const struct plain *s = plain_of(p);
    size_t used = strlen(k->names);
    char pid[PID_TEXT];

    if (!s || strcmp(s->code->vsn, k->vsn) != 0 || ++k->count > NAMED)
        return;
    snprintf(k->names + used, sizeof(k->names) - used, "%s'%.64s' %s", used ? ", " : "",
             s->label, pid_print(process_pid(p), pid));
}

static void tell_one(json_t *version, struct application *app)
{
    struct keepers k = {.vsn = json_string_value(json_object_get(version, "vsn"))};
    char more[40] = "";

    if (!k.vsn)
        return;
    group_each(&app->group, name_keeper, &k);
    if (k.count > NAMED)
        snprintf(more, sizeof(more), " and %u others", k.count - NAMED);
    if (k.count)
        json_object_set_new(
            version, "reason",
            json_sprintf("it is kept for what still runs it: %s%s", k.names, more));
}

void keepers_tell(json_t *versions)
{
    json_t *version;
    size_t i;

    json_array_foreach(versions, i, version)
    {
        const char *status = json_string_value(json_object_get(version, "status"));
        const char *name = json_string_value(json_object_get(version, "name"));
        struct application *app = name ? application_find(name) : NULL;

        if (app && status && strcmp(status, "old") == 0)
            tell_one(version, app);
    }
}
