/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <elfutils/libdwfl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static struct {
    pthread_mutex_t
        lock; /* guards all that follows; and libdw, which has global state */
    struct {
        uintptr_t address; /* 0: free */
        struct place place;
    } known[PLACES];
} places = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Only what the file itself holds: no search, and above all none over the network. */
/* NOLINTNEXTLINE(readability-function-size): as libdwfl wants it */
static int no_debuginfo(Dwfl_Module *module, void **user, const char *name,
                        Dwarf_Addr base, const char *file, const char *link,
                        GElf_Word crc, char **found)
{
    return -1;
}

static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                         .find_debuginfo = no_debuginfo,
                                         .section_address =
                                             dwfl_offline_section_address};

static void read_module(Dwfl_Module *module, uintptr_t address, struct place *place)
{
    const char *function = dwfl_module_addrname(module, address), *file = NULL, *slash;
    Dwfl_Line *line = dwfl_module_getsrc(module, address);

    if (function)
        snprintf(place->function, sizeof(place->function), "%s", function);
    if (line)
        file = dwfl_lineinfo(line, NULL, &place->line, NULL, NULL, NULL);
    if (!file)
        return;
    slash = strrchr(file, '/');
    snprintf(place->file, sizeof(place->file), "%s", slash ? slash + 1 : file);
}

static void look_up(const char *path, uintptr_t bias, uintptr_t address,
                    struct place *place)
{
    Dwfl *dwfl = dwfl_begin(&callbacks);
    Dwfl_Module *module;

    if (!dwfl)
        return;
    module = dwfl_report_elf(dwfl, "plugin", path, -1, bias, true);
    dwfl_report_end(dwfl, NULL, NULL);
    if (module)
        read_module(module, address, place);
    dwfl_end(dwfl);
}

bool place_find(const char *path, uintptr_t bias, uintptr_t address,
                struct place *place)
{
    size_t slot = (address >> 2 ^ address >> 12) % PLACES;
    bool is_new;

    memset(place, 0, sizeof(*place));
    pthread_mutex_lock(&places.lock);
    is_new = places.known[slot].address != address;
    if (is_new) {
        look_up(path, bias, address, place);
        places.known[slot].address = address;
        places.known[slot].place = *place;
    } else {
        *place = places.known[slot].place;
    }
    pthread_mutex_unlock(&places.lock);
    return is_new;
}

void place_read(const char *path, uintptr_t address, struct place *place)
{
    memset(place, 0, sizeof(*place));
    pthread_mutex_lock(&places.lock);
    look_up(path, 0, address, place);
    pthread_mutex_unlock(&places.lock);
}

void places_forget(uintptr_t start, uintptr_t end)
{
    pthread_mutex_lock(&places.lock);
    for (size_t i = 0; i < PLACES; i++)
        if (start <= places.known[i].address && places.known[i].address < end)
            places.known[i].address = 0;
    pthread_mutex_unlock(&places.lock);
}
