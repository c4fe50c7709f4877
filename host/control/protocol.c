/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol.h"

#include <string.h>

#include "rpc.h"

/* clang-format off */
static const char introduction[] =
    "THE CONTROL SOCKET\n"
    "\n"
    "  A Unix stream socket, which only its owner and root may use.  It speaks JSON-RPC\n"
    "  2.0, one object a line: a request is a line, and so is an answer.\n"
    "\n"
    "    > {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n"
    "    < {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"pong\"}\n"
    "\n"
    "  Requests may be sent without waiting for answers, which come in the order in\n"
    "  which things get done: tell them apart by `id`.  A request without `id` is done\n"
    "  and not answered.  An array of requests is answered by an array.  Parameters are\n"
    "  given by name, and what is unknown is refused.  Besides answers a client may be\n"
    "  sent notifications: `progress` {id, step, ...} while a request of its own is\n"
    "  worked on, and what it subscribed to, `event` and `events.missed`.  Skip those\n"
    "  that you don't know, and members that you don't know: there may be more of them\n"
    "  one day.\n"
    "\n"
    "  A client that closes its sending side gets what is left of its answers, and then\n"
    "  the end.  A request that its client did not wait for is done all the same.\n"
    "\n"
    "  From a shell:\n"
    "\n"
    "    echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}' |\n"
    "        socat -t 5 - UNIX-CONNECT:$XDG_RUNTIME_DIR/moult.sock | jq\n"
    "\n"
    "LIMITS\n"
    "\n"
    "  A line has at most 16 MiB, a batch at most 1024 requests.  A client with 1024\n"
    "  requests unanswered, or 1 MiB of answers unread, is read no further until that is\n"
    "  less; one that leaves 16 MiB unread is hung up on.  Of 1024 clients the one idle\n"
    "  longest makes room for another.  With 65536 requests of all clients unanswered,\n"
    "  or 1024 changes of versions waiting, others are refused as `busy`.\n"
    "\n"
    "JSON AND CBOR\n"
    "\n"
    "  Messages and states are CBOR inside the host and are shown as RFC 8949, section\n"
    "  6, has it: integers, floats, texts, arrays, maps, true, false and null as they\n"
    "  are; byte strings as base64url text without padding; what JSON has no word for,\n"
    "  such as an infinite number, as null.\n"
    "\n"
    "ERRORS\n"
    "\n"
    "    < {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":2,\"message\":\"...\",\n"
    "       \"data\":{\"code\":\"not_found\",\"server\":\"conter\",\"reason\":\"...\"}}}\n"
    "\n"
    "  `message` is for people.  `data` has the word of the code as `code`, the reason\n"
    "  as `reason`, and as far as they apply `application`, `server`, `field` (of the\n"
    "  state, or a function), `step` (of an upgrade: store, vet, plan, drain, migrate,\n"
    "  commit) and `error` (the system's name, such as ENOENT).  Codes and their words\n"
    "  never change:\n"
    "\n";
/* clang-format on */

const struct protocol_method *protocol_at(size_t index)
{
    return index < protocol_count ? &protocol_methods[index] : NULL;
}

const struct protocol_method *protocol_find(const char *name)
{
    for (size_t i = 0; i < protocol_count; i++)
        if (strcmp(protocol_methods[i].name, name) == 0)
            return &protocol_methods[i];
    return NULL;
}

/* "    params   ...", with further lines below the first. */
static void print_part(const char *label, const char *text, char quote, FILE *out)
{
    fprintf(out, "    %-8s ", label);
    for (; *text; text++) {
        putc(*text == '\'' ? quote : *text, out);
        if (*text == '\n')
            fprintf(out, "%13s", "");
    }
    putc('\n', out);
}

void protocol_print_method(const struct protocol_method *method, FILE *out)
{
    fprintf(out, "  %s - %s\n", method->name, method->summary);
    print_part("params", method->params, '\'', out);
    print_part("result", method->result, '\'', out);
    print_part("errors", method->errors, '\'', out);
    print_part("command", method->command, '\'', out);
    print_part("example", method->example, '"', out);
}

void protocol_print(FILE *out)
{
    const char *about;
    int code;

    fputs(introduction, out);
    for (size_t i = 0; (about = rpc_code_at(i, &code)); i++)
        fprintf(out, "  %7d  %-16s %s\n", code, rpc_word(code), about);
    fputs("\nMETHODS\n", out);
    for (size_t i = 0; i < protocol_count; i++) {
        putc('\n', out);
        protocol_print_method(&protocol_methods[i], out);
    }
}
