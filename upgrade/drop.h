/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drop - what becomes of a file that is dropped into the plugin folder.
 *
 * It is taken in and, unless it is only to be staged, gone to: a plugin of a higher vsn
 * than what runs, or of an application that does not; a release of the name of what runs
 * and a higher vsn, or if what runs is the host's own.  A release file whose versions are
 * not all here waits for them.  On the release handler's thread.
 */
#ifndef MOULT_DROP_H
#define MOULT_DROP_H

#include <stdbool.h>

#include "stock.h"

/* False if it is being written to: to be looked at again. */
bool drop_file(struct stock *stock, const char *path, bool stage_only);

/* Only take it in, as all that is in the folder when a host begins; it is told. */
void drop_take_in(struct stock *stock, const char *path);

/* No release file waits any more. */
void drop_finish(void);

#endif
