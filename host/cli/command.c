/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <string.h>

#include "command_tables.h"

static const struct command *const tables[] = {
    commands_host, commands_process, commands_change, commands_release, commands_file};

const struct command *command_at(size_t index)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        for (const struct command *c = tables[i]; c->name; c++)
            if (index-- == 0)
                return c;
    return NULL;
}

const struct command *command_find(const char *name)
{
    const struct command *command;

    for (size_t i = 0; (command = command_at(i)); i++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}
