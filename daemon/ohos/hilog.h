/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of an OpenHarmony board: a sink (base/log.h) that speaks the protocol of hilogd's input socket itself, so that a
 * static executable needs no libhilog. One datagram a line, in either of the two layouts; before hilogd is up, /dev/kmsg.
 * In a tree libhilog can do it (EDGEINIT_WITH_LIBHILOG), with the same domains, limits and way out.
 *
 * The wire (hiviewdfx_hilog: 3.1 frameworks/native/include/hilog_common.h, 3.2 and later
 * frameworks/libhilog/include/hilog_base.h), little endian, packed: u16 length of the datagram; u16 of bit fields, from the
 * lowest: version 3 (0), type 4, level 3, length of the tag with its NUL 6; u32 seconds and nanoseconds of the wall clock; u32
 * monotonic seconds, from 3.2 on; u32 pid, tid, domain; the tag and the text, each with its NUL. There is no handshake and no
 * answer: the release decides, and a datagram that hilogd does not like is lost without a word.
 *
 * hilogd takes 51,200 bytes a second and domain, and drops what is more; we stay below (HILOG_RATE), drop by ourselves, and
 * say how much. It drops every domain that it does not know, all of ours are below "StartUp". Never blocks, never fails.
 */
#ifndef EDGEINIT_OHOS_HILOG_H
#define EDGEINIT_OHOS_HILOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/log.h"

/* Build options. The last byte of a domain is free: 0 is edgeinit's, each service has one of the others. */
#ifndef EDGEINIT_HILOG_DOMAIN
#define EDGEINIT_HILOG_DOMAIN 0xD002C00
#endif

#define HILOG_LONGEST_TAG 31    /* without its NUL: six bits tell the length with it */
#define HILOG_LONGEST_TEXT 1023 /* the least of all releases (up to 4.0); longer lines become several */
#define HILOG_LARGEST (28 + HILOG_LONGEST_TAG + 1 + HILOG_LONGEST_TEXT + 1)
#define HILOG_RATE 45000 /* bytes a second and domain */
#define HILOG_BURST 45000

enum hilog_layout {
    HILOG_LAYOUT_3_1,
    HILOG_LAYOUT_3_2 /* and everything after it */
};

struct hilog_line {
    enum log_level level;
    const char *tag;
    const char *text;
    size_t length; /* at most HILOG_LONGEST_TEXT */
    struct timespec wall;
    uint32_t monotonic; /* seconds */
    uint32_t pid;
};

/* One datagram; returns its length. Pure. */
size_t hilog_encode(enum hilog_layout layout, const struct hilog_line *line, char datagram[HILOG_LARGEST]);

/* edgeinit's own domain, or that of a service, always the same for the same name. */
uint32_t hilog_domain(const char *tag);

/* By what a board's parameter files say (const.ohos.apiversion: 8 is 3.1). */
enum hilog_layout hilog_layout_of_board(void);

/* Send what is logged there from now on, if stderr leads nowhere, as init leaves it: closed, or /dev/null. Returns whether. */
bool hilog_take_over(void);

#endif
