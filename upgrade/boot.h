/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot - start applications: all when the host begins, and those that are new later.
 */
#ifndef MOULT_BOOT_H
#define MOULT_BOOT_H

#include "record.h"
#include "stock.h"

struct boot {
    struct stock *stock;
    struct record *record;
};

/*
 * Take in what is in the folder `plugins` and start the applications, each at the version
 * of the release record or else at its highest.  One that does not start is told and does
 * not keep the others.  0; or a negative errno and `why`.
 */
int boot_all(const struct boot *boot, const char *plugins, struct fault *why);

/* Start what `entry` lists; it is told as `application.refused` if that can't be. */
void boot_start(const struct boot *boot, const struct catalog_entry *entry);

#endif
