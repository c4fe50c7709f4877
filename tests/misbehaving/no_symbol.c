/* SPDX-License-Identifier: Apache-2.0 */
/* no_symbol - has the note, but its link (no_symbol.map) hides moult_plugin. */
#include "plain.h"

MOULT_PLUGIN(.children = children);
