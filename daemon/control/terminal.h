/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log on a terminal that is slower than a bring-up, as a board's serial console is: what there was no room for is
 * written when there is (log_keep() in base/log.h), by the loop, without waiting for it.
 */
#ifndef EDGEINIT_CONTROL_TERMINAL_H
#define EDGEINIT_CONTROL_TERMINAL_H

#include "base/loop.h"

struct terminal {
    struct loop *loop;
    struct loop_source source; /* added while lines wait */
};

/* After log_never_block(). */
void terminal_open(struct terminal *terminal, struct loop *loop);
/* What still waits is written as far as there is room. No effect on one that was not opened. */
void terminal_close(struct terminal *terminal);

#endif
