/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive - a release in one file: a plain tar archive (ustar) of the release file, first,
 * and its plugins.  `tar tf` lists it.
 *
 * What is read may be hostile: anything but regular files with plain names is refused.
 */
#ifndef MOULT_ARCHIVE_H
#define MOULT_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "fault.h"

#define ARCHIVE_NAME_MAX    100u /* bytes of a member's name, with its zero */
#define ARCHIVE_MEMBERS_MAX 1000u

struct archive_member {
    char name[ARCHIVE_NAME_MAX + 1];
    uint64_t size;
};

struct archive;

/* -- reading -- */

/* 0 and `*out` given; or a negative errno and `why`. */
int archive_open(const char *path, struct archive **out, struct fault *why);
void archive_close(struct archive *p);

/*
 * Go to the next member.  1; 0 at the end; -EINVAL (it is no package, or cut short), -EFBIG,
 * or why it can't be read, and `why`.
 */
int archive_next(struct archive *p, struct archive_member *out, struct fault *why);

/* Write the member at hand to the file `path`, made anew.  0, or a negative errno. */
int archive_extract(struct archive *p, const char *path, struct fault *why);

/* -- writing -- */

/*
 * Write the members, files `paths` as `names`, to `to`, whole or not at all.  0, or a
 * negative errno and `why`.
 */
int archive_write(const char *to, const char *const *paths, const char *const *names,
                  size_t count, struct fault *why);

#endif
