/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake - take in plugin files that were dropped or are shown to us: read, copy into the
 * store, vet, list.
 *
 * A file that is refused is told as event `plugin.refused` and remembered by its content.
 */
#ifndef MOULT_INTAKE_H
#define MOULT_INTAKE_H

#include "manifest.h"
#include "stock.h"

/* A file; `shown`, to people: where it came from, the path of a package perhaps. */
struct intake_source {
    const char *path, *shown;
};

/*
 * Take in that file.  0, `*m` says what it is and `*vet_ns` how long vetting
 * took; -EALREADY (it is here, `*m` says what it is); -ECANCELED (it was refused before);
 * -EBUSY (it is being written to); -ENOENT (it is gone again); or it is refused now, told
 * and remembered.  `*reason` says why.
 */
int intake_file(struct stock *stock, const struct intake_source *from,
                struct manifest *m, uint64_t *vet_ns, struct fault *reason);

/* The paths of the plugin files in a folder, by text. */
struct intake_folder {
    char **paths;
    size_t count;
};

/* 0; or a negative errno and `why`.  Release it either way; all zero before. */
int intake_read_folder(const char *path, struct intake_folder *out, struct fault *why);
void intake_release_folder(struct intake_folder *folder);

#endif
