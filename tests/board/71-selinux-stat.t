#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# "stat_filter" in edgecore's domain with SELinux enforcing, on a kernel whose memory.stat is really unclean (unclean). With
# the policy of 7.0 the keeper answers, for an attribute lets it look into edgecore's memory; with that of 5.1, where nobody
# may, a copy lies over the root group's file in a mount name space. Neither leaves a denial. And 5.1's card: defcontext=.

# shellcheck disable=SC2154 # dir and patience come from lib.sh
# shellcheck disable=SC2317 # functions called by wait_for
set -uo pipefail
# shellcheck source=lib.sh
source "$(dirname "$(readlink -f "$0")")/lib.sh"
module=$("$board_here/unclean") || skip_all "no module for the board's kernel"
content=u:object_r:edge_content_file:s0
counters=/data/var/counters
reader=/system/bin/strict

# has_read N: the reader has read so many times
has_read()
{
    (($(on "od -t d8 -A n -N 8 $counters 2>/dev/null | tr -d ' '") >= $1))
}

domain()
{
    on "tr -d '\\000' </proc/$1/attr/current"
}

# The kernel writes unclean lines from now on, and the readers begin.
begin()
{
    on "insmod /data/local/tmp/unclean.ko && grep -q '^Anon:' /dev/memcg/memory.stat && rm -f $counters && touch /data/var/go"
}

install -m 644 "$board_root/$module" "$dir/data/local/tmp/unclean.ko"
shipped dayu200
overlay 50-readers <<END
{"version": 1, "services": {
    "dockerd": null,
    "stock": {"command": ["$reader", "once"], "restart": {"policy": "never"}, "conditions": [{"file": "/data/var/go"}]},
    "reader": {"command": ["$reader", "watch", "$counters"], "stat_filter": "auto", "conditions": [{"file": "/data/var/go"}]}
}}
END

diag "the policy of 7.0"
ok "boot" enforcing --append enforcing=1 --card 64M || console
ok "the manifest is in place" wait_for "$patience" on edgeinit plan || diag "$(on edgeinit plan | grep -v '^=')"
like "$(on 'grep " /mnt/f2fs " /proc/mounts')" ",context=$content" "the card is mounted with context="
no_denials "bring-up"
ok "unclean lines" begin
ok "a reader without help ends" wait_for "$patience" service_is stock last_end.exit_code 1
ok "with \"stat_filter\" it reads" wait_for "$patience" has_read 100 || diag "$(on edgeinit status)" "$(on edgeinit logs reader)"
is "$(service reader stat_filter restarts)" "notify 0" "by answers" || diag "$(console | grep reader)"
is "$(domain "$(service reader pid)")" u:r:edgecore:s0 "the reader's domain"
is "$(domain "$(service reader keeper)")" u:r:edge_stat_keeper:s0 "its keeper's"
is "$(domain "$(service stock keeper)")" u:r:edge_keeper:s0 "and that of a keeper without such a service"
on "kill -9 \$(pidof edgeinit)"
ok "the daemon is killed, and back" wait_for "$patience" on edgeinit wait-ready reader
ok "the reader reads on" wait_for "$patience" has_read 300
is "$(service reader restarts)" 0 "and was not started again"
no_denials "readers"
on 'rm -f /data/var/go'
vm off "$patience"

diag "the policy of 5.1, the same disks"
rm "$dir/seen"
ok "boot" again --append 'enforcing=1 board.policy=5.1' || console
ok "the manifest is in place" wait_for "$patience" on edgeinit plan || diag "$(on edgeinit plan | grep -v '^=')"
like "$(on 'grep " /mnt/f2fs " /proc/mounts')" "defcontext=$content" "the card is mounted with defcontext="
is "$(on "getfattr --absolute-names --only-values -n security.selinux /mnt/f2fs | tr -d '\\000'")" $content "which labels its files"
no_denials "bring-up"
ok "unclean lines" begin
ok "the reader reads" wait_for "$patience" has_read 100 || diag "$(on edgeinit status)" "$(on edgeinit logs reader)"
is "$(service reader stat_filter restarts)" "refresh 0" "a copy" || diag "$(console | grep reader)"
told 'reader: its keeper may not look into its memory; .*OpenHarmony 5.0 and 5.1 let nobody' "the log says why"
is "$(domain "$(service reader pid)")" u:r:edgecore:s0 "the reader's domain"
no_denials "readers"
done_testing
