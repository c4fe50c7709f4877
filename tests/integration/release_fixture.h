/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release_fixture - hosts of two applications, and releases of them, for tests.
 */
#ifndef MOULT_RELEASE_FIXTURE_H
#define MOULT_RELEASE_FIXTURE_H

#include "host_fixture.h"

#define MANUAL "--permanent", "manual"

/*
 * A host that runs counter 1.0.0, which has counted to 5, and good 1.0.0; counter 2.0.0 and
 * 3.4.0 (whose code_change crashes) and good 1.1.0 are at hand.
 */
void start_both(struct host *h, const char *permanent);
void both_run(struct host *h, const char *counter, const char *good);

/* The parameters of who asks for it. */
json_t *release(const char *name);

/* It has to be that: "permanent". */
void release_is(struct host *h, const char *name, const char *status);

/* Is there a file in the store whose name has these words? */
bool is_stored(const char *words);

/* Write NAME.rel, release shop of `vsn`, and drop such a file or package. */
void write_release(const char *name, const char *vsn, const char *applications);
void drop_release(const char *file);

#endif
