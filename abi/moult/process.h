/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - how servers are tied to other processes: links, monitors, exits, names.
 *
 * Of each kind, links, monitors of its own, those that monitor it, timers, keys of its
 * dictionary, calls that it has not answered, a server has a million at most: one more is
 * refused with -ENOSPC, or has ended at once for that reason to whom it ties.
 *
 * A link is between two: when one ends for another reason than MOULT_NORMAL, so does the
 * other, unless it traps exits (moult_trap_exit()); then its handle_info is told.  The
 * exit of the supervisor ends a server all the same.  A monitor is one's own: handle_info
 * is told, once, when the other ends.  Both outlive an upgrade.
 *
 *     moult_ended e;
 *
 *     if (moult_match_down(message, &e))
 *         ...
 */
#ifndef MOULT_PROCESS_ABI_H
#define MOULT_PROCESS_ABI_H

#include "message.h"

MOULT_BEGIN

/* The end of another process, as handle_info is told of it. */
typedef struct {
    uint64_t ref;     /* of the monitor; 0 for an exit */
    moult_pid pid;    /* who ended, or sent the exit */
    int32_t reason;   /* MOULT_NORMAL and so on, or a negative errno */
    const char *text; /* in words, `text_len` bytes; lent as long as the message */
    size_t text_len;
} moult_ended;

/*
 * True, and `*ended`, if `message` says that a monitored process ended.  It is the map
 * {"down": ref, "pid", "reason", "text"}.  OTP: {'DOWN', Ref, process, Pid, Reason}.
 * [pure]
 */
MOULT_EXPORT bool moult_match_down(const moult_in *message, moult_ended *ended);

/*
 * True, and `*ended`, if `message` says that a process this server is linked to ended, or
 * that one asked it to end.  It is the map {"exit": pid, "reason", "text"}.  OTP: {'EXIT',
 * Pid, Reason}.  [pure]
 */
MOULT_EXPORT bool moult_match_exit(const moult_in *message, moult_ended *ended);

/*
 * Be told when `to` ends: at once, with MOULT_NOPROC, if it has.  Each monitor tells once.
 * 0 and `*ref`, or -ENOMEM, -ENOSPC.  OTP: monitor/2.  [server]
 */
MOULT_EXPORT int moult_monitor(moult_ctx *ctx, moult_pid to, uint64_t *ref);

/*
 * Not any more; if it has told already, the message that waits is taken back.  OTP:
 * demonitor/2 with flush.  [server]
 */
MOULT_EXPORT void moult_demonitor(moult_ctx *ctx, uint64_t ref);

/*
 * Tie this server to `to`; again is the same as once.  To one that has ended: this server
 * is sent an exit of MOULT_NOPROC.  0, -ENOMEM or -ENOSPC.  OTP: link/1.  [server]
 */
MOULT_EXPORT int moult_link(moult_ctx *ctx, moult_pid to);

/*
 * Untie them: no exit by that link comes any more but one that waits.  OTP: unlink/1.
 * [server]
 */
MOULT_EXPORT void moult_unlink(moult_ctx *ctx, moult_pid to);

/*
 * Ask `to`, which may be this server, to end for `reason`.  MOULT_KILL can't be trapped,
 * and others see MOULT_KILLED; MOULT_NORMAL is nothing to others.  0, -ESRCH or -ENOMEM.
 * OTP: exit/2.  [server]
 */
MOULT_EXPORT int moult_exit(moult_ctx *ctx, moult_pid to, int32_t reason);

/*
 * Is there a process `pid` still?  It may end at any time.  OTP: is_process_alive/1.
 * [any]
 */
MOULT_EXPORT bool moult_is_alive(moult_pid pid);

/*
 * Be found by moult_whereis() as `name` (copied) until this server ends.  0, -EEXIST
 * (another has it), -EALREADY (this server has a name), -EINVAL (not text of 1 to 255
 * bytes) or -ENOMEM; with "via:" what registering a key gives, see registry.h, and that is
 * given back as a key is.  OTP: register/2.  [server]
 */
MOULT_EXPORT int moult_register(moult_ctx *ctx, const char *name);

/* Give the name back, if there is one.  OTP: unregister/1.  [server] */
MOULT_EXPORT void moult_unregister(moult_ctx *ctx);

/* -- the process dictionary -- */

/*
 * Values under keys, beside the state: for what is the process's rather than the
 * server's, as who it works for or what to put into its log.  They are data, and stay
 * through an upgrade as they are: no code_change sees them.  They go with the process.
 */

/*
 * Keep `value` (taken) under `key` (copied).  0, -ENOMEM or -ENOSPC (a million keys).  OTP:
 * put/2.  [server]
 */
MOULT_EXPORT int moult_dict_put(moult_ctx *ctx, const char *key, moult_out *value);

/*
 * True, and `*value` (may be NULL) a cursor at it, lent until it is replaced, if there is
 * something under `key`.  OTP: get/1.  [server]
 */
MOULT_EXPORT bool moult_dict_get(moult_ctx *ctx, const char *key, moult_in *value);

/* Forget it; true if it was there.  OTP: erase/1.  [server] */
MOULT_EXPORT bool moult_dict_erase(moult_ctx *ctx, const char *key);

/* -- what a process is at -- */

/*
 * Ask `pid`, which may be this process, and wait up to `timeout_ms` (0: 5000) until it
 * comes to answer: one that waits does at once, inside a callback, too.  0 and `*info`,
 * lent as a call's reply, at a map of
 *
 *   pid, name, label   who it is; null if it has none
 *   kind               "server", "supervisor", "process", "task"
 *   application, vsn   whose code it runs
 *   status             "idle", "running", "waiting" in a callback, "suspended", "exiting"
 *   function           the callback or the function that runs; null between callbacks
 *   mailbox            messages that wait
 *   memory             bytes that it holds
 *   reductions         messages that it has handled
 *   trap_exit
 *   parent             who started it; null for nobody
 *   links, monitors, monitored_by   arrays of pids
 *
 * or an error of moult_call().  OTP: process_info/1.  [server]
 */
MOULT_EXPORT int moult_process_info(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms,
                                    moult_in *info);

MOULT_END

#endif
