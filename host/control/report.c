/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <dirent.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crash.h"
#include "json.h"
#include "rpc.h"

#define SUFFIX        ".crash"
#define REPORT_MOST   65536u /* bytes; one that the host writes has less */
#define BUILD_ID_TEXT 65u    /* at most 32 bytes in hex */

static bool ends_with(const char *text, const char *end)
{
    size_t m = strlen(text), n = strlen(end);

    return m > n && strcmp(text + m - n, end) == 0;
}

/* -- which file a frame was in -- */

/* "" if it has none. */
static void read_build_id(const char *path, char text[BUILD_ID_TEXT])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    const unsigned char *bytes;
    const void *id = NULL;
    Elf *elf;
    ssize_t len = 0;

    text[0] = 0;
    if (fd < 0)
        return;
    elf_version(EV_CURRENT);
    elf = elf_begin(fd, ELF_C_READ, NULL);
    if (elf)
        len = dwelf_elf_gnu_build_id(elf, &id);
    bytes = id;
    for (ssize_t i = 0; i < len && i < (ssize_t)BUILD_ID_TEXT / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    elf_end(elf);
    close(fd);
}

static bool has_build_id(const char *path, const char *wanted)
{
    char found[BUILD_ID_TEXT];

    read_build_id(path, found);
    return strcmp(found, wanted) == 0;
}

/* A file of the store with that build id into `path`; false if there is none. */
static bool find_stored(const char *data, const char *build_id, char path[PATH_MAX])
{
    struct dirent *entry;
    bool found = false;
    DIR *store;

    snprintf(path, PATH_MAX, "%s/store", data);
    store = opendir(path);
    while (store && !found && (entry = readdir(store))) {
        if (!ends_with(entry->d_name, ".so"))
            continue;
        snprintf(path, PATH_MAX, "%s/store/%s", data, entry->d_name);
        found = has_build_id(path, build_id);
    }
    if (store)
        closedir(store);
    return found;
}

/* -- a frame: "0x7f0012 /data/store/1-counter-1.0.0.so+0x12 build-id 7b0c" -- */

struct frame {
    char pc[24], path[PATH_MAX], build_id[BUILD_ID_TEXT];
    uint64_t offset;
    bool is_return; /* it is where a call returns to, perhaps the next function */
};

static bool parse_frame(char *line, struct frame *f)
{
    char *build_id = strstr(line, " build-id "), *plus;
    int path_at = 0;

    *f = (struct frame){.offset = 0};
    if (build_id) {
        snprintf(f->build_id, sizeof(f->build_id), "%s",
                 build_id + strlen(" build-id "));
        *build_id = 0;
    }
    if (sscanf(line, " %23s %n", f->pc, &path_at) < 1) /* NOLINT: a text */
        return false;
    plus = path_at ? strrchr(line + path_at, '+') : NULL;
    if (!plus)
        return true;
    *plus = 0;
    snprintf(f->path, sizeof(f->path), "%s", line + path_at);
    f->offset = strtoull(plus + 1, NULL, 16);
    return true;
}

static void look_up(const char *data, const struct frame *f, struct place *place)
{
    const char *path = f->path;
    char stored[PATH_MAX];

    memset(place, 0, sizeof(*place));
    if (!f->path[0])
        return;
    if (!has_build_id(path, f->build_id)) {
        if (!f->build_id[0] || !find_stored(data, f->build_id, stored))
            return;
        path = stored;
    }
    place_read(path, (uintptr_t)(f->offset - f->is_return), place);
}

static json_t *frame_object(const struct frame *f, const struct place *place)
{
    json_t *frame = json_pack("{s:o, s:o*}", "pc", rpc_text(f->pc), "object",
                              f->path[0] ? rpc_text(f->path) : NULL);
    char offset[24];

    snprintf(offset, sizeof(offset), "0x%jx", (uintmax_t)f->offset);
    if (f->path[0])
        json_object_set_new(frame, "offset", json_string(offset));
    if (f->build_id[0])
        json_object_set_new(frame, "build_id", rpc_text(f->build_id));
    if (place->function[0])
        json_object_set_new(frame, "function", rpc_text(place->function));
    if (place->file[0]) {
        json_object_set_new(frame, "file", rpc_text(place->file));
        json_object_set_new(frame, "line", json_integer(place->line));
    }
    return frame;
}

/* Endless recursion has the same frame again and again. */
static void add_frame(json_t *frames, const char *data, char *line)
{
    static const char *const same[] = {"function", "file", "line"};
    size_t count = json_array_size(frames);
    json_t *last = json_array_get(frames, count - 1), *frame;
    struct place place = {0};
    struct frame f;
    bool again;

    if (!parse_frame(line, &f))
        return;
    f.is_return = count > 0;
    again = last && strcmp(f.pc, json_string_value(json_object_get(last, "pc"))) == 0;
    if (!again || count == 1)
        look_up(data, &f, &place);
    frame = frame_object(&f, &place);
    for (size_t i = 0; again && count > 1 && i < sizeof(same) / sizeof(*same); i++)
        if (json_object_get(last, same[i]))
            json_object_set(frame, same[i], json_object_get(last, same[i]));
    json_array_append_new(frames, frame);
}

/* -- the other lines -- */

static size_t from_hex(const char *text, uint8_t *bytes, size_t most)
{
    unsigned byte;
    size_t len = 0;

    for (; len < most && sscanf(text, "%2x", &byte) == 1; text += 2) /* NOLINT */
        bytes[len++] = (uint8_t)byte;
    return len;
}

/* In JSON if all of it is there, else as it was written. */
static void add_message(json_t *report, const char *hex)
{
    size_t most = strlen(hex) / 2;
    uint8_t *bytes = malloc(most + 1);
    json_t *message = NULL;
    moult_in in;

    if (!bytes)
        return;
    in = moult_in_over(bytes, from_hex(hex, bytes, most));
    if (!strstr(hex, "..."))
        message = json_from_cbor(&in, NULL);
    if (message)
        json_object_set_new(report, "message", message);
    else
        json_object_set_new(report, "message_bytes", rpc_text(hex));
    free(bytes);
}

static void add_field(json_t *report, const char *key, const char *value)
{
    static const struct {
        const char *key, *name;
        bool is_number;
    } known[] = {{"reason", "reason", false},   {"signal", "signal", false},
                 {"because", "because", false}, {"address", "address", false},
                 {"pid", "os_pid", true},       {"function", "function", false},
                 {"file", "file", false},       {"line", "line", true},
                 {"app", "application", false}, {"vsn", "vsn", false},
                 {"server", "server", false},   {"process", "pid", false},
                 {"id", "child", false}};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(known[i].key, key) == 0)
            json_object_set_new(report, known[i].name,
                                known[i].is_number
                                    ? json_integer(strtoll(value, NULL, 10))
                                    : rpc_text(value));
    if (strcmp(key, "moult") == 0)
        json_object_set_new(
            report, "status",
            json_string(strstr(value, "contained") ? "contained" : "fatal"));
    else if (strcmp(key, "message") == 0)
        add_message(report, value);
}

static void add_line(json_t *report, const char *data, char *line)
{
    json_t *frames = json_object_get(report, "frames");
    char *colon = strstr(line, ": ");

    if (line[0] == ' ') {
        if (frames)
            add_frame(frames, data, line);
    } else if (colon) {
        *colon = 0;
        add_field(report, line, colon + 2);
    }
}

/* -- the files -- */

/* The first number of a report's id is when it was written. */
static void add_time(json_t *report, const char *id)
{
    time_t when = (time_t)strtoll(id, NULL, 10);
    char text[32];
    struct tm utc;

    gmtime_r(&when, &utc);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_object_set_new(report, "time", json_string(text));
}

/* A fatal one was written without a summary. */
static void complete(json_t *report)
{
    const char *what = json_string_value(json_object_get(report, "signal"));
    const char *address = json_string_value(json_object_get(report, "address"));

    if (!json_object_get(report, "reason"))
        json_object_set_new(
            report, "reason",
            address ? json_sprintf("%s at address %s", what ? what : "", address)
                    : rpc_text(what ? what : ""));
}

/* `frames` (taken) is where they go, or NULL. */
static json_t *read_report(const char *data, const char *id, json_t *frames)
{
    char path[PATH_MAX];
    json_t *report = json_pack("{s:o, s:o*}", "id", rpc_text(id), "frames", frames);
    char *line = NULL;
    size_t size = 0, left = REPORT_MOST;
    ssize_t len;
    FILE *in;

    snprintf(path, sizeof(path), "%s/crashes/%s" SUFFIX, data, id);
    in = fopen(path, "re");
    if (!in) {
        json_decref(report);
        return NULL;
    }
    add_time(report, id);
    while ((len = getline(&line, &size, in)) > 0 && (size_t)len <= left) {
        left -= (size_t)len;
        line[len - (line[len - 1] == '\n')] = 0;
        add_line(report, data, line);
    }
    complete(report);
    free(line);
    fclose(in);
    return report;
}

bool reports_exist(const char *data)
{
    char path[PATH_MAX];
    struct stat st;

    snprintf(path, sizeof(path), "%s/crashes", data);
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int is_report(const struct dirent *entry)
{
    return ends_with(entry->d_name, SUFFIX);
}

/* By time, then process, then number: as numbers, since 10 comes after 9. */
static int newest_first(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*b)->d_name, (*a)->d_name);
}

json_t *reports_list(const char *data)
{
    json_t *list = json_array(), *report;
    struct dirent **entries = NULL;
    char path[PATH_MAX];
    int count;

    snprintf(path, sizeof(path), "%s/crashes", data);
    count = scandir(path, &entries, is_report, newest_first);
    for (int i = 0; i < count; i++) {
        char *id = entries[i]->d_name;

        id[strlen(id) - strlen(SUFFIX)] = 0;
        report = read_report(data, id, NULL);
        if (report) { /* else it has just gone, to make room */
            json_object_del(report, "message");
            json_object_del(report, "message_bytes");
            json_array_append_new(list, report);
        }
        free(entries[i]);
    }
    free(entries);
    return list;
}

json_t *report_read(const char *data, const char *id, struct fault *why)
{
    json_t *report = NULL;

    if (strspn(id, "0123456789-") == strlen(id) && id[0])
        report = read_report(data, id, json_array());
    if (!report)
        fault(why, -ENOENT, "there is no crash report '%s': `moult crash` lists them",
              id);
    return report;
}
