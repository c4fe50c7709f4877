/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master - runs the callbacks of an application.  OTP: application_master.
 *
 * Each runs in a process of its own, a member of the application's group, which is gone
 * before these return.  By the application controller, inside a callback.
 */
#ifndef MOULT_MASTER_H
#define MOULT_MASTER_H

#include "group.h"
#include "resource.h"

#define MASTER_CHECK_MS 5000u /* that a config_check, or what is applied, may take */

enum master_callback {
    MASTER_START,
    MASTER_START_PHASE,
    MASTER_PREP_STOP,
    MASTER_STOP,
    MASTER_CONFIG_CHANGE,
    MASTER_CONFIG_CHECK,
    MASTER_APPLY
};

/* A function of a version, which need not be the one that runs.  Borrowed. */
struct apply {
    const struct module *module; /* for its code */
    moult_next (*call)(moult_ctx *ctx, moult_in *args);
    const void *args; /* encoded */
    size_t len;
};

/* Make `m`, all zero, what runs callbacks that the plugin has as `declared`. */
void master_module(struct module *m, const void *declared);

/* What to call, and with what; all but `state` is borrowed. */
struct master_call {
    enum master_callback what;
    const struct module *module; /* NULL: nothing is called */
    struct group *group;
    moult_out *state;                /* that start wrote; read, and written anew */
    const struct start_phase *phase; /* MASTER_START_PHASE */
    const moult_out *changed, *added, *removed; /* the two of the config */
    const struct apply *apply;
};

/* Call it.  0; or a negative errno, and why in `p->answer`: it refused, or failed. */
int master_run(struct process *p, struct master_call *call);

/* What the code of a module runs; see resource.h. */
extern const moult_server master_server;

#endif
