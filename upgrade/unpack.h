/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack - take in a file of any kind: a plugin (.so), a release file (.rel), or a package
 * (.pack) that holds both.
 *
 * A release file can be taken in when the versions that it names are here.  On the release
 * handler's thread.  OTP: release_handler:unpack_release/1.
 */
#ifndef MOULT_UNPACK_H
#define MOULT_UNPACK_H

#include "ledger.h"
#include "manifest.h"
#include "stock.h"

/* What it was. */
struct unpacked {
    struct manifest plugin; /* name "": no plugin */
    uint64_t vet_ns;        /* that its vetting took */
    char release[LEDGER_NAME_TEXT];
};

/*
 * Take in the file at `path`.  0, -EALREADY (it is here), -EBUSY (it is being written to),
 * -ENODATA (a release file, and a version is not here yet), or another error; `*why` says
 * why.  What of a package was taken in before an error stays.
 */
int unpack_file(struct stock *stock, const char *path, struct unpacked *out,
                struct fault *why);

/* Is it by its name a plugin; a release file?  Else a package. */
bool unpack_is_plugin(const char *path);
bool unpack_is_release(const char *path);

#endif
