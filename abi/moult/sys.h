/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys - look into a running server, and hold it still.  OTP: sys.
 *
 * All of it works on servers and supervisors, whatever they run, without their doing
 * anything for it.  A server answers between two callbacks.  `timeout_ms` 0 is 5000; the
 * functions return the errors of moult_call() and their own, and moult_call_text() has
 * words for them.
 *
 *     if (moult_sys_suspend(ctx, pid, 0) == 0) {
 *         moult_sys_get_state(ctx, pid, 0, &state);
 *         ...
 *         moult_sys_resume(ctx, pid, 0);
 *     }
 *
 * OTP's sys:log_to_file/2 has the process itself write a file.  Here that is `moult trace
 * NAME > FILE`, another program: a disk that is slow or full holds up no server, and what
 * comes faster than it can be written is dropped and counted.
 */
#ifndef MOULT_SYS_H
#define MOULT_SYS_H

#include "message.h"

MOULT_BEGIN

/*
 * Let `pid` rest: what it is sent waits in order, calls time out meanwhile and are served
 * all the same when it is resumed.  Only what is in this chapter, an upgrade and its
 * parent's exit still reach it.  It is not counted: one moult_sys_resume() ends two of
 * these.  It stays suspended through an upgrade.  0.  OTP: sys:suspend/2.  [server]
 */
MOULT_EXPORT int moult_sys_suspend(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms);

/* Let it go on.  0, also if it does already.  OTP: sys:resume/2.  [server] */
MOULT_EXPORT int moult_sys_resume(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms);

/*
 * The state of server `pid`: `*state`, lent until the next call, is at its map, as it would
 * be saved; secrets and all.  0; -ENOSYS (no server).  OTP: sys:get_state/2.  [server]
 */
MOULT_EXPORT int moult_sys_get_state(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms,
                                     moult_in *state);

/*
 * Give server `pid` the state that is the map `state` (taken): read as an upgrade reads it,
 * so that fields which it lacks take their initial values.  0; -ENOTSUP (it has none), or
 * why the map can't be read: then nothing has changed.  OTP: sys:replace_state/3, whose
 * function is what the caller does between the two.  [server]
 */
MOULT_EXPORT int moult_sys_replace_state(moult_ctx *ctx, moult_pid pid,
                                         moult_out *state, uint64_t timeout_ms);

/*
 * What `pid` is: `*status`, lent until the next call, is at a map with id, application,
 * behaviour ("server", "statem", "manager", "supervisor"), status ("running", "suspended")
 * and parent; of a server vsn, format and state, as people may see it; of a statem also
 * postponed, how many events, and timeouts, maps of those that run: type ("event", "state",
 * "generic") and name (null but of a generic one); of a supervisor strategy, intensity,
 * period_s and children, how many.  0.  OTP: sys:get_status/2.  [server]
 */
MOULT_EXPORT int moult_sys_get_status(moult_ctx *ctx, moult_pid pid,
                                      uint64_t timeout_ms, moult_in *status);

/* Have it count what it does from now on, or no more.  OTP: sys:statistics/3.  [server] */
MOULT_EXPORT int moult_sys_statistics(moult_ctx *ctx, moult_pid pid, bool on,
                                      uint64_t timeout_ms);

/*
 * What it has counted: `*counts`, lent until the next call, is at a map with for_ms, in and
 * out (messages) and handled (in, and what else it took time for); at null if it does not
 * count.  0.  [server]
 */
MOULT_EXPORT int moult_sys_get_statistics(moult_ctx *ctx, moult_pid pid,
                                          uint64_t timeout_ms, moult_in *counts);

/*
 * Have it remember the last `most` messages that came or went, 1000 at most; 0: none.  0;
 * -ERANGE.  OTP: sys:log/3.  [server]
 */
MOULT_EXPORT int moult_sys_log(moult_ctx *ctx, moult_pid pid, uint32_t most,
                               uint64_t timeout_ms);

/*
 * What it remembers: `*log`, lent until the next call, is at an array of maps as below, the
 * oldest first.  0.  [server]
 */
MOULT_EXPORT int moult_sys_get_log(moult_ctx *ctx, moult_pid pid, uint64_t timeout_ms,
                                   moult_in *log);

/*
 * Have it tell this server of each message that comes or goes, or no more.  Its handle_info
 * gets maps {"trace": pid, "event", "kind", "peer", "at_us", "message", "bytes"}: event is
 * "in" or "out", kind "call", "cast", "info", "reply", "exit", "down" or "timeout", peer who
 * sent it or is sent it, at_us microseconds since 1970; message is null if it has none or
 * more than 4096 bytes.  An exit, a down and a refusal have "reason" besides.  Who is traced
 * waits for nobody: what finds the mailbox full is lost, and {"trace": pid, "event":
 * "dropped", "count"} tells how much.  0; -EDEADLK (itself), -EUSERS (it tells 8 others).
 * OTP: sys:trace/3, sys:install/3.  [server]
 */
MOULT_EXPORT int moult_sys_trace(moult_ctx *ctx, moult_pid pid, bool on,
                                 uint64_t timeout_ms);

/*
 * End `pid` for `reason`, by its terminate, and wait until it has ended; `timeout_ms`
 * MOULT_INFINITY is as long as it takes, and so is 0.  0 if it ended for that reason;
 * -EOWNERDEAD if for another, which moult_call_reason() has.  OTP: gen_server:stop/3.
 * [server]
 */
MOULT_EXPORT int moult_server_stop(moult_ctx *ctx, moult_pid pid, int32_t reason,
                                   uint64_t timeout_ms);

MOULT_END

#endif
