/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_value - what an env is made of: for env.c and env_show.c, under their lock.
 */
#ifndef MOULT_ENV_VALUE_H
#define MOULT_ENV_VALUE_H

#include "env.h"

/* A key and what it has.  All its own: versions come and go. */
struct value {
    struct env_spec spec;
    char *from;
    char
        *unfit; /* why it can't be what was put meanwhile, of an env to come; or NULL */
};

struct env {
    struct env *next; /* what is to take its place, and hears what is put; or NULL */
    bool settled;     /* nothing may be put any more that it can't have */
    size_t count;
    struct value values[];
};

/* NULL: there is no such key, or no env. */
struct value *env_find(const struct env *env, const char *key);

#endif
