/* SPDX-License-Identifier: Apache-2.0 */
/* Debian's iptables with its extensions in /system: its own place for them is below /usr, which a manifest may hide. */
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    (void)count;
    setenv("XTABLES_LIBDIR", "/system/lib/xtables", 1);
    execv("/system/bin/xtables-legacy-multi", arguments);
    return 127;
}
