/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appup_word - the words of an appup's file: OTP's, and where there is no such thing, what
 * is to be written instead.
 */
#include <string.h>

#include "appup.h"

/* The low-level ones are told as what they are forms of. */
static const struct appup_word words[] = {
    {"update", MOULT_UPDATE, MOULT_SOFT},
    {"load_module", MOULT_LOAD_MODULE, MOULT_SOFT},
    {"add_module", MOULT_ADD_MODULE, MOULT_SOFT},
    {"delete_module", MOULT_DELETE_MODULE, MOULT_SOFT},
    {"code_change", MOULT_UPDATE, MOULT_ADVANCED},
    {"load", MOULT_LOAD_MODULE, MOULT_SOFT},
    {"remove", MOULT_DELETE_MODULE, MOULT_SOFT},
    {"add_application", MOULT_ADD_APPLICATION, MOULT_SOFT},
    {"remove_application", MOULT_REMOVE_APPLICATION, MOULT_SOFT},
    {"restart_application", MOULT_RESTART_APPLICATION, MOULT_SOFT},
    {"apply", MOULT_APPLY, MOULT_SOFT},
    {"stop", MOULT_STOP, MOULT_SOFT},
    {"start", MOULT_START, MOULT_SOFT},
    {"point_of_no_return", MOULT_POINT_OF_NO_RETURN, MOULT_SOFT},
    {"restart", MOULT_RESTART, MOULT_SOFT},
    {"restart_emulator", MOULT_RESTART, MOULT_SOFT},
    {"restart_new_emulator", MOULT_RESTART, MOULT_SOFT},
};

const struct appup_word *appup_word(const char *key)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strcmp(words[i].key, key) == 0)
            return &words[i];
    return NULL;
}

/* What OTP has besides. */
static const struct {
    const char *key, *instead;
} others[] = {
    {"suspend",
     "is what every upgrade does, for all servers together: leave it out; how "
     "long one has for it is the timeout of its update"},
    {"resume", "is what every upgrade does, for all servers together: leave it out"},
    {"load_object_code", "is what every upgrade does: leave it out"},
    {"purge", "is no instruction of its own: set post_purge = \"brutal_purge\" of an "
              "update, or say 'moult purge' afterwards"},
    {"sync_nodes", "is about several nodes, and a host is one: leave it out"},
    {"type", "is what the host's configuration says of the application, as start = "
             "\"transient\": leave it out"},
    {"mod_type",
     "makes no difference here: code_change is of the version with the higher "
     "format, and runs on a copy: leave it out"},
};

const char *appup_word_missing(const char *key)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (strcmp(others[i].key, key) == 0)
            return others[i].instead;
    return "is no instruction: there are update, load_module, add_module, "
           "delete_module, "
           "code_change, load, remove, add_application, remove_application, "
           "restart_application, apply, stop, start, point_of_no_return and restart, "
           "with "
           "change, extra, args, deps, timeout, pre_purge and post_purge";
}
