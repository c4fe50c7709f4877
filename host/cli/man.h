/* SPDX-License-Identifier: Apache-2.0 */
/*
 * man - the manual page, made of what the program says of itself.
 */
#ifndef MOULT_MAN_H
#define MOULT_MAN_H

#include <stdio.h>

/* moult(1), for man: all that `moult help` has. */
void man_print(FILE *out);

#endif
