/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/spec.h"

#include <string.h>

#include "base/util.h"

#define SPEC_MAGIC 0x53494445U /* "EDIS" in memory */
#define SPEC_VERSION 1

enum spec_flag { FLAG_USER = 1, FLAG_OOM = 2, FLAG_NOTIFY = 4, FLAG_CONTEXT = 8, FLAGS_ALL = 15 };

/* The strings follow, each with its NUL: directory, context if there is one, arguments, environment, joins. No padding:
 * equal specs are equal bytes. */
struct packed {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t uid;
    uint32_t gid;
    int32_t nice;
    int32_t oom_score_adj;
    uint32_t limits;
    uint32_t arguments;
    uint32_t environment;
    uint32_t joins;
    uint32_t stat_filter;
    int64_t resources[SPEC_MOST_LIMITS];
    uint64_t values[SPEC_MOST_LIMITS];
};

static uint32_t count(const char *const *words)
{
    uint32_t number = 0;

    while (words[number] != NULL) {
        number++;
    }
    return number;
}

static void pack_words(struct text *out, const char *const *words)
{
    for (; *words != NULL; words++) {
        text_append(out, *words, strlen(*words) + 1);
    }
}

static size_t size_of_words(const char *const *words)
{
    size_t size = 0;

    for (; *words != NULL; words++) {
        size += strlen(*words) + 1;
    }
    return size;
}

bool spec_pack(const struct spec *spec, struct text *out)
{
    const char *const leading[] = {spec->directory, spec->context, NULL};
    struct packed packed = {
        .magic = SPEC_MAGIC,
        .version = SPEC_VERSION,
        .flags = (spec->has_user ? FLAG_USER : 0U) | (spec->has_oom_score_adj ? FLAG_OOM : 0U) |
                 (spec->notify ? FLAG_NOTIFY : 0U) | (spec->context != NULL ? FLAG_CONTEXT : 0U),
        .uid = spec->has_user ? spec->uid : 0,
        .gid = spec->has_user ? spec->gid : 0,
        .nice = spec->nice,
        .oom_score_adj = spec->has_oom_score_adj ? spec->oom_score_adj : 0,
        .limits = (uint32_t)spec->limit_count,
        .arguments = count(spec->arguments),
        .environment = count(spec->environment),
        .joins = count(spec->joins),
        .stat_filter = spec->stat_filter,
    };

    if (spec->limit_count > SPEC_MOST_LIMITS || packed.arguments > SPEC_MOST_WORDS || packed.arguments == 0 ||
        packed.environment > SPEC_MOST_WORDS || packed.joins > SPEC_MOST_JOINS ||
        sizeof(packed) + size_of_words(leading) + size_of_words(spec->arguments) + size_of_words(spec->environment) +
                size_of_words(spec->joins) >
            SPEC_LARGEST) {
        return false;
    }
    for (size_t i = 0; i < spec->limit_count; i++) {
        packed.resources[i] = spec->limits[i].resource;
        packed.values[i] = spec->limits[i].value;
    }
    text_append(out, (const char *)&packed, sizeof(packed));
    pack_words(out, leading);
    pack_words(out, spec->arguments);
    pack_words(out, spec->environment);
    pack_words(out, spec->joins);
    return true;
}

/* What is not unpacked yet. */
struct rest {
    const char *at;
    size_t length;
};

static const char *unpack_word(struct rest *rest)
{
    const char *word = rest->at;
    const char *end = memchr(word, '\0', rest->length);

    if (end == NULL) {
        return NULL;
    }
    rest->length -= (size_t)(end + 1 - word);
    rest->at = end + 1;
    return word;
}

static bool unpack_words(struct rest *rest, uint32_t number, uint32_t most, const char **words)
{
    if (number > most) {
        return false;
    }
    for (uint32_t i = 0; i < number; i++) {
        words[i] = unpack_word(rest);
        if (words[i] == NULL) {
            return false;
        }
    }
    words[number] = NULL;
    return true;
}

bool spec_unpack(const void *data, size_t length, struct spec *spec)
{
    struct packed packed;
    struct rest rest;

    memset(spec, 0, sizeof(*spec));
    if (length < sizeof(packed) || length > SPEC_LARGEST) {
        return false;
    }
    memcpy(&packed, data, sizeof(packed));
    if (packed.magic != SPEC_MAGIC || packed.version != SPEC_VERSION || (packed.flags & ~(uint32_t)FLAGS_ALL) != 0 ||
        packed.limits > SPEC_MOST_LIMITS || packed.arguments == 0) {
        return false;
    }
    spec->has_user = (packed.flags & FLAG_USER) != 0;
    spec->uid = packed.uid;
    spec->gid = packed.gid;
    spec->nice = packed.nice;
    spec->has_oom_score_adj = (packed.flags & FLAG_OOM) != 0;
    spec->oom_score_adj = packed.oom_score_adj;
    spec->stat_filter = packed.stat_filter;
    spec->notify = (packed.flags & FLAG_NOTIFY) != 0;
    spec->limit_count = packed.limits;
    for (size_t i = 0; i < packed.limits; i++) {
        spec->limits[i].resource = (int32_t)packed.resources[i];
        spec->limits[i].value = packed.values[i];
    }
    rest = (struct rest){(const char *)data + sizeof(packed), length - sizeof(packed)};
    spec->directory = unpack_word(&rest);
    if (spec->directory == NULL) {
        return false;
    }
    if ((packed.flags & FLAG_CONTEXT) != 0 && (spec->context = unpack_word(&rest)) == NULL) {
        return false;
    }
    return unpack_words(&rest, packed.arguments, SPEC_MOST_WORDS, spec->arguments) &&
           unpack_words(&rest, packed.environment, SPEC_MOST_WORDS, spec->environment) &&
           unpack_words(&rest, packed.joins, SPEC_MOST_JOINS, spec->joins) && rest.length == 0;
}
