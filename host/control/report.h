/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - the crash reports in a data folder, read back.
 *
 * With a host or after it: all that is needed lies in the folder.  What a report says is
 * taken for text and not trusted.  The objects are as protocol_methods.c tells them.
 */
#ifndef MOULT_REPORT_H
#define MOULT_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "fault.h"

/* Whether reports were ever written in the folder `data`. */
bool reports_exist(const char *data);

/* All of them, the newest first: an array, given; NULL when out of memory. */
json_t *reports_list(const char *data);

/*
 * One, with the function and line of each frame, looked up in the file that was loaded
 * or, if that is another now, in one with its build id in the store.  Reads files, for
 * some 100 ms.  Given; NULL with `why`: -ENOENT, -ENOMEM or why it can't be read.
 */
json_t *report_read(const char *data, const char *id, struct fault *why);

#endif
