/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local - commands that need no host: being one, and checking a plugin.
 */
#ifndef MOULT_LOCAL_H
#define MOULT_LOCAL_H

#include "command.h"

/* `moult run`: be the host. */
int local_run(const struct args *args, const struct screen *screen);

/* `moult check`: vet a file as a host would, and carry states from another version. */
int local_check(const struct args *args, const struct screen *screen);

/* `moult vet`: be the helper of a host that vets plugins. */
int local_vet(const struct args *args, const struct screen *screen);

#endif
