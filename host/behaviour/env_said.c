/* SPDX-License-Identifier: Apache-2.0 */
#include "env_said.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "out.h"

pthread_rwlock_t env_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct given *all;    /* guarded by it, as is the next; what was said last of one
                              * level comes first */
static struct given *drafts; /* what the file says anew */

/* -- saying -- */

static void given_destroy(struct given *g)
{
    free(g->app);
    free(g->key);
    free(g->from);
    free(g->word);
    free(g->bytes);
    free(g);
}

static struct given *given_create(enum env_level level, const char *app,
                                  const char *key, const char *from)
{
    struct given *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    g->level = level;
    g->app = app ? strdup(app) : NULL;
    g->key = strdup(key);
    g->from = strdup(from);
    if ((app && !g->app) || !g->key || !g->from) {
        given_destroy(g);
        return NULL;
    }
    return g;
}

static void add(struct given *g, struct given **list)
{
    pthread_rwlock_wrlock(&env_lock);
    g->next = *list;
    *list = g;
    pthread_rwlock_unlock(&env_lock);
}

int said_encode(const json_t *value, void **bytes, size_t *len, struct fault *why)
{
    moult_out out;
    uint32_t given = 0;
    int error;

    out_init(&out, NULL, 0);
    error = json_to_cbor(value, &out, why);
    if (!error) {
        *bytes = out_give(&out, &given);
        *len = given;
        error = *bytes ? 0 : -ENOMEM;
    }
    out_release(&out);
    return error ? fault(why, error, "no memory for the configuration") : 0;
}

/* Say it in `list`. */
static int give(struct given **list, enum env_level level, const char *app,
                const char *key, const json_t *value, const char *from,
                struct fault *why)
{
    struct given *g = given_create(level, app, key, from);
    int error = g ? said_encode(value, &g->bytes, &g->len, why)
                  : fault(why, -ENOMEM, "no memory for the configuration");

    if (!error)
        add(g, list);
    else if (g)
        given_destroy(g);
    return error;
}

int env_give(enum env_level level, const char *app, const char *key,
             const json_t *value, const char *from, struct fault *why)
{
    return give(&all, level, app, key, value, from, why);
}

int env_draft(const char *app, const char *key, const json_t *value, const char *from,
              struct fault *why)
{
    return give(&drafts, ENV_FILE, app, key, value, from, why);
}

static int give_word(enum env_level level, const char *app, const char *key,
                     const char *from, const char *word)
{
    struct given *g = given_create(level, app, key, from);

    if (!g)
        return -ENOMEM;
    g->word = strdup(word);
    if (!g->word) {
        given_destroy(g);
        return -ENOMEM;
    }
    add(g, &all);
    return 0;
}

int env_give_variables(char *const *variables)
{
    int error = 0;

    for (; *variables && !error; variables++) {
        const char *equals = strchr(*variables, '=');
        char *name;

        if (strncmp(*variables, "MOULT_", 6) != 0 || !equals)
            continue;
        name = strndup(*variables, (size_t)(equals - *variables));
        error = name ? give_word(ENV_VARIABLE, NULL, name, name, equals + 1) : -ENOMEM;
        free(name);
    }
    return error;
}

int env_give_word(const char *word, struct fault *why)
{
    const char *dot = strchr(word, '.'), *equals = strchr(word, '=');
    char *app, *key, from[300];
    int error;

    if (!dot || !equals || dot > equals)
        return fault(why, -EINVAL,
                     "'--env' takes APP.KEY=VALUE, as web.port=80, not '%s'", word);
    app = strndup(word, (size_t)(dot - word));
    key = strndup(dot + 1, (size_t)(equals - dot - 1));
    snprintf(from, sizeof(from), "--env %.*s", (int)(equals - word), word);
    error =
        app && key ? give_word(ENV_COMMAND_LINE, app, key, from, equals + 1) : -ENOMEM;
    free(app);
    free(key);
    return error ? fault(why, error, "no memory for the configuration") : 0;
}

static void forget(struct given **list)
{
    struct given *g;

    while ((g = *list)) {
        *list = g->next;
        given_destroy(g);
    }
}

void env_drop_drafts(void)
{
    pthread_rwlock_wrlock(&env_lock);
    forget(&drafts);
    pthread_rwlock_unlock(&env_lock);
}

void env_adopt_drafts(void)
{
    struct given **link = &all, *g;

    pthread_rwlock_wrlock(&env_lock);
    while ((g = *link)) {
        if (g->level != ENV_FILE) {
            link = &g->next;
            continue;
        }
        *link = g->next;
        given_destroy(g);
    }
    *link = drafts;
    drafts = NULL;
    pthread_rwlock_unlock(&env_lock);
}

void env_forget_all(void)
{
    pthread_rwlock_wrlock(&env_lock);
    forget(&all);
    forget(&drafts);
    pthread_rwlock_unlock(&env_lock);
}

/* -- who has the last word -- */

/* Is `name` the variable MOULT_<APP>_<KEY>? */
static bool is_variable(const char *name, const char *app, const char *key)
{
    const char *parts[] = {app, key};

    name += strlen("MOULT");
    for (int i = 0; i < 2; i++) {
        if (*name++ != '_')
            return false;
        for (const char *at = parts[i]; *at; at++)
            if (*name++ != toupper((unsigned char)*at))
                return false;
    }
    return !*name;
}

static bool is_of(const struct given *g, const char *app, const char *key)
{
    return g->app ? strcmp(g->app, app) == 0 && strcmp(g->key, key) == 0
                  : is_variable(g->key, app, key);
}

/* `g`, or the next behind it that counts; with drafts these are what the file says. */
static const struct given *counting(const struct given *g, bool anew)
{
    while (g && anew && g->level == ENV_FILE)
        g = g->next;
    return g;
}

const struct given *said_first(bool anew)
{
    return anew && drafts ? drafts : counting(all, anew);
}

const struct given *said_next(const struct given *g, bool anew)
{
    if (anew && g->level == ENV_FILE) /* a draft */
        return g->next ? g->next : counting(all, anew);
    return counting(g->next, anew);
}

const struct given *said_last(const char *app, const char *key, bool anew)
{
    const struct given *best = NULL;

    for (const struct given *g = said_first(anew); g; g = said_next(g, anew))
        if (is_of(g, app, key) && (!best || g->level > best->level))
            best = g;
    return best;
}

int said_keep(const char *app, const char *key, const void *bytes, size_t len)
{
    struct given *g = all;
    void *copy = malloc(len ? len : 1);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, bytes, len);
    while (g && (g->level != ENV_PUT || !is_of(g, app, key)))
        g = g->next;
    if (!g && (g = given_create(ENV_PUT, app, key, "put"))) {
        g->next = all;
        all = g;
    }
    if (!g) {
        free(copy);
        return -ENOMEM;
    }
    free(g->bytes);
    g->bytes = copy;
    g->len = len;
    return 0;
}
