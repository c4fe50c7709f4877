/* SPDX-License-Identifier: Apache-2.0 */
#include "filehash.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

/* XXH3_state_t wants 64-byte alignment, which its own constructor sees to. */
struct filehash {
    XXH3_state_t *state;
};

static void print(XXH128_hash_t hash, char text[FILEHASH_TEXT])
{
    snprintf(text, FILEHASH_TEXT, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

void filehash_text(const void *bytes, size_t len, char text[FILEHASH_TEXT])
{
    print(XXH3_128bits(bytes, len), text);
}

struct filehash *filehash_create(void)
{
    struct filehash *h = calloc(1, sizeof(*h));

    if (h)
        h->state = XXH3_createState();
    if (!h || !h->state) {
        free(h);
        return NULL;
    }
    XXH3_128bits_reset(h->state);
    return h;
}

void filehash_add(struct filehash *h, const void *bytes, size_t len)
{
    XXH3_128bits_update(h->state, bytes, len);
}

void filehash_finish(struct filehash *h, char text[FILEHASH_TEXT])
{
    print(XXH3_128bits_digest(h->state), text);
    XXH3_freeState(h->state);
    free(h);
}
