/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where messages go. A sink is one function; the program chooses it at start (stderr here; hilog, hilogd's socket and
 * /dev/kmsg come from the ohos room). Lines are UTF-8 text without a newline, tagged with who speaks: "edgeinit" or a
 * service's name.
 */
#ifndef EDGEINIT_BASE_LOG_H
#define EDGEINIT_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

typedef void log_sink(enum log_level level, const char *tag, const char *line, size_t length);

/* Replace the sink; NULL brings stderr back. */
void log_set_sink(log_sink *sink);

/* For a process that must go on when nobody reads its stderr: lines are dropped then, and counted. */
void log_never_block(void);

/* For a process that is about to end, and could not tell later that a line was lost: after log_never_block(), wait so many
 * milliseconds for a full terminal, at each line; by SIGALRM, which must not be blocked. */
void log_have_patience(int milliseconds);

/* For a process that goes on, after log_never_block(): lines for which a terminal has no room are kept, as many as a
 * bring-up may have, and only what comes beyond them is dropped. `full` is called whenever some wait; whoever gave it
 * calls log_flush() when log_fd() can be written. NULL: no more. A child that is forked keeps none. */
void log_keep(void (*full)(void *data), void *data);
int log_fd(void);
/* Of who keeps them: what is said until the next log_flush() waits for that, in its order, for something is more urgent. */
void log_hold(void);
/* Returns whether none are left. */
bool log_flush(void);

/* A message of edgeinit itself. Longer than 1 KiB is cut. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line that somebody else wrote, passed on. */
void log_line(const char *tag, const char *line, size_t length);

#endif
