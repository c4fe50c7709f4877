/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin - what a .so says of itself: one version of one application.
 *
 *     MOULT_PLUGIN(.children = (const moult_child[]){
 *                      {.id = "counter", .server = &counter, .name = "counter"},
 *                      {.id = NULL}});
 */
#ifndef MOULT_PLUGIN_H
#define MOULT_PLUGIN_H

#include "application.h"
#include "appup.h"
#include "supervisor.h"
#include "telemetry.h"

MOULT_BEGIN

/* One version of one application.  Define it with MOULT_PLUGIN. */
struct moult_plugin {
    uint32_t magic;                /* MOULT_MAGIC */
    uint32_t size;                 /* sizeof(struct moult_plugin); only grows */
    uint32_t abi_major, abi_minor; /* set by MOULT_PLUGIN */
    uint32_t child_size;           /* sizeof(moult_child) */
    uint32_t field_size;           /* sizeof(moult_field) */
    const char *name, *vsn;        /* set by moult_add_plugin() */
    const char *description;       /* for people; NULL: none */
    const moult_child *children; /* in the order of their start; ends with a NULL id */
    uint32_t intensity;          /* restarts allowed within `period_s`; 0: OTP's 1 */
    uint32_t period_s;           /* seconds; 0: OTP's 5 */
    int32_t strategy;      /* of the top supervisor; MOULT_ONE_FOR_ONE and so on */
    int32_t auto_shutdown; /* of it; MOULT_ANY_SIGNIFICANT and so on */
    /* What only moult_start_child() starts; as `children`, or NULL. */
    const moult_child *templates;
    uint32_t env_size;   /* sizeof(moult_env) */
    uint32_t phase_size; /* sizeof(moult_start_phase) */
    /* Names, each list ends with NULL, or is NULL.  OTP: the keys of the same name. */
    const char *const *modules;               /* for people, as is the next */
    const char *const *registered;            /* names that its servers have */
    const char *const *applications;          /* that must have started before it */
    const char *const *included_applications; /* that start and stop as parts of it */
    const char *const *optional_applications; /* of `applications`: need not be there */
    const moult_env *env;                     /* ends with a NULL key; or NULL */
    const moult_start_phase *start_phases;    /* ends with a NULL name; or NULL */
    const moult_application *mod;             /* or NULL */
    const moult_appup
        *appup; /* how to come here and back; NULL: the host works it out */
    const moult_telemetry_handler *telemetry; /* ends with a NULL name; or NULL */
    uint32_t telemetry_size;                  /* sizeof(moult_telemetry_handler) */
};

#define MOULT_MAGIC 0x746c756du /* "mult", little endian */

/* The one symbol that a plugin exports. */
MOULT_EXPORT extern const struct moult_plugin moult_plugin;

/*
 * The ELF note that names a plugin without running it; `readelf -n` shows it.  Written
 * by MOULT_PLUGIN.
 */
#define MOULT_NOTE_OWNER "moult"
#define MOULT_NOTE_TYPE  1u

/* clang-format off */
#define MOULT_NOTE_TEXT_ MOULT_PLUGIN_NAME "\0" MOULT_PLUGIN_VSN
#define MOULT_PLUGIN(...)                                                           \
    static const struct {                                                           \
        uint32_t owner_size, size, type;                                            \
        char owner[8];                                                              \
        uint32_t abi_major, abi_minor;                                              \
        char name_and_vsn[(sizeof(MOULT_NOTE_TEXT_) + 3) / 4 * 4];                  \
    } moult_note __attribute__((section(".note.moult"), used, aligned(4))) = {      \
        6, 8 + sizeof(MOULT_NOTE_TEXT_), MOULT_NOTE_TYPE, MOULT_NOTE_OWNER,         \
        MOULT_ABI_MAJOR, MOULT_ABI_MINOR, MOULT_NOTE_TEXT_};                        \
    const struct moult_plugin moult_plugin = {                                      \
        .magic = MOULT_MAGIC, .size = sizeof(struct moult_plugin),                  \
        .abi_major = MOULT_ABI_MAJOR, .abi_minor = MOULT_ABI_MINOR,                 \
        .child_size = sizeof(moult_child), .field_size = sizeof(moult_field),       \
        .env_size = sizeof(moult_env), .phase_size = sizeof(moult_start_phase),     \
        .telemetry_size = sizeof(moult_telemetry_handler),                          \
        .name = MOULT_PLUGIN_NAME, .vsn = MOULT_PLUGIN_VSN, __VA_ARGS__}
/* clang-format on */

MOULT_END

#endif
