/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispatch - from a line of a client to the methods that it asks for.
 *
 * Loop only, private to host/control.
 */
#ifndef MOULT_DISPATCH_H
#define MOULT_DISPATCH_H

#include "session.h"

/* Do what `line` (`len` bytes, borrowed) asks for; whatever it is, it is answered. */
void dispatch_line(struct session *session, const char *line, size_t len);

/* Answer something that was no request at all. */
void dispatch_refuse(struct session *session, int code, const char *message);

#endif
