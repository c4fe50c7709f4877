/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lobby - two registries and who is in them.
 *
 *   {"join": TOPIC}   register under any item, with the number of the call as value
 *   "leave"           unregister from "news"
 *   "crash"           write to nowhere
 *   null              the guest's call count
 *
 * KIND 1 has other args for the registries, 2 args that can't be, 3 a name that can't be.
 */
#include <moult.h>

static int *volatile nowhere = (int *)8; /* null would be UBSan's */

#if KIND == 1
#define TOPICS "{\"keys\": \"duplicate\", \"partitions\": 8}"
#elif KIND == 2
#define TOPICS "{\"keys\": \"some\"}"
#else
#define TOPICS "{\"keys\": \"duplicate\", \"partitions\": 2}"
#endif
#define NAME (KIND == 3 ? "via:rooms" : "via:rooms:lobby")

struct guest {
    int64_t calls;
#if KIND == 1
    int64_t more;
#endif
};
#if KIND == 1
MOULT_STATE(guest_state, struct guest, MOULT_FIELD(calls), MOULT_FIELD(more));
#else
MOULT_STATE(guest_state, struct guest, MOULT_FIELD(calls));
#endif

static moult_next guest_call(moult_ctx *ctx, void *state, const moult_from *from,
                             moult_in *request, moult_out *reply)
{
    struct guest *g = state;
    moult_in topic, value, news = moult_text_key(ctx, "news");
    moult_out *draft = moult_draft(ctx);
    int error;

    g->calls++;
    moult_put_int(draft, g->calls);
    value = moult_draft_in(draft);
    if (moult_match_map(request, "join", &topic)) {
        error =
            moult_registry_register(ctx, moult_whereis("topics"), &topic, &value, NULL);
        if (error)
            return moult_refuse(ctx, error, "%s", moult_strerror(error));
    } else if (moult_match(request, "leave")) {
        moult_registry_unregister(ctx, moult_whereis("topics"), &news);
    } else if (moult_match(request, "crash")) {
        *nowhere = 1;
    }
    moult_put_int(reply, g->calls);
    return moult_reply();
}

static const moult_server guest = {
    .size = sizeof(moult_server), .state = guest_state, .handle_call = guest_call};

static const moult_child children[] = {
    {.id = "rooms", .server = &moult_registry, .name = "rooms"},
    {.id = "topics", .server = &moult_registry, .name = "topics", .args = TOPICS},
    {.id = "guest", .server = &guest, .name = NAME},
    {.id = "other", .server = &guest, .name = "other"},
    {.id = NULL}};

MOULT_PLUGIN(.intensity = 5, .children = children);
