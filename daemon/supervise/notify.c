/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/notify.h"

#include <string.h>

#include "base/text.h"
#include "base/util.h"

/* What is one word of the datagram: not ended by NUL. */
struct value {
    const char *text;
    size_t length;
};

static bool value_is(const struct value *value, const char *word)
{
    return value->length == strlen(word) && memcmp(value->text, word, value->length) == 0;
}

/* A decimal number of 1 to `most`; 0 if it is none. */
static int64_t value_number(const struct value *value, int64_t most)
{
    int64_t number = 0;

    for (size_t i = 0; i < value->length; i++) {
        int digit = value->text[i] - '0';

        if (digit < 0 || digit > 9 || number > (most - digit) / 10) {
            return 0;
        }
        number = number * 10 + digit;
    }
    return number;
}

static bool is_control(const char *text)
{
    unsigned char byte = (unsigned char)text[0];

    return byte < 0x20 || byte == 0x7f;
}

/* Controls above 0x7f are U+0080 to U+009F: a terminal obeys U+009B like ESC [. */
static bool is_wide_control(const char *text)
{
    return (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0;
}

static bool set_status(struct notify_state *state, const struct value *value, int64_t now)
{
    size_t length = value->length;
    size_t bad = 0;

    (void)now;
    if (length > sizeof(state->status) - 1) {
        length = sizeof(state->status) - 1;
        /* The first byte that does not fit must begin a character. */
        while (length > 0 && ((unsigned char)value->text[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    memset(state->status, 0, sizeof(state->status));
    memcpy(state->status, value->text, length);
    while (!text_is_utf8(state->status, length, &bad)) {
        state->status[bad] = '?';
    }
    for (size_t i = 0; i < length; i++) {
        if (is_control(state->status + i)) {
            state->status[i] = ' ';
        } else if (is_wide_control(state->status + i)) {
            memset(state->status + i, ' ', 2);
        }
    }
    return false;
}

static bool set_ready(struct notify_state *state, const struct value *value, int64_t now)
{
    (void)now;
    if (value_is(value, "1")) {
        state->ready = 1;
        state->reloading = 0;
    }
    return false;
}

static bool set_stopping(struct notify_state *state, const struct value *value, int64_t now)
{
    (void)now;
    if (value_is(value, "1")) {
        state->stopping = 1;
    }
    return false;
}

static bool set_reloading(struct notify_state *state, const struct value *value, int64_t now)
{
    (void)now;
    if (value_is(value, "1")) {
        state->reloading = 1;
    }
    return false;
}

static bool set_main_pid(struct notify_state *state, const struct value *value, int64_t now)
{
    int64_t pid = value_number(value, INT32_MAX);

    (void)now;
    if (pid > 0) {
        state->main_pid = (int32_t)pid;
    }
    return false;
}

static bool set_extend(struct notify_state *state, const struct value *value, int64_t now)
{
    int64_t time = value_number(value, INT64_MAX);

    if (time > 0 && time <= INT64_MAX - now) {
        state->extend_until = now + time;
    }
    return false;
}

static bool set_watchdog(struct notify_state *state, const struct value *value, int64_t now)
{
    if (value_is(value, "trigger")) {
        state->trigger = 1;
    } else if (value_is(value, "1")) {
        state->watchdog_at = now;
        return true;
    }
    return false;
}

static bool set_watchdog_usec(struct notify_state *state, const struct value *value, int64_t now)
{
    int64_t time = value_number(value, INT64_MAX);

    (void)now;
    if (time > 0) {
        state->watchdog_usec = time;
    }
    return false;
}

/* A setter returns true if something happened though the state may look as before. */
static const struct {
    const char *key;
    bool (*set)(struct notify_state *state, const struct value *value, int64_t now);
} words[] = {
    {"READY=", set_ready},         {"STOPPING=", set_stopping},
    {"RELOADING=", set_reloading}, {"STATUS=", set_status},
    {"MAINPID=", set_main_pid},    {"EXTEND_TIMEOUT_USEC=", set_extend},
    {"WATCHDOG=", set_watchdog},   {"WATCHDOG_USEC=", set_watchdog_usec},
};

static bool apply_line(struct notify_state *state, const char *line, size_t length, int64_t now)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        size_t key = strlen(words[i].key);
        struct value value = {line + key, length - key};

        if (length >= key && memcmp(line, words[i].key, key) == 0) {
            return words[i].set(state, &value, now);
        }
    }
    return false;
}

bool notify_apply(struct notify_state *state, const char *datagram, size_t length, int64_t now)
{
    struct notify_state before = *state;
    bool happened = false;

    if (length > NOTIFY_LARGEST) {
        return false;
    }
    for (size_t at = 0; at < length;) {
        const char *end = memchr(datagram + at, '\n', length - at);
        size_t line = end == NULL ? length - at : (size_t)(end - datagram) - at;

        happened |= apply_line(state, datagram + at, line, now);
        at += line + 1;
    }
    return happened || memcmp(&before, state, sizeof(before)) != 0;
}
