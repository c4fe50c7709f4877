/* SPDX-License-Identifier: Apache-2.0 */
#include "application_setting.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct said {
    struct said *next;
    struct application_setting setting;
    char name[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the next */
static struct said *first;

static struct said *find(const char *name)
{
    struct said *s = first;

    while (s && strcmp(s->name, name) != 0)
        s = s->next;
    return s;
}

int application_setting_reserve(const char *name)
{
    struct said *s;

    pthread_mutex_lock(&lock);
    s = find(name);
    if (!s && (s = calloc(1, sizeof(*s) + strlen(name) + 1))) {
        strcpy(s->name, name);
        s->setting.log_level = -1;
        s->next = first;
        first = s;
    }
    pthread_mutex_unlock(&lock);
    return s ? 0 : -ENOMEM;
}

void application_setting_put(const char *name,
                             const struct application_setting *setting)
{
    pthread_mutex_lock(&lock);
    find(name)->setting = *setting;
    pthread_mutex_unlock(&lock);
}

static bool get(const char *name, struct application_setting *out)
{
    const struct said *s;

    pthread_mutex_lock(&lock);
    s = find(name);
    if (s)
        *out = s->setting;
    pthread_mutex_unlock(&lock);
    return s != NULL;
}

enum application_type application_setting_type(const char *name)
{
    struct application_setting setting;

    return get(name, &setting) ? setting.type : APPLICATION_TEMPORARY;
}

void application_setting_apply(struct application *app)
{
    struct application_setting setting;

    if (!get(app->name, &setting))
        return;
    atomic_store_explicit(&app->group.quota.limit, setting.max_heap,
                          memory_order_relaxed);
    app->type = setting.type;
    if (setting.log_level >= 0)
        log_gate_set(&app->group.log, (enum event_level)setting.log_level);
    else
        log_gate_clear(&app->group.log);
}
