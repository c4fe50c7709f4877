/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify - what the host tells its service manager: sd_notify's protocol.
 */
#ifndef MOULT_NOTIFY_H
#define MOULT_NOTIFY_H

/* Tell it `text`, "READY=1", if there is one; that it failed is an event.  [any] */
void notify(const char *text);

#endif
