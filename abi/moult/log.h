/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - say something to whoever runs the host.
 */
#ifndef MOULT_LOG_H
#define MOULT_LOG_H

#include "base.h"

MOULT_BEGIN

enum { MOULT_DEBUG, MOULT_INFO, MOULT_WARNING, MOULT_ERROR };

/*
 * One line in the event log, as event `plugin.log` with this server's name and
 * application.  Longer than 1000 bytes is cut.  Does not block; what comes too fast is
 * dropped and counted.  OTP: logger:log/3.  [server]
 */
MOULT_EXPORT void moult_log(moult_ctx *ctx, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

MOULT_END

#endif
