/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial_spot - where in a plugin a trial was when it failed, for people.
 *
 * The child notes an address of a file in memory that it shares with the helper; the host
 * looks up function and line, since it may take its time.
 */
#ifndef MOULT_TRIAL_SPOT_H
#define MOULT_TRIAL_SPOT_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct place;

struct trial_spot {
    char path[PATH_MAX]; /* of the plugin; "": not known */
    uint64_t address;    /* as that file has it */
};

/* -- in the child -- */

/*
 * From now on note in `spot`, which is for ever, where the child is when a signal ends it,
 * or the plugin ends the program.  SIGXCPU is the helper's: its time is over.
 */
void trial_spot_watch(struct trial_spot *spot);

/* What is loaded from `path`, which is for ever, is a plugin. */
void trial_spot_add(const char *path);

/* It failed in `function`, one of a plugin's; NULL: not known any more. */
void trial_spot_set(const void *function);

/* -- in the host -- */

/* Look it up; what is not known is left empty.  Reads the file, for milliseconds. */
void trial_spot_find(const struct trial_spot *spot, struct place *place);

#endif
