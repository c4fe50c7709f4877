/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_said - what was said of keys, be there such applications or not: for env.c.
 *
 * The lock is held by who calls any of these, but for said_encode().
 */
#ifndef MOULT_ENV_SAID_H
#define MOULT_ENV_SAID_H

#include <pthread.h>

#include "env.h"

extern pthread_rwlock_t env_lock; /* guards what was said, and what applications have */

struct given {
    struct given *next;
    enum env_level level;
    char *app, *key; /* of a variable NULL, and its name */
    char *from;
    char *word;  /* as it was said, to be read by its type; NULL: it is encoded */
    void *bytes; /* encoded */
    size_t len;
};

/* All that counts, one after the other; `anew`: with the drafts for what the file says. */
const struct given *said_first(bool anew);
const struct given *said_next(const struct given *g, bool anew);

/* The one with the last word on `key`, or NULL. */
const struct given *said_last(const char *app, const char *key, bool anew);

/* What was put of `key` to stay is that now, copied; 0 or -ENOMEM. */
int said_keep(const char *app, const char *key, const void *bytes, size_t len);

/* `value` as CBOR, given; 0, or -ENOMEM, -EOVERFLOW and `why`. */
int said_encode(const json_t *value, void **bytes, size_t *len, struct fault *why);

#endif
