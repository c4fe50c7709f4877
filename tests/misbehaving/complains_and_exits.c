/* SPDX-License-Identifier: Apache-2.0 */
/* complains_and_exits - handle_call gives up as a program may, by err(), in what it says
 * a byte that is no text. */
#include "sins_when_asked.h"

#include <err.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    errx(3, "no such %s\xff", nothing ? nothing : "file");
}
