/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the tables of the service machine as Markdown: the generated part of docs/supervision.md. */
#include <stdio.h>

#include "supervise/machine.h"

static void print(const char *text)
{
    fputs(text, stdout);
}

int main(void)
{
    machine_describe(print);
    return 0;
}
