/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain - a server without state that does nothing, and an application of it.
 *
 * For plugins whose sin is elsewhere: they include this and add it.
 */
#ifndef MOULT_PLAIN_H
#define MOULT_PLAIN_H

#include <moult.h>

static const moult_server nothing = {.size = sizeof(moult_server)};
static const moult_child children[] = {{.id = "nothing", .server = &nothing},
                                       {.id = NULL}};

#endif
