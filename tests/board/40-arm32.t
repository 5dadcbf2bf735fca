#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The 32-bit arm build on the 64-bit kernel, as on a stock DAYU200, whose user space is 32-bit: it brings the board up,
# supervises, is killed and comes back; and the unit tests of both builds, by the processor that they are for.

# shellcheck disable=SC2154 # dir, patience and their like come from lib.sh
# shellcheck disable=SC2317 # functions called by wait_for
set -uo pipefail
# shellcheck source=lib.sh
source "$(dirname "$(readlink -f "$0")")/lib.sh"

# has_restarts SERVICE N: so many, or more
has_restarts()
{
    (($(service "$1" restarts) >= $2))
}

EDGEINIT_BUILD=out/arm "$board_here/make" 2>/dev/null || diag "tests/board/make failed"
shipped dayu200
overlay 20-services <<'EOF'
{"version": 1, "services": {
    "dockerd": null,
    "steady": {"command": ["/system/bin/sleep", "100000"], "needs": ["/mnt/f2fs"], "oom_score_adj": -500},
    "failing": {"command": ["/system/bin/false"], "restart": {"delay": "100ms"}}
}}
EOF
ok "boot" boot --root root-arm || console
ok "ready" on edgeinit wait-ready --timeout "${patience}s" steady
# The fifth byte of an ELF file: 1 for 32 bits.
is "$(on 'dd if=/proc/$(pidof edgeinit)/exe bs=1 skip=4 count=1 2>/dev/null' | od -An -tx1 | tr -d ' ')" 01 "edgeinit is 32-bit"
is "$(on uname -m)" aarch64 "the kernel is 64-bit"
is "$(resources_left)" '' "all of the manifest is in place"
steady=$(service steady pid)
is "$(on "cat /proc/$steady/oom_score_adj")" -500 "oom_score_adj"
ok "what fails is restarted" wait_for "$patience" has_restarts failing 1
on 'kill -9 $(pidof edgeinit)'
ok "killed, it is back" wait_for "$patience" on edgeinit wait-ready steady
is "$(service steady pid restarts)" "$steady 0" "its services did not notice"

for build in arm64 arm; do
    failed=''
    for program in "$board_root/out/$build"/unit_{file,json,loss,machine,manifest,mountinfo,path,record,ring,spec,text}; do
        push "$program" /dev/unit
        on 'chmod 755 /dev/unit && cd /dev && ./unit' >"$dir/unit.log" 2>&1 || failed+=" ${program##*/}: $(tail -3 "$dir/unit.log")"
    done
    is "$failed" '' "unit tests of out/$build"
done
done_testing
