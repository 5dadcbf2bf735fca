/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the public header of hiviewdfx_hilog (hilog:libhilog): what daemon/ohos/hilog.c uses of it. */
#ifndef EDGEINIT_TESTS_HILOG_LOG_H
#define EDGEINIT_TESTS_HILOG_LOG_H

#include <stdbool.h>

typedef enum { LOG_CORE = 3 } LogType;
typedef enum { LOG_LEVEL_MIN = 0, LOG_DEBUG = 3, LOG_INFO = 4, LOG_WARN = 5, LOG_ERROR = 6, LOG_FATAL = 7 } LogLevel;

/* Bytes written; less than 0: it was not. */
int HiLogPrint(LogType type, LogLevel level, unsigned int domain, const char *tag, const char *fmt, ...);
bool HiLogIsLoggable(unsigned int domain, const char *tag, LogLevel level);

#endif
