/* SPDX-License-Identifier: Apache-2.0 */
#include "via.h"

#include <errno.h>
#include <string.h>

#include "name.h"
#include "out.h"
#include "registry.h"

/* Where the key begins in `name`, and the registry's name; NULL if it is not whole. */
static const char *key_in(const char *name, char registry[NAME_MAX_LEN + 1])
{
    const char *from = name + sizeof(VIA) - 1, *colon = strchr(from, ':');
    size_t len = colon ? (size_t)(colon - from) : 0;

    if (len == 0 || len > NAME_MAX_LEN || !colon[1])
        return NULL;
    memcpy(registry, from, len);
    registry[len] = 0;
    return colon + 1;
}

bool via_valid(const char *name)
{
    char registry[NAME_MAX_LEN + 1];

    return key_in(name, registry) != NULL;
}

/* `name` taken apart: 0, the registry and the key as CBOR in `out`; -EINVAL, -ESRCH. */
static int read_via(const char *name, moult_pid *registry, moult_out *out)
{
    char text[NAME_MAX_LEN + 1];
    const char *key = key_in(name, text);

    if (!key)
        return -EINVAL;
    *registry = name_find(text);
    moult_put_text(out, key);
    if (out->error)
        return out->error;
    return registry->bits ? 0 : -ESRCH;
}

moult_pid via_find(const char *name)
{
    uint8_t space[NAME_MAX_LEN + 3];
    moult_pid registry = {0}, pid = {0};
    moult_out out;

    out_init(&out, space, sizeof(space));
    if (read_via(name, &registry, &out) == 0)
        pid = registry_whereis(registry, (struct item){out.bytes, out.len});
    out_release(&out);
    return pid;
}

int via_register(struct process *p, const char *name, moult_pid *holder)
{
    static const struct item null = {"\xf6", 1};
    uint8_t space[NAME_MAX_LEN + 3];
    moult_pid registry = {0};
    moult_out out;
    int error;

    out_init(&out, space, sizeof(space));
    error = read_via(name, &registry, &out);
    if (!error && !registry_is_unique(registry))
        error = -ENOTSUP;
    if (!error)
        error = registry_register(p, registry, (struct item){out.bytes, out.len}, null,
                                  holder);
    out_release(&out);
    return error;
}
