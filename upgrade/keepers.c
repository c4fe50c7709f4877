/* SPDX-License-Identifier: Apache-2.0 */
#include "keepers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "image.h"
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

char *keepers_names(const char *name, const char *vsn)
{
    struct application *app = application_find(name);
    struct keepers k = {.vsn = vsn};
    char more[40] = "", *text = NULL;

    if (app)
        group_each(&app->group, name_keeper, &k);
    if (k.count > NAMED)
        snprintf(more, sizeof(more), " and %u others", k.count - NAMED);
    if (!k.count || asprintf(&text, "%s%s", k.names, more) < 0)
        return NULL;
    return text;
}

/* What an image that nothing uses has left behind, or NULL; lent by `images`. */
static const char *left_behind(json_t *images, const char *name, const char *vsn)
{
    json_t *image;
    size_t i;

    json_array_foreach(images, i, image)
    {
        const char *cause = json_string_value(json_object_get(image, "lingers"));

        if (cause &&
            strcmp(json_string_value(json_object_get(image, "name")), name) == 0 &&
            strcmp(json_string_value(json_object_get(image, "vsn")), vsn) == 0)
            return cause;
    }
    return NULL;
}

/* As keepers_reason(), with the list of images. */
static char *reason_of(json_t *images, const char *name, const char *vsn)
{
    char *names = keepers_names(name, vsn), *text = NULL;
    const char *left = names ? NULL : left_behind(images, name, vsn);
    int len = -1;

    if (names)
        len = asprintf(&text, "it is kept for what still runs it: %s", names);
    else if (left)
        len = asprintf(&text, "it can't be unloaded: %s", left);
    free(names);
    return len < 0 ? NULL : text;
}

char *keepers_reason(const char *name, const char *vsn)
{
    json_t *images = image_list_json();
    char *reason = reason_of(images, name, vsn);

    json_decref(images);
    return reason;
}

static void tell_one(json_t *version, json_t *images)
{
    const char *name = json_string_value(json_object_get(version, "name")),
               *vsn = json_string_value(json_object_get(version, "vsn"));
    char *reason = name && vsn ? reason_of(images, name, vsn) : NULL;

    if (reason)
        json_object_set_new(version, "reason", json_string(reason));
    free(reason);
}

void keepers_tell(json_t *versions)
{
    json_t *images = image_list_json(), *version;
    size_t i;

    json_array_foreach(versions, i, version)
    {
        const char *status = json_string_value(json_object_get(version, "status"));

        if (status && strcmp(status, "old") == 0)
            tell_one(version, images);
    }
    json_decref(images);
}
