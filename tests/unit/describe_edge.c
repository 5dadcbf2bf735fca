/* SPDX-License-Identifier: Apache-2.0 */
/* Prints why edgecore is not started, and why it ended, as Markdown: the generated part of docs/kubeedge.md. */
#include <stdio.h>

#include "edge/edgecore_judge.h"
#include "edge/edgecore_reasons.h"

static void print(const char *text)
{
    fputs(text, stdout);
}

int main(void)
{
    edgecore_reasons_describe(print);
    print("\nAfter an end, or when it was not ready in time:\n\n");
    edgecore_rules_describe(print);
    return 0;
}
