/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env - what is configured of an application.  OTP: application environment.
 *
 * Each key has the value that the last of these says: the version's default (its
 * descriptor, then the NAME.app beside it), the configuration file, the variable
 * MOULT_<APP>_<KEY>, the command line, what was put and is to stay, what was put.  It is
 * of the type and in the range that the version that runs declares.
 *
 * All functions are [any]; one lock, for what was said and for what applications have.
 */
#ifndef MOULT_ENV_H
#define MOULT_ENV_H

#include <jansson.h>

#include "fault.h"
#include "resource.h"

/* Who said it; the higher has the last word. */
enum env_level { ENV_FILE, ENV_VARIABLE, ENV_COMMAND_LINE, ENV_PUT };

/* What one application has; made for one version. */
struct env;

/* Is that a key, with a default that it may have?  0 or -EINVAL and `why`.  [pure] */
int env_check_spec(const struct env_spec *spec, struct fault *why);

/* May it have that value, encoded?  `from` says who said it.  0 or -EINVAL and `why`. */
int env_check_value(const struct env_spec *spec, const char *from, const void *bytes,
                    size_t len, struct fault *why);

/*
 * `value` (borrowed) is said of the key `key` of `app`, by `level`, at `from`
 * ("moult.conf:3: 'applications.web.env.port'"); all copied.  0, or -ENOMEM,
 * -EOVERFLOW (nested too deep) and `why`.
 */
int env_give(enum env_level level, const char *app, const char *key,
             const json_t *value, const char *from, struct fault *why);

/* The same in words, for the variables of the environment: "MOULT_WEB_PORT=80" ... NULL. */
int env_give_variables(char *const *variables);

/* And for the command line: "web.port=80".  0, -EINVAL or -ENOMEM, and `why`. */
int env_give_word(const char *word, struct fault *why);

/*
 * The file says anew, as with env_give(): a draft, which only env_make_next() hears, until
 * all drafts take the place of everything that the file has said, or are dropped.
 */
int env_draft(const char *app, const char *key, const json_t *value, const char *from,
              struct fault *why);
void env_adopt_drafts(void);
void env_drop_drafts(void);

/* Forget all of it. */
void env_forget_all(void);

/*
 * What `app` has as the version that says `r`: 0 and `*out` given; -EINVAL (`why` says
 * who said what is no key, or may not be; or which has no value), -ENOMEM.
 */
int env_make(const char *app, const struct resource *r, struct env **out,
             struct fault *why);
void env_destroy(struct env *env);

/*
 * The same of what is to take the place of `*env`, and with `anew` hears the drafts: what is
 * put meanwhile and persists is put to it, too, until env_swap() or env_drop(), which
 * destroys it, or another is made.  Whoever asked for such a value before env_settle() may
 * have got one that it can't have: -EINVAL then, and `why`.  From there on that is refused.
 */
int env_make_next(struct env **env, const char *app, const struct resource *r,
                  bool anew, struct env **out, struct fault *why);
int env_settle(struct env *next, struct fault *why);
void env_drop(struct env **env, struct env *next);

/* It is `to` (taken) from now on; the former, given. */
struct env *env_swap(struct env **env, struct env *to);

/* Append the value of `key`.  0; -ENOENT: it has none, or there is no such key. */
int env_get(struct env *const *env, const char *key, moult_out *out);

/*
 * It is `bytes` from now on; until it starts or is upgraded, or also then if it is to
 * `persist`.  0; or -ENOENT (no such key), -EINVAL, -ENOMEM, and `why`.
 */
int env_put(struct env **env, const char *app, const char *key, moult_in value,
            bool persist, struct fault *why);

/*
 * What config_change is told: a map of what has another value in `to`, one of what is
 * new, an array of the keys that have none.  False if nothing is another.
 */
bool env_compare(const struct env *from, const struct env *to, moult_out *changed,
                 moult_out *added, moult_out *removed);

/*
 * The same for people: an array of objects: key, from and to (null: none).  NULL: no
 * memory.
 */
json_t *env_changes(const struct env *from, const struct env *to);

/* An array of objects: key, value (null: none), from, type, least, most.  NULL: no memory. */
json_t *env_json(struct env *const *env);

#endif
