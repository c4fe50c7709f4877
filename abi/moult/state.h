/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state - describe a server's state once.
 *
 * From the description the host allocates the state, gives it its initial values,
 * saves it as a CBOR map, loads and prints it, and carries it into another version:
 * fields that are new take their initial value, dropped ones are dropped, renamed ones
 * say `.was`.  None of that needs code.
 *
 *     struct counter {
 *         int64_t count, step;
 *         char label[16];
 *     };
 *     MOULT_STATE(counter_state, struct counter,
 *                 MOULT_FIELD(count),
 *                 MOULT_FIELD(step, .initial = 1),
 *                 MOULT_FIELD(label, .was = "name"));
 *
 * Two versions whose descriptions and layouts are equal hand the memory itself over.
 * The macros need C11; the declarations are C99 and C++.
 */
#ifndef MOULT_STATE_H
#define MOULT_STATE_H

#include "memory.h"

MOULT_BEGIN

enum {
    MOULT_KIND_INT8 = 1,
    MOULT_KIND_INT16,
    MOULT_KIND_INT32,
    MOULT_KIND_INT64,
    MOULT_KIND_UINT8,
    MOULT_KIND_UINT16,
    MOULT_KIND_UINT32,
    MOULT_KIND_UINT64,
    MOULT_KIND_FLOAT,
    MOULT_KIND_DOUBLE,
    MOULT_KIND_BOOL,
    MOULT_KIND_CHARS,  /* char[n]: text in place, ended by a zero within n */
    MOULT_KIND_OCTETS, /* uint8_t[n]: n bytes in place */
    MOULT_KIND_TEXT,   /* moult_text */
    MOULT_KIND_BYTES,  /* moult_bytes */
    MOULT_KIND_PID,    /* moult_pid */
    MOULT_KIND_FROM,   /* moult_from */
    MOULT_KIND_STRUCT  /* described by `nested` */
};

/* How often the kind stands in a field. */
enum {
    MOULT_ONE = 0,
    MOULT_FIXED = 1,  /* an array of `count` */
    MOULT_GROWING = 2 /* a MOULT_LIST_OF */
};

typedef struct moult_schema moult_schema;

/* One field of a state.  Write it with the macros below. */
typedef struct {
    const char *key; /* its name in the CBOR map */
    const char *was; /* its name in older states, or NULL */
    uint32_t offset; /* bytes from the start of the struct */
    uint32_t size;   /* bytes of one item */
    uint32_t count;  /* items of a fixed array */
    uint32_t kind;   /* MOULT_KIND_* of one item */
    uint16_t many;   /* MOULT_ONE, MOULT_FIXED or MOULT_GROWING */
    uint16_t secret; /* 1: its value is shown to nobody, in no log and no report */
    uint32_t line;   /* where it is described, for messages */
    const moult_schema *(*nested)(void); /* of MOULT_KIND_STRUCT */
    int64_t initial; /* of integers and bool, at start and where a state lacks it */
    double initial_float;     /* of float and double */
    const char *initial_text; /* of text; NULL is "" */
} moult_field;

/* A struct and its fields.  Write it with MOULT_STATE. */
struct moult_schema {
    uint32_t size;             /* bytes of the struct */
    uint32_t alignment;        /* bytes; at most 16 */
    const char *name;          /* for messages */
    const char *file;          /* where it is described, for messages */
    const moult_field *fields; /* ends with a NULL key */
};

#define MOULT_STATE(name_, type, ...)                                             \
    static const moult_schema *name_(void)                                        \
    {                                                                             \
        typedef type moult_this;                                                  \
        static const moult_field fields[] = {__VA_ARGS__, {.key = NULL}};         \
        static const moult_schema schema = {sizeof(type), _Alignof(type), #name_, \
                                            __FILE__, fields};                    \
                                                                                  \
        return &schema;                                                           \
    }                                                                             \
    _Static_assert(1, "ends with a semicolon")

/* clang-format off */

/*
 * MOULT_FIELD(member) or MOULT_FIELD(member, .initial = 1, .was = "old"): an integer, a
 * float, a bool, text or bytes (in place or owned), a pid or a from.  Anything else
 * does not compile.
 */
#define MOULT_FIELD(...) MOULT_FIELD_(__VA_ARGS__, .line = __LINE__)
#define MOULT_FIELD_(member, ...)                                                   \
    {.key = #member, .offset = offsetof(moult_this, member),                        \
     .size = sizeof(MOULT_MEMBER_(member)), .kind = MOULT_KIND_(MOULT_MEMBER_(member)), \
     .many = MOULT_ONE, __VA_ARGS__}

/* A fixed array of any of these, as `int32_t scores[8]` or `char names[8][16]`. */
#define MOULT_ARRAY_FIELD(...) MOULT_ARRAY_FIELD_(__VA_ARGS__, .line = __LINE__)
#define MOULT_ARRAY_FIELD_(member, ...)                                             \
    {.key = #member, .offset = offsetof(moult_this, member),                        \
     .size = sizeof(MOULT_MEMBER_(member)[0]),                                      \
     .count = sizeof(MOULT_MEMBER_(member)) / sizeof(MOULT_MEMBER_(member)[0]),     \
     .kind = MOULT_KIND_(MOULT_MEMBER_(member)[0]), .many = MOULT_FIXED, __VA_ARGS__}

/* A growing array of any of these, a MOULT_LIST_OF. */
#define MOULT_LIST_FIELD(...) MOULT_LIST_FIELD_(__VA_ARGS__, .line = __LINE__)
#define MOULT_LIST_FIELD_(member, ...)                                              \
    {.key = #member, .offset = offsetof(moult_this, member),                        \
     .size = sizeof(*MOULT_MEMBER_(member).items),                                  \
     .kind = MOULT_KIND_(*MOULT_MEMBER_(member).items), .many = MOULT_GROWING, __VA_ARGS__}

/* A struct, a fixed array of structs, a growing one; `described` by MOULT_STATE above. */
#define MOULT_STRUCT_FIELD(member, ...) MOULT_STRUCT_FIELD_(member, __VA_ARGS__, .line = __LINE__)
#define MOULT_STRUCT_FIELD_(member, described, ...)                                 \
    {.key = #member, .offset = offsetof(moult_this, member),                        \
     .size = sizeof(MOULT_MEMBER_(member)), .kind = MOULT_KIND_STRUCT,              \
     .many = MOULT_ONE, .nested = (described), __VA_ARGS__}
#define MOULT_STRUCT_ARRAY_FIELD(member, ...) MOULT_STRUCT_ARRAY_FIELD_(member, __VA_ARGS__, .line = __LINE__)
#define MOULT_STRUCT_ARRAY_FIELD_(member, described, ...)                           \
    {.key = #member, .offset = offsetof(moult_this, member),                        \
     .size = sizeof(MOULT_MEMBER_(member)[0]),                                      \
     .count = sizeof(MOULT_MEMBER_(member)) / sizeof(MOULT_MEMBER_(member)[0]),     \
     .kind = MOULT_KIND_STRUCT, .many = MOULT_FIXED, .nested = (described), __VA_ARGS__}
#define MOULT_STRUCT_LIST_FIELD(member, ...) MOULT_STRUCT_LIST_FIELD_(member, __VA_ARGS__, .line = __LINE__)
#define MOULT_STRUCT_LIST_FIELD_(member, described, ...)                            \
    {.key = #member, .offset = offsetof(moult_this, member),                        \
     .size = sizeof(*MOULT_MEMBER_(member).items), .kind = MOULT_KIND_STRUCT,       \
     .many = MOULT_GROWING, .nested = (described), __VA_ARGS__}

#define MOULT_MEMBER_(member) (((moult_this *)0)->member)
#define MOULT_KIND_(lvalue) _Generic(&(lvalue),                                     \
    int8_t *: MOULT_KIND_INT8, int16_t *: MOULT_KIND_INT16,                         \
    int32_t *: MOULT_KIND_INT32, int64_t *: MOULT_KIND_INT64,                       \
    uint8_t *: MOULT_KIND_UINT8, uint16_t *: MOULT_KIND_UINT16,                     \
    uint32_t *: MOULT_KIND_UINT32, uint64_t *: MOULT_KIND_UINT64,                   \
    float *: MOULT_KIND_FLOAT, double *: MOULT_KIND_DOUBLE, bool *: MOULT_KIND_BOOL, \
    char (*)[sizeof(lvalue)]: MOULT_KIND_CHARS,                                     \
    uint8_t (*)[sizeof(lvalue)]: MOULT_KIND_OCTETS,                                 \
    moult_text *: MOULT_KIND_TEXT, moult_bytes *: MOULT_KIND_BYTES,                 \
    moult_pid *: MOULT_KIND_PID, moult_from *: MOULT_KIND_FROM)
/* clang-format on */

MOULT_END

#endif
