/* SPDX-License-Identifier: Apache-2.0 */
#include "ohos/hilog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"

#ifdef EDGEINIT_WITH_LIBHILOG
#include <hilog/log.h>
#endif

#define SOCKET_PATH "/dev/unix/socket/hilogInput"
#define KMSG_PATH "/dev/kmsg"
#define TYPE_CORE 3
#define LONGEST_PARAMETERS (64 * 1024)
#define TRY_AGAIN MICROSECONDS_PER_SECOND /* between two attempts to reach hilogd */
#define DOMAINS 8                         /* budgets that are remembered; more share them */

static struct {
    enum hilog_layout layout;
    int socket; /* -1: hilogd is not there (yet) */
    int kmsg;   /* -1: not opened */
    int64_t tried;
} self = {.socket = -1, .kmsg = -1};

/* Our own limit, a domain each. */
static struct budget {
    uint32_t domain;
    int64_t left; /* bytes */
    int64_t filled;
    unsigned long dropped;
} budgets[DOMAINS];

uint32_t hilog_domain(const char *tag)
{
    uint32_t hash = 2166136261U; /* FNV-1a */

    if (streq(tag, "edgeinit")) {
        return EDGEINIT_HILOG_DOMAIN;
    }
    for (; *tag != '\0'; tag++) {
        hash = (hash ^ (unsigned char)*tag) * 16777619U;
    }
    return EDGEINIT_HILOG_DOMAIN + 1 + hash % 255;
}

static void put16(char **at, uint32_t value)
{
    *(*at)++ = (char)(value & 0xFF);
    *(*at)++ = (char)(value >> 8 & 0xFF);
}

static void put32(char **at, uint32_t value)
{
    put16(at, value & 0xFFFF);
    put16(at, value >> 16);
}

size_t hilog_encode(enum hilog_layout layout, const struct hilog_line *line, char datagram[HILOG_LARGEST])
{
    static const uint32_t levels[] = {[LOG_LEVEL_INFO] = 4, [LOG_LEVEL_WARNING] = 5, [LOG_LEVEL_ERROR] = 6};
    size_t tag = strnlen(line->tag, HILOG_LONGEST_TAG);
    size_t text = line->length < HILOG_LONGEST_TEXT ? line->length : HILOG_LONGEST_TEXT;
    size_t length = (layout == HILOG_LAYOUT_3_1 ? 24 : 28) + tag + 1 + text + 1;
    char *at = datagram;

    put16(&at, (uint32_t)length);
    put16(&at, (uint32_t)TYPE_CORE << 3 | levels[line->level] << 7 | (uint32_t)(tag + 1) << 10);
    put32(&at, (uint32_t)line->wall.tv_sec);
    put32(&at, (uint32_t)line->wall.tv_nsec);
    if (layout != HILOG_LAYOUT_3_1) {
        put32(&at, line->monotonic);
    }
    put32(&at, line->pid);
    put32(&at, line->pid); /* we have no threads */
    put32(&at, hilog_domain(line->tag));
    memcpy(at, line->tag, tag);
    at += tag;
    *at++ = '\0';
    for (size_t i = 0; i < text; i++) {
        *at++ = line->text[i] == '\0' ? ' ' : line->text[i]; /* a NUL would end it */
    }
    *at = '\0';
    return length;
}

enum hilog_layout hilog_layout_of_board(void)
{
    static const char *const files[] = {"/system/etc/param/ohos_const/ohos.para", "/system/etc/param/ohos.para"};
    static const char name[] = "\nconst.ohos.apiversion=";

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        CLEANUP_FREE char *text = NULL;
        struct error ignored = {0};
        const char *found;
        size_t length;

        if (file_read(files[i], LONGEST_PARAMETERS, &text, &length, &ignored) == 0 &&
            (found = strstr(text, name)) != NULL) {
            return strtol(found + strlen(name), NULL, 10) <= 8 ? HILOG_LAYOUT_3_1 : HILOG_LAYOUT_3_2;
        }
    }
    return HILOG_LAYOUT_3_2;
}

#ifdef EDGEINIT_WITH_LIBHILOG

/* The library knows the layout, and where hilogd is. Every conversion is public: without the word hilog prints "<private>". */
static bool send_line(const struct hilog_line *line)
{
    static const LogLevel levels[] = {
        [LOG_LEVEL_INFO] = LOG_INFO, [LOG_LEVEL_WARNING] = LOG_WARN, [LOG_LEVEL_ERROR] = LOG_ERROR};
    uint32_t domain = hilog_domain(line->tag);
    char tag[HILOG_LONGEST_TAG + 1];
    char text[HILOG_LONGEST_TEXT + 1];

    snprintf(tag, sizeof(tag), "%s", line->tag);
    if (!HiLogIsLoggable(domain, tag, levels[line->level])) {
        return true; /* somebody wants it so */
    }
    for (size_t i = 0; i < line->length; i++) {
        text[i] = line->text[i] == '\0' ? ' ' : line->text[i];
    }
    text[line->length] = '\0';
    return HiLogPrint(LOG_CORE, levels[line->level], domain, tag, "%{public}s", text) >= 0;
}

#else

/* Is hilogd there? Asked once a second at most, and only when there is something to say. */
static bool reach(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};
    int64_t now = clock_now();

    if (self.socket >= 0) {
        return true;
    }
    if (self.tried != 0 && now - self.tried < TRY_AGAIN) {
        return false;
    }
    self.tried = now;
    self.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (self.socket >= 0 && connect(self.socket, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(self.socket);
        self.socket = -1;
    }
    return self.socket >= 0;
}

static bool send_line(const struct hilog_line *line)
{
    char datagram[HILOG_LARGEST];
    size_t length = hilog_encode(self.layout, line, datagram);

    for (int attempt = 0; attempt < 2 && reach(); attempt++) {
        if (send(self.socket, datagram, length, MSG_NOSIGNAL) >= 0 || errno == EAGAIN || errno == ENOBUFS) {
            return true; /* a full queue: hilogd is behind, and would drop it as well */
        }
        close(self.socket); /* it has been started anew */
        self.socket = -1;
        self.tried = 0;
    }
    return false;
}

#endif

static void write_kmsg(const struct hilog_line *line)
{
    static const char *const priorities[] = {
        [LOG_LEVEL_INFO] = "<6>", [LOG_LEVEL_WARNING] = "<4>", [LOG_LEVEL_ERROR] = "<3>"};
    char text[HILOG_LONGEST_TAG + HILOG_LONGEST_TEXT + 16];
    int length;

    if (self.kmsg < 0) {
        self.kmsg = open(KMSG_PATH, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    }
    /* Records of the kernel's log are at most 1 KiB: what is longer is cut there. */
    length = snprintf(text, sizeof(text), "%s%.*s: %.*s\n", priorities[line->level], HILOG_LONGEST_TAG, line->tag,
                      (int)line->length, line->text);
    (void)!write(self.kmsg, text, (size_t)length);
}

static void emit(struct hilog_line *line)
{
    if (!send_line(line)) {
        write_kmsg(line);
    }
}

static struct budget *budget_of(uint32_t domain)
{
    struct budget *budget = &budgets[domain % DOMAINS];

    for (size_t i = 0; i < DOMAINS; i++) {
        if (budgets[i].domain == domain || budgets[i].domain == 0) {
            budget = &budgets[i];
            break;
        }
    }
    if (budget->domain != domain) {
        *budget = (struct budget){.domain = domain, .left = HILOG_BURST, .filled = clock_now()};
    }
    return budget;
}

/* False: the domain has had its share of this second. */
static bool may_spend(struct budget *budget, size_t length)
{
    int64_t now = clock_now();
    int64_t gained = (now - budget->filled) * HILOG_RATE / MICROSECONDS_PER_SECOND;

    if (gained > 0) {
        budget->left = budget->left + gained < HILOG_BURST ? budget->left + gained : HILOG_BURST;
        budget->filled = now;
    }
    if (budget->left < (int64_t)length) {
        budget->dropped++;
        return false;
    }
    budget->left -= (int64_t)length;
    return true;
}

/* As much of the text as one line takes, without tearing a character of UTF-8 apart. */
static size_t piece(const char *text, size_t length)
{
    size_t end = length;

    if (length <= HILOG_LONGEST_TEXT) {
        return length;
    }
    for (end = HILOG_LONGEST_TEXT; end > HILOG_LONGEST_TEXT - 4 && ((unsigned char)text[end] & 0xC0) == 0x80; end--) {
    }
    return end;
}

static void hilog_sink(enum log_level level, const char *tag, const char *text, size_t length)
{
    struct budget *budget = budget_of(hilog_domain(tag));
    struct hilog_line line = {.level = level, .tag = tag, .pid = (uint32_t)getpid()};
    struct timespec monotonic;
    char complaint[64];

    clock_gettime(CLOCK_REALTIME, &line.wall);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    line.monotonic = (uint32_t)monotonic.tv_sec;
    if (!may_spend(budget, length + HILOG_LARGEST - HILOG_LONGEST_TEXT)) {
        return;
    }
    if (budget->dropped > 0) {
        line.text = complaint;
        line.length = (size_t)snprintf(complaint, sizeof(complaint), "%lu lines dropped here", budget->dropped);
        budget->dropped = 0;
        emit(&line);
    }
    do {
        line.text = text;
        line.length = piece(text, length);
        emit(&line);
        text += line.length;
        length -= line.length;
    } while (length > 0);
}

bool hilog_take_over(void)
{
    struct stat status;
    bool nowhere = fstat(STDERR_FILENO, &status) != 0 ||
                   (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)); /* /dev/null */

    if (nowhere) {
        self.layout = hilog_layout_of_board();
        log_set_sink(hilog_sink);
    }
    return nowhere;
}
