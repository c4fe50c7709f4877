/* SPDX-License-Identifier: Apache-2.0 */
/* sets_the_locale - handle_call sets the locale. */
#include "sins_when_asked.h"

#include <locale.h>

static void misbehave(moult_ctx *ctx, char *nothing)
{
    setlocale(LC_ALL, "C.UTF-8");
}
