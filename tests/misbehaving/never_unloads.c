/* SPDX-License-Identifier: Apache-2.0 */
/* never_unloads - its link marks it as never to be unloaded. */
#include "plain.h"

MOULT_PLUGIN(.children = children);
