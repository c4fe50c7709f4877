/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash - reports of what failed, contained or not, one text file each.
 *
 * Lines of "key: value", and a line for each frame; report.c reads them.
 * Written by system calls alone out of what is given: from a handler too, while the host
 * dies of whatever it is.
 */
#ifndef MOULT_CRASH_H
#define MOULT_CRASH_H

#include "place.h"

struct process;

#define CRASH_FRAMES  48u
#define CRASH_REPORTS 100u /* kept; the oldest go */

struct crash {
    const char *what; /* SIGSEGV, abort ... */
    bool contained;
    bool at_address; /* `address` says something */
    uintptr_t address;
    struct process *process; /* that ran, or NULL */
    struct place place;      /* of the plugin's innermost frame, if contained */
    const char *words;       /* all of it in a line, or NULL */
    const char *because;     /* it could not be contained, or NULL */
    uint32_t depth;
    uintptr_t frames[CRASH_FRAMES]; /* program counters, the innermost first */
};

/* Where reports go; made when first needed; copied; all but the newest are removed. */
void crash_set_folder(const char *path);

/*
 * Write one.  If it is fatal, to stderr too, and async-signal-safe; and what may itself
 * be broken is read last, when the rest is written.
 */
void crash_write(const struct crash *crash);

#endif
