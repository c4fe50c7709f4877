/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - how a host is to run, from its options, its file and its environment.
 *
 * What is said on the command line goes before the file, and that before the
 * environment and the defaults, which need none of them.  All paths are absolute.
 */
#ifndef MOULT_CONFIG_H
#define MOULT_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "application.h"
#include "event.h"
#include "fault.h"
#include "terms.h"
#include "worker.h"

#define CONFIG_MAX_HEAP_MIN 4096u        /* bytes */
#define CONFIG_MAX_HEAP_MAX (1ull << 37) /* as much as a heap can hold a share of */

/* What is said of one key of its env. */
struct config_env {
    char *key;
    json_t *value;
    char *from; /* "moult.conf:3: 'web.port'" */
};

/* What is said of one application. */
struct config_application {
    char *name;
    uint64_t max_heap; /* bytes that its servers may have together; 0: any number */
    enum application_type start;
    int log_level; /* an event_level, or -1: the host's */
    struct config_env *env;
    size_t env_count;
};

/* What can't change while a host runs. */
enum config_fixed {
    CONFIG_PLUGINS,
    CONFIG_DATA,
    CONFIG_SOCKET,
    CONFIG_WORKERS,
    CONFIG_FIXED
};

/* Owned by the config; all zero is empty. */
struct config {
    char *plugins;    /* the folder that is watched */
    char *data;       /* the folder of everything that outlives the host */
    char *socket;     /* the control socket */
    unsigned workers; /* 1 to WORKERS_MAX; one a processor unless said otherwise */
    uint32_t max_processes; /* 0: unless said otherwise, PROCESSES_MOST */
    bool stage_only;        /* on_drop = "stage": what is dropped is not upgraded to */
    size_t rehearse; /* states tried before an upgrade, of each application; 0: none */
    struct terms terms; /* max_pause_ms, max_move_ms */
    bool manual;   /* permanent = "manual": what is upgraded to is not, until told */
    bool log_json; /* log = "json" */
    enum event_level log_level;
    struct config_application *applications;
    size_t application_count;
    unsigned lines[CONFIG_FIXED]; /* of the file, that say these; 0: it does not */
};

/* What was said on the command line, borrowed; NULL is nothing. */
struct config_options {
    const char *file; /* --config */
    const char *plugins, *data, *socket, *workers, *on_drop, *permanent, *rehearse,
        *log;
};

/*
 * Put it together.  0, or with `why` -EINVAL (an option, or the file by line), -ENOENT
 * (no such file), -ENOMEM; then `out` is empty.
 */
int config_gather(const struct config_options *options, struct config *out,
                  struct fault *why);

void config_finish(struct config *config);

/* The data folder of a host without options: given, NULL when out of memory. */
char *config_default_data(void);

/*
 * Where a host without options has its socket, for its clients: given, NULL when out of
 * memory.  MOULT_SOCKET, else moult.sock in XDG_RUNTIME_DIR, else in the data folder.
 */
char *config_default_socket(void);

#endif
