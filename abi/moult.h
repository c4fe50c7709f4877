/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moult.h - all that a moult plugin needs, and all it may rely on.
 *
 * A plugin is one .so that exports one symbol, `moult_plugin`: a version of an
 * application and the servers it is made of.  The host calls their callbacks; the
 * callbacks call the functions declared in the chapters below.
 *
 * Three rules hold everywhere:
 *
 *   1. Between versions state travels as data, never as pointers into code.
 *   2. The version with the newer format translates, upward and downward.
 *   3. Until the point of no return the old state is only read, so undoing is
 *      forgetting; after it nothing can refuse.
 *
 * And three for whoever writes a plugin:
 *
 *   4. A server runs one callback at a time.  Callbacks of two servers may run at
 *      once, so a plugin keeps no mutable globals.
 *   5. What a callback returns says what happens next.  A failure ends that one
 *      server, and its supervisor decides.
 *   6. A callback may block in moult_call() and go on on another thread: keep no
 *      lock, and nothing thread-local such as errno, across it.
 *
 * Ownership words: "borrowed" ends with the call; "copied" leaves the caller's own
 * alone; "taken" is the callee's from now on; "given" is the caller's to free;
 * "lent" belongs to the lender until the time stated.
 *
 * Contexts: [server] inside a callback of that server, with its own `ctx`; [pure]
 * anywhere, no side effects, perhaps on a copy in another process; [any] any thread,
 * any time, does not block.
 *
 * Errors are negative errno values; moult_strerror() has their text.  Times are in
 * milliseconds, text is UTF-8.
 */
#ifndef MOULT_H
#define MOULT_H

#include "moult/agent.h"
#include "moult/alias.h"
#include "moult/application.h"
#include "moult/appup.h"
#include "moult/base.h"
#include "moult/blocking.h"
#include "moult/cbor.h"
#include "moult/event.h"
#include "moult/io.h"
#include "moult/log.h"
#include "moult/memory.h"
#include "moult/message.h"
#include "moult/plugin.h"
#include "moult/process.h"
#include "moult/registry.h"
#include "moult/reqids.h"
#include "moult/server.h"
#include "moult/spawn.h"
#include "moult/state.h"
#include "moult/statem.h"
#include "moult/supervisor.h"
#include "moult/sys.h"
#include "moult/task.h"
#include "moult/telemetry.h"

#endif
