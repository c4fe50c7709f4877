/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relfile - a release file: which applications a release has, each at which version.
 *
 *     release = "shop";
 *     vsn     = "1.2.0";
 *     applications = { counter = "2.0.0"; cart = "1.4.1"; };
 *
 * In the syntax of the configuration file.  libconfig, which reads it, does not look
 * whether it got memory: a running host has it read in the vet's process.  OTP: a .rel.
 */
#ifndef MOULT_RELFILE_H
#define MOULT_RELFILE_H

#include <jansson.h>

#include "fault.h"

#define RELFILE_BYTES_MAX ((size_t)256 << 10)
#define RELFILE_VSN_MAX   48u /* bytes: the host may put a number behind */

/*
 * Read the file at `path`.  0 and `*out` given, {name, vsn, applications: name -> vsn}; or
 * -EINVAL, -EFBIG or why it can't be read, and `why` with its line.
 */
int relfile_read(const char *path, json_t **out, struct fault *why);

#endif
