/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader - who reads without a lock, and when what they may have read is freed (RCU).
 *
 * Workers are readers all the time and say, each turn, when they hold nothing.  Other
 * threads are readers only between reader_begin() and reader_end(), where nothing may wait.
 *
 * liburcu's own call_rcu() ends the program when there is no memory for it.  This needs
 * none: what is released is a list, and a thread frees it a grace period later.
 */
#ifndef MOULT_READER_H
#define MOULT_READER_H

/* The first member of what malloc() gave. */
struct released {
    struct released *next;
};

/* Before any other; 0 or -ENOMEM. */
int readers_start(void);

/* Free all that is released: nobody reads any more. */
void readers_stop(void);

void reader_begin(void);
void reader_end(void);

/*
 * Say that this thread holds nothing, in a turn that may go on for long: what is released
 * is freed when all have said so.  Not between the two above.
 */
void reader_rest(void);

/*
 * Free `r` (taken; may be NULL) when nobody can hold it any more who came to it before.
 * Nobody who comes now does.  Between readers_start() and readers_stop().  [any]
 */
void reader_release(struct released *r);

#endif
