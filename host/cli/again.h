/* SPDX-License-Identifier: Apache-2.0 */
/*
 * again - begin this program again, in this process.
 */
#ifndef MOULT_AGAIN_H
#define MOULT_AGAIN_H

/*
 * Run the program that this is, though its file may be another by now, with the arguments
 * that it was begun with.  Returns a negative errno if that can't be; other threads are
 * gone otherwise.
 */
int again(void);

#endif
