/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer - the method `trace`: what a process is sent and sends, as it happens.
 *
 * A process of the host's own is told of each message (sys.h), and sends it on to the
 * client as a notification.  Each on the way has room for so much and no more: what does
 * not fit is dropped and counted, and nobody waits.
 */
#ifndef MOULT_TRACER_H
#define MOULT_TRACER_H

#include "request.h"

/* Answer `request` when what is traced has ended; a row of methods.c. */
void tracer_method(struct request *request, void *context);

#endif
