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

/* Where it is in the command line. */
struct cursor {
    char **argv;
    int argc, at;
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

/* The value of an option that needs one is the next word, and the cursor moves to it. */
static int take_value(const struct option *option, const struct given *given,
                      struct cursor *c, const char **value, struct fault *why)
{
    *value = given->value ? given->value : "";
    if (!option->value && given->value)
        return fault(why, -EINVAL, "'--%s' takes no value", option->name);
    if (!option->value || given->value)
        return 0;
    if (c->at + 1 >= c->argc)
        return fault(why, -EINVAL, "'--%s' needs a value: --%s %s", option->name,
                     option->name, option->value);
    *value = c->argv[++c->at];
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

/* Two of them have short names as well, by custom. */
static struct given read_either(const char *word)
{
    if (strcmp(word, "-h") == 0)
        return (struct given){"help", 4, NULL};
    if (strcmp(word, "-V") == 0)
        return (struct given){"version", 7, NULL};
    return read_option(word);
}

/* There is room for as many as there are words. */
static void add_many(struct args *args, const char *value)
{
    const char **end = args->many;

    while (*end)
        end++;
    *end = value;
}

static int take_option(struct args *args, struct cursor *c, struct fault *why)
{
    struct given given = read_either(c->argv[c->at]);
    const struct option *own = args->command ? args->command->options : NULL;
    int mine = find(own, &given), everyones = find(args_everywhere, &given), error;
    const char *value = NULL;

    if (own && mine >= 0) {
        error = take_value(&own[mine], &given, c, &value, why);
        args->values[mine] = error ? NULL : value;
        if (!error && own[mine].many)
            add_many(args, value);
        return error;
    }
    if (everyones < 0)
        return unknown_option(args, &given, why);
    error = take_value(&args_everywhere[everyones], &given, c, &value, why);
    if (!error)
        set_everywhere(args, everyones, value);
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
    struct cursor c = {argv, argc, 1};
    bool over = false; /* no more options */
    int error = 0;

    *out = (struct args){.words = calloc((size_t)argc + 1, sizeof(*out->words)),
                         .many = calloc((size_t)argc + 1, sizeof(*out->many))};
    if (!out->words || !out->many)
        return fault(why, -ENOMEM, "no memory for the command line");
    for (; !error && c.at < argc; c.at++) {
        const char *word = argv[c.at];

        if (!over && strcmp(word, "--") == 0)
            over = true;
        else if (!over && is_option(word))
            error = take_option(out, &c, why);
        else if (!out->command)
            error = take_command(out, word, why);
        else
            out->words[out->count++] = word;
    }
    return error;
}

void args_finish(struct args *args)
{
    free(args->words);
    free(args->many);
    args->words = args->many = NULL;
}

const char *args_value(const struct args *args, const char *name)
{
    struct given given = {name, strlen(name), NULL};
    int index = find(args->command->options, &given);

    return index < 0 ? NULL : args->values[index];
}
