/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_memory - where libuv keeps what it can't do without.
 *
 * libuv aborts the program when it can't grow the table of the descriptors that its loop
 * watches.  So that table has a place of its own from the beginning, and who would need a
 * larger one is turned away.
 */
#ifndef MOULT_LOOP_MEMORY_H
#define MOULT_LOOP_MEMORY_H

#define LOOP_MEMORY_DESCRIPTORS 16384 /* the loop watches none from here on */

/* For the loop that is made next, and all it does.  Before any other use of libuv. */
void loop_memory_use(void);

#endif
