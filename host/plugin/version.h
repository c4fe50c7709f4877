/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version - which of two vsns is the higher one.
 *
 * A vsn is for people and for "the highest of each"; what a state means is told by its
 * format, never by this.
 */
#ifndef MOULT_VERSION_H
#define MOULT_VERSION_H

#include <stdbool.h>

#define VERSION_MAX 64 /* bytes of a vsn */

/* Is `vsn` 1 to VERSION_MAX characters of 0-9 A-Z a-z . + ~ - ?  [any] */
bool version_is_valid(const char *vsn);

/*
 * Below, equal or above 0 as `a` is lower than, the same as or higher than `b`.
 * Numbers count as numbers (1.9 < 1.10), a missing part as zero, and what follows the
 * first `-` or `~` makes it lower than the release (1.0-rc1 < 1.0-rc2 < 1.0).  What
 * follows `+`, and how zeros are written, only decides between vsns that are equal
 * otherwise; so 0 means the same text.  [any]
 */
int version_compare(const char *a, const char *b);

#endif
