/* SPDX-License-Identifier: Apache-2.0 */
#include "command_tables.h"

#include "show.h"
#include "talk.h"
#include "words.h"

/* clang-format off */
const struct command commands_release[] = {
    {
        .name = "releases",
        .synopsis = "",
        .summary = "the releases and versions that are known, and what became of them",
        .details = "  A release is a set of applications, each at one version.  It is unpacked;\n"
                   "  current, while it runs; permanent, if a host begins with it; old, if it was\n"
                   "  one of these.  The host makes one of its own when an application changes\n"
                   "  alone, and keeps the last 32 of them.  A refused version is tried again when\n"
                   "  its content changes.\n"
                   "\n"
                   "  moult releases\n"
                   "  moult releases --json | jq '.releases[] | select(.status == \"permanent\")'\n",
        .method = "releases",
        .show = show_releases,
        .run = talk_run,
    },
    {
        .name = "unpack",
        .synopsis = "FILE...",
        .summary = "give the host plugins and releases, and not go to them",
        .details = "  A plugin (.so), a release file (.rel), whose plugins have to be there, or a\n"
                   "  package of both (.pack).  Vetted and kept as if they were dropped into the\n"
                   "  plugins folder with on_drop = \"stage\".\n"
                   "\n"
                   "  moult unpack counter-1.1.0.so\n"
                   "  moult unpack counter-2.0.0.so cart-1.0.0.so shop.rel\n"
                   "  moult unpack shop-1.2.0.pack\n",
        .least = 1,
        .most = -1,
        .method = "unpack",
        .params = words_files,
        .show = show_unpacked,
        .run = talk_run,
    },
    {
        .name = "install",
        .synopsis = "REL [OPTION]...",
        .summary = "have a release run: its applications at its versions, no others",
        .details = "  REL is NAME@VSN, or its vsn or name if only one has it.  All applications\n"
                   "  move, start and stop, or none does.  It is current, and a host that ends\n"
                   "  begins with the permanent one again, until 'moult permanent'.  Installing\n"
                   "  the permanent one is the way back.\n"
                   "\n"
                   "  moult install shop@1.2.0 --plan\n"
                   "  moult install shop@1.2.0 && moult permanent\n",
        .options = command_upgrade_options,
        .least = 1,
        .most = 1,
        .method = "install",
        .params = words_release,
        .show = show_installed,
        .run = talk_run,
    },
    {
        .name = "permanent",
        .synopsis = "[REL]",
        .summary = "have a host begin with the release that runs",
        .details = "  REL only says which it should be.  The one that was permanent is old then.\n"
                   "\n"
                   "  moult permanent\n",
        .most = 1,
        .method = "permanent",
        .params = words_release,
        .show = show_release,
        .run = talk_run,
    },
    {
        .name = "remove",
        .synopsis = "REL",
        .summary = "forget a release, and delete the versions that no other has",
        .details = "  Not one that runs or is permanent.  A file in the plugins folder stays, and\n"
                   "  is taken in again when a host begins.\n"
                   "\n"
                   "  moult remove shop@1.1.0\n",
        .least = 1,
        .most = 1,
        .method = "remove",
        .params = words_release,
        .show = show_removed,
        .run = talk_run,
    },
    {
        .name = "reboot-old",
        .synopsis = "REL",
        .summary = "begin anew with an old release",
        .details = "  It is made permanent; then all servers end in order, and the host, which\n"
                   "  stays the same process, begins again.  State is lost: 'moult install' goes\n"
                   "  back without that.\n"
                   "\n"
                   "  moult reboot-old shop@1.1.0\n",
        .least = 1,
        .most = 1,
        .method = "reboot-old",
        .params = words_release,
        .show = show_release,
        .run = talk_run,
    },
    {0},
};
/* clang-format on */
