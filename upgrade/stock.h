/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stock - the plugin files at hand and what is done with them: the list, the folder that
 * keeps them, the process that vets them, and those that are loaded.
 *
 * The release handler's: one call at a time, but for the catalog, which has a lock of its
 * own.
 */
#ifndef MOULT_STOCK_H
#define MOULT_STOCK_H

#include <stdbool.h>

#include "catalog.h"
#include "fault.h"
#include "store.h"
#include "vet.h"

struct loaded;

struct stock {
    struct catalog *catalog;
    struct store *store;
    struct vet *vet;
    struct loaded *loaded; /* see loaded.h */
};

/*
 * Open the store in the folder `data` and list what an earlier host left there whole.  0,
 * or a negative errno and `why`; stock_close() it either way.
 */
int stock_open(struct stock *stock, const char *data, struct fault *why);

/* Nothing of it is loaded any more.  All zero is fine. */
void stock_close(struct stock *stock);

/* Is that no fault of a file's, so that it may be taken in another time? */
bool stock_is_passing(int error);

#endif
