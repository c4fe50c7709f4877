/* SPDX-License-Identifier: Apache-2.0 */
/*
 * told - the events of telemetry that an upgrade is: moult.upgrade.start and so on, one of
 * each application.  On the release handler's thread; a load while nobody listens.
 */
#ifndef MOULT_TOLD_H
#define MOULT_TOLD_H

#include "part.h"

void told_start(const struct upgrade_move *m);

/* `part` has moved its servers, in a pause of `pause_ns`; the whole began at `began_ns`. */
void told_stop(const struct part *part, uint64_t began_ns, uint64_t pause_ns);

/* It is refused, and all is as it was. */
void told_exception(const struct upgrade_move *m, uint64_t began_ns,
                    const struct fault *why);

#endif
