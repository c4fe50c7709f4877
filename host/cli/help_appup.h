/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help_appup - what `moult help appup` says.
 */
#ifndef MOULT_HELP_APPUP_H
#define MOULT_HELP_APPUP_H

#include <stdio.h>

void help_appup(FILE *out);

#endif
