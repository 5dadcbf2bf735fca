/* SPDX-License-Identifier: Apache-2.0 */
#include "control/terminal.h"

#include <stddef.h>

#include "base/log.h"

static void writable(void *data, uint32_t events)
{
    struct terminal *terminal = data;

    /* One that is hung up is always "writable". */
    if (log_flush() || (events & (EPOLLHUP | EPOLLERR)) != 0) {
        loop_remove(terminal->loop, &terminal->source);
    }
}

static void full(void *data)
{
    struct terminal *terminal = data;
    struct error ignored = {0}; /* then the next line brings those that wait */

    if (terminal->source.fd < 0) {
        loop_add(terminal->loop, &terminal->source, log_fd(), EPOLLOUT, writable, terminal, &ignored);
    }
}

void terminal_open(struct terminal *terminal, struct loop *loop)
{
    *terminal = (struct terminal){.loop = loop, .source.fd = -1};
    log_keep(full, terminal);
}

void terminal_close(struct terminal *terminal)
{
    if (terminal->loop != NULL) {
        log_keep(NULL, NULL);
        loop_remove(terminal->loop, &terminal->source);
        log_flush();
    }
}
