/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry - processes under keys, and a value with each.  Elixir: Registry.
 *
 * A registry is a child like any other, whose server is the host's own:
 *
 *     {.id = "rooms", .server = &moult_registry, .name = "rooms",
 *      .args = "{\"keys\": \"duplicate\"}"}
 *     ...
 *     moult_in room = moult_text_key(ctx, "lobby");
 *
 *     error = moult_registry_register(ctx, moult_whereis("rooms"), &room, NULL, NULL);
 *
 * Its args are a map, all of which may be left out:
 *
 *   keys          "unique": one process a key; "duplicate": any number.  "unique"
 *   partitions    parts that are written at the same time, 1 to 1024.  1
 *   partition_by  of duplicate keys: "pid", who registers, or "key".  "pid"
 *   listeners     array of names that are told who registers and unregisters.  []
 *
 * Keys and values are items of CBOR.  Keys are equal if they are encoded in the same
 * bytes: so 1, 1.0 and "1" are three keys, and maps with their pairs in another order are
 * others.  What moult writes is always encoded in the shortest way; what you encode
 * yourself should be, too.
 *
 * Looking up takes no lock and no message; registering takes the lock of a partition.  A
 * process's entries are gone before anybody is told that it ended (a link, a monitor, a
 * call that failed), so that who was told finds none of them.  In OTP they go some time
 * later.  When a registry itself ends, who is registered in it is sent an exit signal with
 * its reason, as through a link.
 *
 * Where a server's name is asked for, "via:rooms:lobby" is whoever has the text "lobby" in
 * the unique registry that is registered as "rooms": in moult_child.name, which registers
 * it with the value null, in moult_whereis(), and on the command line.
 * OTP: {via, Registry, {rooms, lobby}}.
 *
 * A listener gets an info {"register": {"registry": NAME, "key": KEY, "pid": PID, "value":
 * VALUE}}, or "unregister", without a value.  Of a process's end it is not told: it may
 * monitor the pid.
 *
 * What a process has in registries, keys and values, counts to its max_heap.  Metadata has
 * 1024 keys at most.
 *
 * An upgrade of the application keeps its registries with all that is in them, and as they
 * are: other args count when the registry is started again.
 */
#ifndef MOULT_REGISTRY_H
#define MOULT_REGISTRY_H

#include "server.h"

MOULT_BEGIN

/* What a child is that is a registry. */
MOULT_EXPORT extern const moult_server moult_registry;

/*
 * `text` as a key or a value, lent for the callback.  Others are wherever there is a
 * cursor at an item: in a message, in what was drafted (moult_draft_in()).  [server]
 */
MOULT_EXPORT moult_in moult_text_key(moult_ctx *ctx, const char *text);

/* A cursor at what was written to `draft`, lent until that is sent or written to. [pure] */
MOULT_EXPORT moult_in moult_draft_in(const moult_out *draft);

/*
 * In all below `key` and `value` are cursors at an item, which is borrowed, or copied if
 * it is kept; the cursor stays.  A `value` of NULL is null.  Errors besides their own:
 *
 *   -ESRCH    there is no such registry
 *   -EBADMSG  there is no item at a cursor
 *   -ENOMEM   no memory, or it is more than max_heap; nothing has changed
 */

/*
 * Register this process under `key`.  0; with unique keys -EEXIST, and `*holder` (may be
 * NULL) is who has it: perhaps this process.  OTP: Registry.register/3.  [server]
 */
MOULT_EXPORT int moult_registry_register(moult_ctx *ctx, moult_pid registry,
                                         const moult_in *key, const moult_in *value,
                                         moult_pid *holder);

/*
 * Take away all that this process has under `key`, or only what has `value`, byte for
 * byte.  0 also if it has none.  OTP: Registry.unregister/2, unregister_match/3. [server]
 */
MOULT_EXPORT int moult_registry_unregister(moult_ctx *ctx, moult_pid registry,
                                           const moult_in *key);
MOULT_EXPORT int moult_registry_unregister_match(moult_ctx *ctx, moult_pid registry,
                                                 const moult_in *key,
                                                 const moult_in *value);

/*
 * Put `value` in place of the one under `key`, at once for all readers.  0; -ENOENT (this
 * process has no such key); -ENOTSUP (keys are not unique).  OTP:
 * Registry.update_value/3.  [server]
 */
MOULT_EXPORT int moult_registry_update_value(moult_ctx *ctx, moult_pid registry,
                                             const moult_in *key,
                                             const moult_in *value);

/*
 * Who is registered under `key`: 0 and `*found` at an array of [pid, value], in the order
 * they came (in each partition), lent for the callback; empty if there is none.  OTP:
 * Registry.lookup/2.  [server]
 */
MOULT_EXPORT int moult_registry_lookup(moult_ctx *ctx, moult_pid registry,
                                       const moult_in *key, moult_in *found);

/* Is it to be in the list?  `value` is a cursor of its own. */
typedef bool moult_registry_filter(moult_pid pid, moult_in value, void *context);

/*
 * The same for those that `fits`, which may do what a callback may: what it sees is a
 * copy.  OTP: Registry.match/4, whose pattern and guards it is.  [server]
 */
MOULT_EXPORT int moult_registry_match(moult_ctx *ctx, moult_pid registry,
                                      const moult_in *key, moult_registry_filter *fits,
                                      void *context, moult_in *found);

/* The one process with `key` of a unique registry, or nobody.  OTP: whereis_name/1. [any] */
MOULT_EXPORT moult_pid moult_whereis_via(moult_pid registry, const moult_in *key);

/* One that is registered under a key.  Lent for the call. */
typedef struct {
    moult_pid pid;
    moult_in value;
} moult_registry_entry;

typedef void moult_registry_dispatcher(moult_ctx *ctx,
                                       const moult_registry_entry *entries,
                                       size_t count, void *context);

/*
 * Call `dispatch`, in this process, with all that are registered under `key`: once for each
 * partition that has some, and not at all if there are none.  It may do what a callback
 * may.  With duplicate keys this is how to publish:
 *
 *     static void publish(moult_ctx *ctx, const moult_registry_entry *entries,
 *                         size_t count, void *context)
 *     {
 *         for (size_t i = 0; i < count; i++)
 *             moult_send(ctx, entries[i].pid, news(ctx, context));
 *     }
 *
 * 0 or one of the errors above.  OTP: Registry.dispatch/4, not in parallel.  [server]
 */
MOULT_EXPORT int moult_registry_dispatch(moult_ctx *ctx, moult_pid registry,
                                         const moult_in *key,
                                         moult_registry_dispatcher *dispatch,
                                         void *context);

/*
 * The keys that `owner` is registered under: `*keys` at an array, lent for the callback.
 * One that it is registered under twice is there twice.  OTP: Registry.keys/2.  [server]
 */
MOULT_EXPORT int moult_registry_keys(moult_ctx *ctx, moult_pid registry,
                                     moult_pid owner, moult_in *keys);

/* The values that `owner` has under `key`, in the same way.  OTP: values/3.  [server] */
MOULT_EXPORT int moult_registry_values(moult_ctx *ctx, moult_pid registry,
                                       const moult_in *key, moult_pid owner,
                                       moult_in *values);

/* How many entries there are; 0 for what is no registry.  OTP: Registry.count/1. [any] */
MOULT_EXPORT uint64_t moult_registry_count(moult_pid registry);

/*
 * What is known of the registry itself, under keys of their own, whoever put it.  Taking
 * away what is not there is no error; reading it is -ENOENT, one key too many -ENOSPC.
 * `*value` is lent for the callback.  OTP: Registry.put_meta/3, delete_meta/2, meta/2.  [any], but reading [server]
 */
MOULT_EXPORT int moult_registry_put_meta(moult_pid registry, const moult_in *key,
                                         const moult_in *value);
MOULT_EXPORT int moult_registry_delete_meta(moult_pid registry, const moult_in *key);
MOULT_EXPORT int moult_registry_meta(moult_ctx *ctx, moult_pid registry,
                                     const moult_in *key, moult_in *value);

MOULT_END

#endif
