/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the doctor's tables as Markdown: the generated part of docs/doctor.md. */
#include <stdio.h>

#include "doctor/doctor.h"
#include "doctor/kernel_options.h"

static void print(const char *text)
{
    fputs(text, stdout);
}

int main(void)
{
    doctor_describe(print);
    print("\n## Kernel options\n\nEach is the finding `kernel.NAME`.\n\n");
    kernel_options_describe(print);
    return 0;
}
