/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appup - how a version is come to from others, and left for them, as its author says: the
 * host's own copy, from its descriptor or the file beside it (appupfile.h).
 *
 * Made when its image is loaded, read only from then on.  What it says of two versions is
 * looked up and checked by route.h.
 */
#ifndef MOULT_APPUP_INTERNAL_H
#define MOULT_APPUP_INTERNAL_H

#include <regex.h>
#include <stdbool.h>

#include "fault.h"
#include "resource.h"

#define APPUP_LIST_MAX 128u /* of any list; more is refused: one without its end */

/* As the author wrote it, but that low-level forms are told as what they are forms of. */
struct instruction {
    int32_t kind;   /* MOULT_UPDATE and so on */
    int32_t change; /* MOULT_SOFT and so on */
    char *name;     /* "": the application's own supervisor */
    void *extra;    /* or args, encoded; NULL: none */
    size_t extra_len;
    char **deps; /* ends with NULL, or is NULL */
    uint32_t timeout_ms;
    int32_t pre_purge, post_purge;
    char *where; /* "number 2 of up '1.0.0' in its appup" */
};

struct way {
    char *vsn, *pattern; /* one of them; the other is NULL */
    regex_t regex;       /* of the pattern, for the whole */
    struct instruction *list;
    size_t count;
    char *where;
};

/* What apply calls. */
struct function {
    char *name;
    moult_next (*call)(moult_ctx *ctx, moult_in *args); /* the plugin's */
};

enum appup_direction { APPUP_UP, APPUP_DOWN };

struct ways {
    struct way *list;
    size_t count;
};

/* All zero is none. */
struct appup {
    bool is_there;
    struct ways ways[2]; /* by direction */
    struct function *functions;
    size_t function_count;
    struct module *module; /* whose code runs them; NULL: there are none */
};

/*
 * Copy what `plugin` (of our size) has.  0, or -EINVAL, -ENOMEM and `why`; release `out`
 * either way.
 */
int appup_take(const struct moult_plugin *plugin, struct appup *out, struct fault *why);

/* The function `name`, or NULL.  [pure] */
const struct function *appup_function(const struct appup *appup, const char *name);

/* Forget what it says of others, and keep the functions. */
void appup_clear(struct appup *appup);

/* Free what it holds. */
void appup_release(struct appup *appup);

/*
 * Can it be, of the application `own`: are all names there, each once, with what they rely
 * on?  0 or -EINVAL, `why`.
 */
int appup_check(const struct appup *appup, const char *own, struct fault *why);

/* The first way in that direction that is for `vsn`, or NULL.  [pure] */
const struct way *appup_find(const struct appup *appup, enum appup_direction direction,
                             const char *vsn);

/* Does it say how a module goes on in the new version, comes, or goes? */
static inline bool instruction_is_module(const struct instruction *i)
{
    return i->kind <= MOULT_REMOVE;
}

/* Does `way` (may be NULL) have the application itself, or the host, restarted?  [pure] */
bool way_restarts(const struct way *way);

/* The host?  [pure] */
bool way_reboots(const struct way *way);

/*
 * Has `way` (may be NULL) the module `name`, or a supervisor that it is below, stopped and
 * started anew?  [pure]
 */
bool way_stops(const struct way *way, const char *name);

/* Is the module `name` the one called `of`, or below it?  [pure] */
bool instruction_covers(const char *of, const char *name);

/* The instruction of `way` (may be NULL) for the module `name`, or NULL.  [pure] */
const struct instruction *way_find(const struct way *way, const char *name);

/*
 * All instructions of `way` in their order, to `out`, which has room: what they rely on
 * first going up, last going down; else as written.  OTP: systools_rc.  [pure]
 */
void way_sort(const struct way *way, enum appup_direction direction,
              const struct instruction **out);

/* "update", "load_module" and so on. */
const char *instruction_text(int32_t kind);

/* "soft", "advanced", "supervisor". */
const char *instruction_change_text(int32_t change);

/* A word of an appup's file. */
struct appup_word {
    const char *key;
    int32_t kind, change;
};

/* What it says; NULL: it says nothing, and appup_word_missing() what to write instead. */
const struct appup_word *appup_word(const char *key);
const char *appup_word_missing(const char *key);

/* -- for those that make one -- */

/*
 * A new way, for `vsn` or `pattern` (copied, one is NULL), that stands `where` (copied).
 * NULL and `why`: -EINVAL (the pattern is none), -ENOMEM.
 */
struct way *appup_add(struct appup *appup, enum appup_direction direction,
                      const char *vsn, const char *pattern, const char *where,
                      struct fault *why);

/* A new instruction of it; `name` (NULL: "") and `where` are copied.  NULL: no memory. */
struct instruction *way_add(struct way *way, int32_t kind, const char *name,
                            const char *where);

#endif
