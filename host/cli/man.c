/* SPDX-License-Identifier: Apache-2.0 */
#include "man.h"

#include <stdlib.h>
#include <string.h>

#include "help.h"

/* As it stands: nothing in it is a request of man's. */
static void put_line(const char *line, size_t len, FILE *out)
{
    if (len && (line[0] == '.' || line[0] == '\''))
        fputs("\\&", out);
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\\')
            fputs("\\e", out);
        else if (line[i] == '-')
            fputs("\\-", out);
        else if (line[i] == '\'')
            fputs("\\(aq", out);
        else
            putc(line[i], out);
    }
    putc('\n', out);
}

/* `text` from its second line on, line by line; the first is the heading. */
static void put_body(const char *text, FILE *out)
{
    const char *end = strchr(text, '\n');

    fputs(".nf\n", out);
    for (const char *line = end ? end + 1 : ""; *line; line = end + 1) {
        end = strchrnul(line, '\n');
        put_line(line, (size_t)(end - line), out);
        if (!*end)
            break;
    }
    fputs(".fi\n", out);
}

/* A section or subsection: what `print` writes, headed by its first line. */
static void put_part(const char *macro, const char *text, FILE *out)
{
    fputs(macro, out);
    putc(' ', out);
    put_line(text, strcspn(text, "\n"), out);
    put_body(text, out);
}

static void put_commands(FILE *out)
{
    const struct command *command;

    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; (command = command_at(i)); i++) {
        char *text = NULL;
        size_t len;
        FILE *memory = command->hidden ? NULL : open_memstream(&text, &len);

        if (!memory)
            continue;
        help_command(command, memory);
        fclose(memory);
        put_part(".SS", text, out);
        free(text);
    }
}

static void put_topics(FILE *out)
{
    const struct help_topic *topic;

    for (size_t i = 0; (topic = help_topic_at(i)); i++) {
        char *text = NULL;
        size_t len;
        FILE *memory = topic->print == man_print ? NULL : open_memstream(&text, &len);

        if (!memory)
            continue;
        topic->print(memory);
        fclose(memory);
        put_part(".SH", text, out);
        free(text);
    }
}

void man_print(FILE *out)
{
    fputs(
        ".TH MOULT 1 \"\" \"moult " MOULT_HOST_VERSION "\"\n"
        ".SH NAME\n"
        "moult \\- run C plugins as supervised servers, and change their code while "
        "they keep their state\n"
        ".SH SYNOPSIS\n"
        ".B moult\n"
        ".I command\n"
        "[\\fIword\\fR]... [\\fB\\-\\-socket\\fR \\fIpath\\fR] [\\fB\\-\\-json\\fR]\n",
        out);
    put_commands(out);
    put_topics(out);
    fputs(".SH SEE ALSO\nThe headers in moult/ are the reference for who writes a "
          "plugin, "
          "moult.h first.\n",
          out);
}
