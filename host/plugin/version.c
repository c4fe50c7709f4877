/* SPDX-License-Identifier: Apache-2.0 */
#include "version.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* A piece of a vsn. */
struct span {
    const char *at, *end;
};

bool version_is_valid(const char *vsn)
{
    size_t len = strlen(vsn);

    return len >= 1 && len <= VERSION_MAX &&
           strspn(vsn, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       "abcdefghijklmnopqrstuvwxyz.+~-") == len;
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static bool is_digit(const struct span *s)
{
    return s->at < s->end && isdigit((unsigned char)*s->at);
}

/* Take a run of digits, less its leading zeros, or a run of anything else. */
static struct span run(struct span *s)
{
    struct span taken = *s;
    bool digits = is_digit(s);

    while (s->at < s->end && is_digit(s) == digits)
        s->at++;
    taken.end = s->at;
    while (digits && taken.at < taken.end && *taken.at == '0')
        taken.at++;
    return taken;
}

static int compare_text(struct span a, struct span b)
{
    size_t m = (size_t)(a.end - a.at), n = (size_t)(b.end - b.at);
    int order = memcmp(a.at, b.at, m < n ? m : n);

    return order ? sign(order) : (m > n) - (m < n);
}

static int compare_numbers(struct span a, struct span b)
{
    ptrdiff_t m = a.end - a.at, n = b.end - b.at;

    return m != n ? (m > n) - (m < n) : compare_text(a, b);
}

/*
 * One part between dots: "12", "rc1"; a number is lower than a word, as semver has it.
 */
static int compare_part(struct span a, struct span b)
{
    while (a.at < a.end && b.at < b.end) {
        bool number = is_digit(&a);
        int order;

        if (number != is_digit(&b))
            return number ? -1 : 1;
        order =
            number ? compare_numbers(run(&a), run(&b)) : compare_text(run(&a), run(&b));
        if (order)
            return order;
    }
    return (a.at < a.end) - (b.at < b.end);
}

/* Take what comes before the next dot, and the dot. */
static struct span part(struct span *s)
{
    struct span taken = *s;
    const char *dot = memchr(s->at, '.', (size_t)(s->end - s->at));

    taken.end = dot ? dot : s->end;
    s->at = dot ? dot + 1 : s->end;
    return taken;
}

/* Parts between dots; `filler` stands for one that a side lacks. */
static int compare_parts(struct span a, struct span b, struct span filler)
{
    while (a.at < a.end || b.at < b.end) {
        struct span x = a.at < a.end ? part(&a) : filler;
        struct span y = b.at < b.end ? part(&b) : filler;
        int order = compare_part(x, y);

        if (order)
            return order;
    }
    return 0;
}

/* Cut `vsn` into the release, and what makes it a pre-release. */
static struct span split(const char *vsn, struct span *pre)
{
    size_t len = strcspn(vsn, "+");
    size_t release = strcspn(vsn, "+-~");

    *pre = (struct span){vsn + release + (release < len), vsn + len};
    return (struct span){vsn, vsn + release};
}

int version_compare(const char *a, const char *b)
{
    static const char zero[] = "0";
    struct span pre_a, pre_b;
    struct span release_a = split(a, &pre_a), release_b = split(b, &pre_b);
    bool is_pre_a = pre_a.at < pre_a.end, is_pre_b = pre_b.at < pre_b.end;
    int order = compare_parts(release_a, release_b, (struct span){zero, zero + 1});

    if (order)
        return order;
    if (is_pre_a != is_pre_b)
        return is_pre_a ? -1 : 1;
    order = compare_parts(pre_a, pre_b, (struct span){zero, zero});
    return order ? order : sign(strcmp(a, b));
}
