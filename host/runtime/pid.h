/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pid - what the 64 bits of a moult_pid say: index, generation and node.
 *
 *    63    56 55             28 27              0
 *   +--------+-----------------+-----------------+
 *   |  node  |   generation    |      index      |
 *   +--------+-----------------+-----------------+
 *
 * Generations start at 1, so all zero names nobody.
 */
#ifndef MOULT_PID_H
#define MOULT_PID_H

#include <inttypes.h>
#include <stdio.h>

#include "moult.h"

#define PID_INDEX_BITS      28u
#define PID_GENERATION_BITS 28u
#define PID_INDEX_MAX       ((1u << PID_INDEX_BITS) - 1)
#define PID_GENERATION_MAX  ((1u << PID_GENERATION_BITS) - 1)
#define PID_TEXT            32u /* bytes that hold any pid's text and its zero */

/* A process of this host, which is node 0.  What is too large is cut.  [any] */
static inline moult_pid pid_make(uint32_t index, uint32_t generation)
{
    moult_pid pid = {(uint64_t)(generation & PID_GENERATION_MAX) << PID_INDEX_BITS |
                     (index & PID_INDEX_MAX)};

    return pid;
}

static inline uint32_t pid_index(moult_pid pid)
{
    return (uint32_t)pid.bits & PID_INDEX_MAX;
}

static inline uint32_t pid_generation(moult_pid pid)
{
    return (uint32_t)(pid.bits >> PID_INDEX_BITS) & PID_GENERATION_MAX;
}

static inline uint32_t pid_node(moult_pid pid)
{
    return (uint32_t)(pid.bits >> (PID_INDEX_BITS + PID_GENERATION_BITS));
}

/* Write `pid` as people see it, "<node.index.generation>"; returns `text`.  [any] */
static inline const char *pid_print(moult_pid pid, char text[PID_TEXT])
{
    snprintf(text, PID_TEXT, "<%" PRIu32 ".%" PRIu32 ".%" PRIu32 ">", pid_node(pid),
             pid_index(pid), pid_generation(pid));
    return text;
}

#endif
