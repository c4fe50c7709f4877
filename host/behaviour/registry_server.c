/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_server.h"

#include <string.h>

#include "name.h"

static int take_keys(moult_in *value, struct registry_spec *spec, struct fault *why)
{
    spec->duplicate = moult_match(value, "duplicate");
    return spec->duplicate || moult_match(value, "unique")
               ? 0
               : fault(why, -EINVAL,
                       "a registry's keys are \"unique\" or \"duplicate\"");
}

static int take_partitions(moult_in *value, struct registry_spec *spec,
                           struct fault *why)
{
    int64_t count = moult_get_int(value);

    if (value->error || count < 1 || count > REGISTRY_PARTITIONS_MAX)
        return fault(why, -EINVAL,
                     "a registry's partitions are an integer from 1 to %u",
                     REGISTRY_PARTITIONS_MAX);
    spec->partitions = (uint32_t)count;
    return 0;
}

static int take_partition_by(moult_in *value, struct registry_spec *spec,
                             struct fault *why)
{
    spec->by_key = moult_match(value, "key");
    return spec->by_key || moult_match(value, "pid")
               ? 0
               : fault(why, -EINVAL, "a registry's partition_by is \"pid\" or \"key\"");
}

static int take_listeners(moult_in *value, struct registry_spec *spec,
                          struct fault *why)
{
    size_t count;

    spec->listeners = *value;
    count = moult_get_array(value);
    for (size_t i = 0; i < count && !value->error; i++) {
        size_t len;
        const char *name = moult_get_text(value, &len);

        if (len == 0 || len > NAME_MAX_LEN || memchr(name, 0, len))
            return fault(why, -EINVAL,
                         "listener %zu of a registry is no name of 1 to %u bytes", i,
                         NAME_MAX_LEN);
    }
    return value->error
               ? fault(why, -EINVAL, "a registry's listeners are an array of names")
               : 0;
}

static const struct {
    const char *name;
    int (*take)(moult_in *value, struct registry_spec *spec, struct fault *why);
} options[] = {{"keys", take_keys},
               {"partitions", take_partitions},
               {"partition_by", take_partition_by},
               {"listeners", take_listeners}};

static int take(moult_in *args, struct registry_spec *spec, struct fault *why)
{
    size_t len;
    const char *name;

    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        moult_in value;
        int error;

        if (!moult_match(args, options[i].name))
            continue;
        value = *args;
        moult_skip(args);
        error = options[i].take(&value, spec, why);
        return error;
    }
    name = moult_get_text(args, &len);
    return fault(why, -EINVAL,
                 "'%.*s' is no option of a registry, which are keys, partitions, "
                 "partition_by and listeners",
                 (int)len, name);
}

int registry_options(moult_in args, struct registry_spec *spec, struct fault *why)
{
    size_t count = 0;
    int error = 0;

    *spec =
        (struct registry_spec){.partitions = 1, .listeners = moult_in_over("\x80", 1)};
    if (moult_peek(&args) == MOULT_NULL)
        return 0;
    count = moult_get_map(&args);
    if (args.error)
        return fault(why, -EINVAL, "a registry's args are a map of options");
    while (count-- > 0 && !error)
        error = take(&args, spec, why);
    if (!error && spec->by_key && !spec->duplicate)
        error = fault(why, -EINVAL,
                      "a registry's partition_by is for duplicate keys: unique ones "
                      "are always by key");
    return error;
}

static moult_next init(moult_ctx *ctx, void *state, moult_in *args)
{
    struct registry_spec spec;
    struct fault why = {0};
    int error = registry_options(*args, &spec, &why);

    if (!error)
        error = registry_open(process_of(ctx), &spec);
    if (error)
        return moult_stop_because(ctx, error, "%s",
                                  why.error ? why.text : "no memory for a registry");
    return moult_noreply();
}

const moult_server moult_registry = {.size = sizeof(moult_server), .init = init};
