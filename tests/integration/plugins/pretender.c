/* SPDX-License-Identifier: Apache-2.0 */
/* pretender - an application whose server wants counter's name. */
#include <moult.h>

static const moult_server pretender = {.size = sizeof(moult_server)};

MOULT_PLUGIN(.children = (const moult_child[]){
                 {.id = "first", .server = &pretender, .name = "first"},
                 {.id = "pretender", .server = &pretender, .name = "counter"},
                 {.id = NULL}});
