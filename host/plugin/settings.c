/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (16 << 20) /* bytes */

/* What libconfig takes: for itself, and a setting for a few bytes of text. */
#define PARSER_ROOM  (256u << 10)
#define PARSER_TIMES 64u

/* -- as JSON -- */

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the file is nested */
static json_t *children_json(const config_setting_t *setting)
{
    bool named = config_setting_is_group(setting);
    json_t *json = named ? json_object() : json_array();

    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *child = config_setting_get_elem(setting, (unsigned)i);
        json_t *value = settings_json(child);
        int error = named ? json_object_set_new(json, config_setting_name(child), value)
                          : json_array_append_new(json, value);

        if (error) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the file is nested */
json_t *settings_json(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return json_integer(config_setting_get_int64(setting));
    case CONFIG_TYPE_FLOAT:
        return json_real(config_setting_get_float(setting));
    case CONFIG_TYPE_BOOL:
        return json_boolean(config_setting_get_bool(setting));
    case CONFIG_TYPE_STRING:
        return json_string(config_setting_get_string(setting));
    default:
        return children_json(setting);
    }
}

/* -- integers -- */

/* Behind the string or comment that begins at `at`; NULL: neither does. */
static const char *skip_words(const char *at)
{
    const char *end = NULL;

    if (*at == '"') {
        for (at++; *at && *at != '"'; at++)
            at += *at == '\\' && at[1];
        return *at ? at + 1 : at;
    }
    if (*at == '#' || strncmp(at, "//", 2) == 0)
        return at + strcspn(at, "\n");
    if (strncmp(at, "/*", 2) != 0)
        return NULL;
    end = strstr(at + 2, "*/");
    return end ? end + 2 : at + strlen(at);
}

static unsigned line_of(const char *text, const char *at)
{
    unsigned line = 1;

    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

/* What begins at `at` and is a word or a number, whole. */
static size_t token_length(const char *at)
{
    size_t len = strspn(at, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                            "WXYZ_.*-");

    return len ? len : 1;
}

/* Is the token an integer that has no L and 32 bits don't hold? */
static bool is_too_big(const char *token, size_t len, bool negative)
{
    bool hex = token[0] == '0' && (token[1] == 'x' || token[1] == 'X');
    char *end;
    unsigned long long n;

    errno = 0;
    n = strtoull(token, &end, hex ? 16 : 10);
    if (end != token + len) /* a real, a name, or with an L */
        return false;
    return errno == ERANGE || n > (unsigned long long)INT32_MAX + negative;
}

int settings_check_integers(const char *text, const char *label, struct fault *why)
{
    const char *at = text, *behind;

    while (*at) {
        size_t len = token_length(at);

        if ((behind = skip_words(at))) {
            at = behind;
            continue;
        }
        if (isdigit((unsigned char)*at) &&
            is_too_big(at, len, at > text && at[-1] == '-'))
            return fault(why, -ERANGE,
                         "%s:%u: %.*s needs more than 32 bits: write an L behind it",
                         label, line_of(text, at), (int)(len < 64 ? len : 64), at);
        at += *at == '-' ? 1 : len;
    }
    return 0;
}

/* -- files -- */

static int reserve(size_t len, const char *label, struct fault *why)
{
    void *volatile room =
        malloc(PARSER_ROOM + len * PARSER_TIMES); /* it is asked for */

    if (!room)
        return fault(why, -ENOMEM, "no memory to read '%s'", label);
    free(room);
    return 0;
}

int settings_reserve(FILE *in, const char *label, struct fault *why)
{
    struct stat st;

    if (fstat(fileno(in), &st) < 0)
        return fault(why, -errno, "unable to read '%s': %s", label, strerror(errno));
    if (st.st_size > FILE_MAX)
        return fault(why, -EFBIG, "'%s' has more than %d bytes", label, FILE_MAX);
    return reserve((size_t)st.st_size, label, why);
}

char *settings_text(const char *path, const char *label, struct fault *why)
{
    FILE *in = fopen(path, "re");
    char *text = NULL;
    struct stat st;
    size_t len = 0;

    if (!in || fstat(fileno(in), &st) < 0) {
        fault(why, -errno, "unable to read '%s': %s", label, strerror(errno));
    } else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
        fault(why, -EFBIG, "'%s' is no regular file of at most %d bytes", label,
              FILE_MAX);
    } else if (!(text = malloc((size_t)st.st_size + 1))) {
        fault(why, -ENOMEM, "no memory to read '%s'", label);
    } else {
        len = fread(text, 1, (size_t)st.st_size, in);
        text[len] = 0;
    }
    if (in)
        fclose(in);
    return text;
}

int settings_parse(const char *text, const char *label, config_t *out,
                   struct fault *why)
{
    int error = settings_check_integers(text, label, why);

    if (!error)
        error = reserve(strlen(text), label, why);
    if (error)
        return error;
    if (config_read_string(out, text))
        return 0;
    return fault(why, -EINVAL, "%s:%d: %s", label, config_error_line(out),
                 config_error_text(out));
}
