/* SPDX-License-Identifier: Apache-2.0 */
#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "nearest.h"

const struct option args_everywhere[] = {
    {"socket", "PATH", "the host's control socket, in place of $MOULT_SOCKET"},
    {"json", NULL, "print the result as JSON"},
    {"help", NULL, "explain the command"},
    {"version", NULL, "print the version of moult"},
    {0},
};

/* An option as it stands on the command line. */
struct given {
    const char *name; /* without dashes, `len` bytes */
    size_t len;
    const char *value; /* after a '=', or NULL */
};

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]);
}

static struct given read_option(const char *word)
{
    const char *name = word + strspn(word, "-"), *equals = strchr(name, '=');

    return (struct given){name, equals ? (size_t)(equals - name) : strlen(name),
                          equals ? equals + 1 : NULL};
}

static int find(const struct option *options, const struct given *given)
{
    for (int i = 0; options && options[i].name; i++)
        if (strlen(options[i].name) == given->len &&
            strncmp(options[i].name, given->name, given->len) == 0)
            return i;
    return -1;
}

static void try_all(struct nearest *nearest, const struct option *options)
{
    for (; options && options->name; options++)
        nearest_try(nearest, options->name);
}

static int unknown_option(const struct args *args, const struct given *given,
                          struct fault *why)
{
    char name[64] = "";
    struct nearest nearest = {.word = name};
    const char *command = args->command ? args->command->name : "";
    const char *blank = args->command ? " " : "";

    strncat(name, given->name,
            given->len < sizeof(name) ? given->len : sizeof(name) - 1);
    try_all(&nearest, args_everywhere);
    try_all(&nearest, args->command ? args->command->options : NULL);
    if (nearest.best)
        return fault(why, -EINVAL, "'moult%s%s' has no option '--%s': is '--%s' meant?",
                     blank, command, name, nearest.best);
    return fault(why, -EINVAL,
                 "'moult%s%s' has no option '--%s': 'moult help%s%s' lists them", blank,
                 command, name, blank, command);
}

/* The value of an option that needs one is the next word, and `*at` moves to it. */
static int take_value(const struct option *option, const struct given *given, int argc,
                      char **argv, int *at, const char **value, struct fault *why)
{
    *value = given->value ? given->value : "";
    if (!option->value && given->value)
        return fault(why, -EINVAL, "'--%s' takes no value", option->name);
    if (!option->value || given->value)
        return 0;
    if (*at + 1 >= argc)
        return fault(why, -EINVAL, "'--%s' needs a value: --%s %s", option->name,
                     option->name, option->value);
    *value = argv[++*at];
    return 0;
}

static void set_everywhere(struct args *args, int index, const char *value)
{
    if (index == 0)
        args->socket = value;
    args->json |= index == 1;
    args->help |= index == 2;
    args->version |= index == 3;
}

static int take_option(struct args *args, int argc, char **argv, int *at,
                       struct fault *why)
{
    struct given given = read_option(argv[*at]);
    const struct option *own = args->command ? args->command->options : NULL;
    const char *value;
    int index, error;

    if (strcmp(argv[*at], "-h") == 0)
        given = (struct given){"help", 4, NULL};
    if (strcmp(argv[*at], "-V") == 0)
        given = (struct given){"version", 7, NULL};
    index = find(own, &given);
    if (index >= 0) {
        error = take_value(&own[index], &given, argc, argv, at, &value, why);
        args->values[index] = error ? NULL : value;
        return error;
    }
    index = find(args_everywhere, &given);
    if (index < 0)
        return unknown_option(args, &given, why);
    error = take_value(&args_everywhere[index], &given, argc, argv, at, &value, why);
    if (!error)
        set_everywhere(args, index, value);
    return error;
}

static int take_command(struct args *args, const char *word, struct fault *why)
{
    struct nearest nearest = {.word = word};
    const struct command *command;

    args->command = command_find(word);
    if (args->command)
        return 0;
    for (size_t i = 0; (command = command_at(i)); i++)
        if (!command->hidden)
            nearest_try(&nearest, command->name);
    if (nearest.best)
        return fault(why, -EINVAL, "there is no command '%s': is '%s' meant?", word,
                     nearest.best);
    return fault(why, -EINVAL, "there is no command '%s': 'moult help' lists them",
                 word);
}

int args_parse(int argc, char **argv, struct args *out, struct fault *why)
{
    bool over = false; /* no more options */
    int error = 0;

    *out = (struct args){.words = calloc((size_t)argc + 1, sizeof(*out->words))};
    if (!out->words)
        return fault(why, -ENOMEM, "no memory for the command line");
    for (int i = 1; !error && i < argc; i++) {
        if (!over && strcmp(argv[i], "--") == 0)
            over = true;
        else if (!over && is_option(argv[i]))
            error = take_option(out, argc, argv, &i, why);
        else if (!out->command)
            error = take_command(out, argv[i], why);
        else
            out->words[out->count++] = argv[i];
    }
    return error;
}

void args_finish(struct args *args)
{
    free(args->words);
    args->words = NULL;
}

const char *args_value(const struct args *args, const char *name)
{
    struct given given = {name, strlen(name), NULL};
    int index = find(args->command->options, &given);

    return index < 0 ? NULL : args->values[index];
}
