/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base - the words that every other chapter uses.
 *
 * Include moult.h, not this file.
 */
#ifndef MOULT_BASE_H
#define MOULT_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define MOULT_BEGIN extern "C" {
#define MOULT_END   }
#else
#define MOULT_BEGIN
#define MOULT_END
#endif

#define MOULT_EXPORT __attribute__((visibility("default")))

MOULT_BEGIN

#define MOULT_ABI_MAJOR 1u /* raised when older plugins can no longer be loaded */
#define MOULT_ABI_MINOR 3u /* raised when something is added */

#define MOULT_INFINITY UINT64_MAX /* a time that never comes */

/* The server being run.  Lent for one callback.  */
typedef struct moult_ctx moult_ctx;

/*
 * Names one process for ever: index, generation and node.  A pid is never used again,
 * so a stale one finds nobody.  All zero names nobody.  OTP: pid().
 */
typedef struct {
    uint64_t bits;
} moult_pid;

/*
 * Who waits for the reply to one call: a plain value that may be copied, kept in a
 * state and used later, once, by any server.  OTP: gen_server:from().
 */
typedef struct {
    moult_pid caller;
    moult_pid callee;
    uint64_t ref;
} moult_from;

/*
 * Why a process ended.  Negative values are errnos.  OTP: the exit reason; a text
 * given to moult_stop_because() takes the place of its term.
 */
enum {
    MOULT_NORMAL = 0,   /* normal: in good order, nobody is told to follow */
    MOULT_SHUTDOWN = 1, /* shutdown: asked to, in good order */
    MOULT_KILL = 2,     /* kill: what one sends; it can't be trapped */
    MOULT_KILLED = 3,   /* killed: what others see of a process that was sent a kill */
    MOULT_NOPROC = 4    /* noproc: there was no such process */
};

/*
 * The text of an error that a moult function returned, or of a reason: lent for ever,
 * never NULL.  [any]
 */
MOULT_EXPORT const char *moult_strerror(int error);

static inline moult_pid moult_pid_none(void)
{
    moult_pid none = {0};

    return none;
}

static inline bool moult_pid_is_none(moult_pid pid)
{
    return pid.bits == 0;
}

static inline bool moult_pid_equal(moult_pid a, moult_pid b)
{
    return a.bits == b.bits;
}

MOULT_END

#endif
