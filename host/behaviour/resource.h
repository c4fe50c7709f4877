/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resource - what a version of an application says of itself besides its tree: the host's
 * own copy, from its descriptor and the NAME.app beside it.  OTP: the application
 * resource file.
 *
 * Made when its image is loaded, read only from then on; lives as long as the image.
 */
#ifndef MOULT_RESOURCE_H
#define MOULT_RESOURCE_H

#include "code.h"

/* A key of its env. */
struct env_spec {
    char *key;
    void *value; /* the default, encoded; NULL: it has none */
    size_t len;
    int32_t type; /* MOULT_ENV_INT and so on */
    bool required;
    int64_t least, most;
};

struct start_phase {
    char *name;
    void *args; /* encoded */
    size_t len;
};

/* Its callbacks, as code that a process can run. */
struct module {
    struct code code;
    moult_child child;
    moult_application callbacks; /* those that an older plugin lacks are NULL */
    void *args;                  /* encoded, as of start */
    size_t len;
};

/* All zero says nothing.  Lists of names end with NULL, or are NULL. */
struct resource {
    char *description; /* or NULL: the descriptor's */
    char **modules, **registered;
    char **applications, **included, **optional;
    struct env_spec *env;
    size_t env_count;
    struct start_phase *phases;
    size_t phase_count;
    struct module *mod; /* or NULL */
    struct code_handler *handlers;
    size_t handler_count;
};

/* Is `name` in `list`?  [pure] */
bool resource_has(char *const *list, const char *name);

#endif
