/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest - what a plugin's file says of itself, read as data.
 *
 * The first ring of vetting: no code of the file runs, not even a constructor, and
 * nothing is mapped, so that a file which is cut, foreign or changing can do no harm.
 * A file that passes has all its bytes.  Called by whoever was shown a file.
 */
#ifndef MOULT_MANIFEST_H
#define MOULT_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "beside.h"
#include "fault.h"
#include "filehash.h"
#include "version.h"

#define MANIFEST_NAME_MAX 63                  /* bytes of an application's name */
#define MANIFEST_FILE_MAX ((size_t)256 << 20) /* bytes of a plugin; larger is refused */

/* What may be wrong with a plugin without being a reason to refuse it. */
enum lint {
    LINT_UNIQUE,     /* unique symbols: it will never be unloaded */
    LINT_STATIC_TLS, /* takes from a small area that loading again and again uses up */
    LINT_EXEC_STACK, /* makes all stacks of the host executable */
    LINT_CLUTTER,    /* exports more than moult_plugin */
    LINT_BUILD_ID,   /* has no build id, so that a core can't be matched with it */
    LINT_NODELETE,   /* asks never to be unloaded */
    LINT_COUNT
};

/* A plain value: it may be copied. */
struct manifest {
    char name[MANIFEST_NAME_MAX + 1]; /* of the application */
    char vsn[VERSION_MAX + 1];
    char hash[FILEHASH_TEXT];     /* of the content, and of the files beside it */
    char own_hash[FILEHASH_TEXT]; /* of the content alone */
    char beside[BESIDE_COUNT][FILEHASH_TEXT]; /* of each file beside it, or "" */
    char build_id[129];                       /* in hex, or "" */
    uint64_t size;                            /* bytes of the file */
    uint32_t abi_major, abi_minor;
    char lints[LINT_COUNT][192]; /* each as text; "" where it does not apply */
};

/* Is `name` 1 to MANIFEST_NAME_MAX characters of a-z 0-9 _, a letter first?  [any] */
bool manifest_name_is_valid(const char *name);

/*
 * Read the plugin at `path` into `*out`.  0, or with `why`: -ENODATA (it is not whole,
 * perhaps not yet), -ENOEXEC (no shared object, or no plugin), -ELIBBAD (a plugin, but
 * not for this host), -EINVAL (not a regular file), -EFBIG, or why it can't be read.
 * After an error the hashes and `size` are set if it could be read, `name` and `vsn` if it
 * has them; the rest is "" or zero.  [any], but it reads a file.
 */
int manifest_read(const char *path, struct manifest *out, struct fault *why);

/* The same of `len` bytes in memory that are called `label` in texts.  [any] */
int manifest_of(const void *bytes, size_t len, const char *label, struct manifest *out,
                struct fault *why);

#endif
