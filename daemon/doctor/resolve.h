/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a static Go program finds the address of a name, as net/conf.go and net/dnsclient_unix.go decide it, from the texts of
 * nsswitch.conf, resolv.conf and hosts; no resolver is asked. dockerd and edgecore are such programs, and do not see what
 * the image's own libc does (OpenHarmony's asks netsys).
 *
 * The rule that bites: without nsswitch.conf, or without "hosts:" in it, Go before 1.16 asks DNS first and /etc/hosts only
 * after that has failed (golang/go#22846). docker 18.09 and edgecore 1.9 are built with older ones.
 */
#ifndef EDGEINIT_DOCTOR_RESOLVE_H
#define EDGEINIT_DOCTOR_RESOLVE_H

#include <stdbool.h>

enum go_rule { GO_BEFORE_1_16, GO_SINCE_1_16 };

enum resolve_order { RESOLVE_FILES, RESOLVE_FILES_DNS, RESOLVE_DNS_FILES, RESOLVE_DNS };

/* In which order `name` is looked for. nsswitch NULL: there is no such file. hostname: of the board. */
enum resolve_order resolve_order(const char *nsswitch, const char *name, const char *hostname, enum go_rule rule);

/* The first address of the name in the text of hosts (NULL: no such file). */
bool resolve_in_hosts(const char *hosts, const char *name, char address[64]);

/* For how many seconds a name is waited for when no server of resolv.conf answers (NULL: no such file, then a server at
 * 127.0.0.1 is asked, which refuses at once where there is none: 0). One candidate name, one kind of address. */
unsigned resolve_patience(const char *resolv);

#endif
