/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch - the requests that came in one array and are answered in one.
 *
 * Loop only, private to host/control.
 */
#ifndef MOULT_BATCH_H
#define MOULT_BATCH_H

#include <stdbool.h>

struct batch;

/* An empty batch, or NULL when out of memory. */
struct batch *batch_create(void);

/* One more request belongs to it. */
void batch_more(struct batch *batch);

/* One request less waits for its answer: true if that was the last. */
bool batch_less(struct batch *batch);

/* Add an answer (borrowed); NULL means that there was no memory for one. */
void batch_add(struct batch *batch, const char *text);

/*
 * The array of the answers, given; NULL if there is none to be sent, with `*failed` if
 * that is for want of memory.
 */
char *batch_text(struct batch *batch, bool *failed);

void batch_free(struct batch *batch);

#endif
