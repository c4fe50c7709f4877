/* SPDX-License-Identifier: Apache-2.0 */
/* changes_in_constructor - it sets umask and locale when it is loaded. */
#include <locale.h>
#include <sys/stat.h>

#include "plain.h"

__attribute__((constructor)) static void begin(void)
{
    setlocale(LC_ALL, "C.UTF-8");
    umask(0);
}

MOULT_PLUGIN(.children = children);
