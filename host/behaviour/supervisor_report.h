/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor_report - what a supervisor tells of its children.  OTP: supervisor reports.
 *
 *   event                  context            OTP
 *   ---------------------  -----------------  -----------------------------------
 *   server.exit            child_terminated   the same
 *   server.start_failed    start_error        the same
 *   server.shutdown_error  shutdown_error     the same
 *   supervisor.gave_up     shutdown           reached_max_restart_intensity
 *   server.restart         -                  the progress report
 *
 * Each names the supervisor, the reason and the offender: server (its id), pid, restart,
 * shutdown (milliseconds, "brutal_kill" or "infinity"), type, significant.
 */
#ifndef MOULT_SUPERVISOR_REPORT_H
#define MOULT_SUPERVISOR_REPORT_H

#include "supervisor.h"

/* `c` has ended with `e`; what was to be expected of it is not told. */
void report_child_terminated(const struct supervisor *s, const struct child *c,
                             const struct envelope *e);

/* It did not start, for a reason in words. */
void report_start_error(const struct supervisor *s, const struct child *c,
                        const char *reason);

/* It was asked to end and did for `reason`; if that is another than it was to. */
void report_shutdown_error(const struct supervisor *s, const struct child *c,
                           moult_pid pid, int32_t reason);

/* The end of `c` was one too many. */
void report_gave_up(const struct supervisor *s, const struct child *c);

/* It was started anew because an upgrade has other args for it. */
void report_renewed(const struct supervisor *s, const struct child *c);

void report_progress(const struct supervisor *s, const struct child *c);

#endif
