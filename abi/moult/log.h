/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - say something to whoever runs the host.
 *
 * Of what fails the host says by itself what OTP's reports do:
 *
 *   server.crash, server.fault,   who (server, app, vsn, pid, name), reason, last (the kind
 *   process.exit                  of message it handled), client (who called), parent,
 *                                 links, monitors, mailbox, memory, reductions, trap_exit;
 *                                 a server that goes wrong in good order also message and
 *                                 state, as its format_status shows them
 *   server.exit, server.restart,  supervisor, context ("child_terminated", "start_error",
 *   server.start_failed,          "shutdown_error", "shutdown"), reason, and the offender:
 *   server.shutdown_error,        server, pid, restart, shutdown, type, significant
 *   supervisor.gave_up
 *
 * What waits in the mailbox, and the process dictionary, may be secret: no report has them.
 */
#ifndef MOULT_LOG_H
#define MOULT_LOG_H

#include "cbor.h"

MOULT_BEGIN

enum { MOULT_DEBUG, MOULT_INFO, MOULT_WARNING, MOULT_ERROR };

/*
 * One line in the event log, as event `plugin.log` with this server's name and
 * application.  Longer than 1000 bytes is cut.  Does not block; what comes too fast is
 * dropped and counted.  OTP: logger:log/3.  [server]
 */
MOULT_EXPORT void moult_log(moult_ctx *ctx, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Say it as an event of its own, `<application>.<event>`, with the pairs of the map
 * `fields` (taken; NULL: none) besides, of 4096 bytes at most:
 *
 *     moult_out *fields = moult_draft(ctx);
 *
 *     moult_put_map(fields, 1);
 *     moult_put_int_at(fields, "order", 7);
 *     moult_log_event(ctx, MOULT_INFO, "order_placed", fields);
 *
 * OTP: logger:log/2 with a report.  [server]
 */
MOULT_EXPORT void moult_log_event(moult_ctx *ctx, int32_t level, const char *event,
                                  moult_out *fields);

/*
 * Is what this server says at `level` kept?  It may spare what is costly to find out.
 * Operators change it while the host runs, by application.  OTP: logger:allow/2.
 * [server]
 */
MOULT_EXPORT bool moult_log_allows(moult_ctx *ctx, int32_t level);

MOULT_END

#endif
