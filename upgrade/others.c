/* SPDX-License-Identifier: Apache-2.0 */
#include "others.h"

#include <string.h>

static bool needs(const struct application_spec *spec, const char *name)
{
    return resource_has(application_resource(spec)->applications, name);
}

static bool is_needed(const struct upgrade *u, const char *name)
{
    for (size_t i = 0; i < u->move_count; i++)
        if (needs(u->moves[i].spec, name))
            return true;
    return false;
}

json_t *others_before(const struct upgrade *u, const struct upgrade_move *m)
{
    json_t *texts = json_array();

    for (size_t i = 0; texts && i < u->start_count; i++) {
        const struct application_spec *s = u->starts[i];

        if (needs(m->spec, s->name))
            json_array_append_new(texts, json_sprintf("'%s' %s is started: %s needs it",
                                                      s->name, s->vsn, m->to->vsn));
        else if (m == u->moves && !is_needed(u, s->name))
            json_array_append_new(texts,
                                  json_sprintf("'%s' %s is started", s->name, s->vsn));
    }
    return texts;
}

static bool stops(const struct upgrade *u, const char *name)
{
    for (size_t i = 0; i < u->stop_count; i++)
        if (strcmp(u->stops[i]->name, name) == 0)
            return true;
    return false;
}

json_t *others_after(const struct upgrade *u, const struct upgrade_move *m)
{
    char **name = application_resource(m->app->spec)->applications;
    json_t *texts = json_array();

    for (size_t i = 0; texts && m == u->moves && i < u->stop_count; i++)
        json_array_append_new(texts,
                              json_sprintf("'%s' is stopped", u->stops[i]->name));
    for (; texts && name && *name; name++)
        if (!needs(m->spec, *name) && !stops(u, *name) && application_runs(*name))
            json_array_append_new(
                texts, json_sprintf("'%s' runs on, which %s does not need any more",
                                    *name, m->to->vsn));
    return texts;
}
