/* SPDX-License-Identifier: Apache-2.0 */
#include "command_tables.h"

#include "help.h"
#include "local.h"
#include "pack.h"

static const struct option pack_options[] = {
    {"plugins", "DIR", "where the plugins are; beside the release file"},
    {"to", "FILE", "what to write; NAME-VSN.pack"},
    {0},
};
static const struct option check_options[] = {
    {"states", "FILE", "a snapshot of OLD: carry these states, too"},
    {0},
};

/* clang-format off */
const struct command commands_file[] = {
    {
        .name = "check",
        .synopsis = "FILE [OLD] [--states FILE]",
        .summary = "vet a plugin as a host would, without one",
        .details =
            "  Reads FILE, loads it in another process, and saves, loads and carries\n"
            "  initial states; with OLD, another version of it, from that one and back.\n"
            "  So are live states of OLD, and messages that waited, that 'moult snapshot'\n"
            "  wrote.\n"
            "\n"
            "  moult check counter-2.0.0.so counter-1.1.0.so\n"
            "  moult check counter-2.0.0.so counter-1.1.0.so --states counter.states\n",
        .options = check_options,
        .least = 1,
        .most = 2,
        .run = local_check,
    },
    {
        .name = "pack",
        .synopsis = "REL_FILE [--plugins DIR] [--to FILE]",
        .summary = "make one file of a release and its plugins",
        .details = "  REL_FILE says which application the release has at which version; 'moult\n"
                   "  help release' has how.  The package is a tar archive, to be unpacked or\n"
                   "  dropped into a plugins folder.\n"
                   "\n"
                   "  moult pack shop.rel --plugins build\n",
        .options = pack_options,
        .least = 1,
        .most = 1,
        .run = pack_run,
    },
    {
        .name = "help",
        .synopsis = "[TOPIC]",
        .summary = "explain a command or a topic",
        .details = "  moult help upgrade\n"
                   "  moult help protocol\n",
        .most = 1,
        .run = help_run,
    },
    {
        .name = "vet",
        .synopsis = "",
        .summary = "be the helper of a host that vets plugins",
        .details = "",
        .hidden = true,
        .run = local_vet,
    },
    {0},
};
/* clang-format on */
