/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stock - what the release handler works with: the plugin files at hand, the folder that
 * keeps them, the process that vets them, those that are loaded, and the record of
 * releases.
 *
 * Its own: one call at a time, but for the catalog and copies of the record, which have
 * locks.
 */
#ifndef MOULT_STOCK_H
#define MOULT_STOCK_H

#include <stdbool.h>

#include "catalog.h"
#include "fault.h"
#include "record.h"
#include "store.h"
#include "terms.h"
#include "vet.h"

struct loaded;
struct waiting;

struct stock {
    struct catalog *catalog;
    struct store *store;
    struct vet *vet;
    struct loaded *loaded;   /* see loaded.h */
    struct waiting *waiting; /* see boot.h */
    struct record *record;
    char *unpacking;    /* a folder for what is taken out of packages */
    size_t rehearse;    /* states of servers that are tried before; 0: none */
    struct terms terms; /* unless others are asked for */
    bool manual;        /* what is upgraded to is not permanent until it is made so */
    bool reboots;       /* the host is to end, and to begin anew */
};

/*
 * Open the store and the record in the folder `data`, and list what an earlier host left there whole.  0,
 * or a negative errno and `why`; stock_close() it either way.
 */
int stock_open(struct stock *stock, const char *data, struct fault *why);

/* Empty that folder, and remove it. */
void stock_clear_unpacking(const struct stock *stock);

/*
 * What a process that is just ending still runs in stays in the list, as it stays mapped.
 * All zero is fine.
 */
void stock_close(struct stock *stock);

/*
 * The applications of the release that runs as they should be if `entry` (NULL: none) were
 * one of them, by name; given.  NULL: no memory.
 */
json_t *stock_applications(const struct stock *stock,
                           const struct catalog_entry *entry);

/* Make `entry` the one of its name in `apps`.  0 or -ENOMEM. */
int stock_add_application(json_t *apps, const struct catalog_entry *entry);

/* Is that no fault of a file's, so that it may be taken in another time? */
bool stock_is_passing(int error);

#endif
