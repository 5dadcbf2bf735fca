/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libbegetutil, libhisysevent and libhilog: notes each call as a line of JSON in CALLS, after the checks that the
 * real ones make. What they would refuse, or print as "<private>", is noted as "refused".
 */
#include <fcntl.h>
#include <hilog/log.h>
#include <hisysevent_c.h>
#include <parameter.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CALLS "/tmp/work/calls"
#define WITHOUT_HILOGD "/tmp/work/no-hilogd"
#define NOT_LOGGABLE "/tmp/work/not-loggable"
#define LONGEST_EVENT_NAME 32
#define LONGEST_DOMAIN 16
#define MOST_PARAMS 128

struct line {
    char text[8192];
    size_t length;
};

static void add(struct line *line, const char *text)
{
    line->length += (size_t)snprintf(line->text + line->length, sizeof(line->text) - line->length, "%s", text);
}

static void add_string(struct line *line, const char *text)
{
    add(line, "\"");
    for (; *text != '\0' && line->length < sizeof(line->text) - 16; text++) {
        char piece[8] = {*text};

        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ') {
            snprintf(piece, sizeof(piece), "\\u%04x", (unsigned char)*text);
        }
        add(line, piece);
    }
    add(line, "\"");
}

static void add_number(struct line *line, const char *key, long long number)
{
    char text[64];

    snprintf(text, sizeof(text), ", \"%s\": %lld", key, number);
    add(line, text);
}

/* One write(2): the daemon and its child may be at it at the same time. */
static void end(struct line *line)
{
    int fd = open(CALLS, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    add(line, "}\n");
    if (fd >= 0) {
        (void)!write(fd, line->text, line->length);
        close(fd);
    }
}

static int refuse(const char *function, const char *what)
{
    struct line line = {0};

    add(&line, "{\"refused\": ");
    add_string(&line, function);
    add(&line, ", \"what\": ");
    add_string(&line, what);
    end(&line);
    return -1;
}

static bool is_upper_name(const char *name, size_t longest)
{
    size_t length = strlen(name);

    return length >= 1 && length <= longest && name[0] >= 'A' && name[0] <= 'Z' &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == length;
}

int SetParameter(const char *key, const char *value)
{
    struct line line = {0};

    if (strlen(key) >= 96 || strlen(value) >= 96 || strstr(key, "..") != NULL) {
        return refuse("SetParameter", key);
    }
    add(&line, "{\"parameter\": ");
    add_string(&line, key);
    add(&line, ", \"value\": ");
    add_string(&line, value);
    end(&line);
    return 0;
}

int HiSysEvent_Write(const char *func, int64_t number, const char *domain, const char *name, HiSysEventEventType type,
                     const HiSysEventParam params[], size_t size)
{
    struct line line = {0};

    (void)func;
    (void)number;
    if (!is_upper_name(domain, LONGEST_DOMAIN) || !is_upper_name(name, LONGEST_EVENT_NAME) || type < HISYSEVENT_FAULT ||
        type > HISYSEVENT_BEHAVIOR || size > MOST_PARAMS) {
        return refuse("HiSysEvent_Write", name);
    }
    add(&line, "{\"event\": ");
    add_string(&line, name);
    add(&line, ", \"domain\": ");
    add_string(&line, domain);
    add_number(&line, "type", type);
    for (size_t i = 0; i < size; i++) {
        if (!is_upper_name(params[i].name, sizeof(params[i].name) - 1) || params[i].arraySize != 0) {
            return refuse("HiSysEvent_Write", params[i].name);
        }
        if (params[i].t == HISYSEVENT_INT64) {
            add_number(&line, params[i].name, params[i].v.i64);
        } else if (params[i].t == HISYSEVENT_STRING) {
            add(&line, ", \"");
            add(&line, params[i].name);
            add(&line, "\": ");
            add_string(&line, params[i].v.s);
        } else {
            return refuse("HiSysEvent_Write", params[i].name);
        }
    }
    end(&line);
    return 0;
}

bool HiLogIsLoggable(unsigned int domain, const char *tag, LogLevel level)
{
    (void)domain;
    (void)tag;
    return level >= LOG_DEBUG && access(NOT_LOGGABLE, F_OK) != 0;
}

int HiLogPrint(LogType type, LogLevel level, unsigned int domain, const char *tag, const char *fmt, ...)
{
    static const char public_string[] = "%{public}s";
    struct line line = {0};
    va_list arguments;

    if (access(WITHOUT_HILOGD, F_OK) == 0) {
        return -1;
    }
    if (strcmp(fmt, public_string) != 0 || strlen(tag) > 31 || type != LOG_CORE) {
        return refuse("HiLogPrint", fmt);
    }
    va_start(arguments, fmt);
    add(&line, "{\"log\": ");
    add_string(&line, va_arg(arguments, const char *));
    va_end(arguments);
    add(&line, ", \"tag\": ");
    add_string(&line, tag);
    add_number(&line, "level", level);
    add_number(&line, "domain", domain);
    end(&line);
    return (int)line.length;
}
