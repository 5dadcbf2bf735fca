#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
# shellcheck disable=SC2317 # called by wait_for
#
# "edgeinit down": afterwards no service runs, nothing that edgeinit mounted is mounted, what others mounted still is, and the
# card is free; whoever holds it is named; without a daemon, twice, killed at any time; and the next daemon brings all of it back.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"

card=/dev/block/mmcblk0p1

# A card and a bind from it, a tmpfs with one on it, and one that is there before; two services.
board_manifest()
{
    puppet
    mkdir -p /mnt/before /data/real/place
    ln -s real /data/link
    mount -t tmpfs before /mnt/before
    manifest m <<EOF
{"version": 1,
 "host": {
  "directories": ["/mnt/f2fs/opt"],
  "mounts": [
   {"target": "/mnt/f2fs", "source": "LABEL=edgecard", "wait": "10s"},
   {"target": "/opt", "source": "/mnt/f2fs/opt", "type": "bind"},
   {"target": "/mnt/fast", "type": "tmpfs"},
   {"target": "/mnt/fast/er", "type": "tmpfs"},
   {"target": "/data/link/place", "type": "tmpfs"},
   {"target": "/mnt/before", "source": "before", "type": "tmpfs"}]},
 "services": {
  "base": {"command": ["$work/puppet", "base", "wait"], "needs": ["/mnt/f2fs"]},
  "top": {"command": ["$work/puppet", "top", "wait"], "after": ["base"]}}}
EOF
}

mounted()
{
    findmnt --noheadings --output TARGET --target "$1" | grep -qx "$1"
}

# what edgeinit mounts is mounted, or is not
is_up()
{
    mounted /mnt/f2fs && mounted /opt && mounted /mnt/fast && mounted /mnt/fast/er && mounted /data/real/place
}

is_down()
{
    ! mounted /mnt/f2fs && ! mounted /opt && ! mounted /mnt/fast && ! mounted /mnt/fast/er &&
        ! mounted /data/real/place && free
}

# Nobody has the card mounted, in any namespace.
free()
{
    /usr/bin/python3 -I -c 'import os, sys; os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL)' "$card" 2>/dev/null
}

nothing_runs()
{
    ! pgrep -f "$work/puppet" >/dev/null && ! pgrep -f edgeinit-keeper >/dev/null && ! pgrep -f 'edgeinit daemon' >/dev/null
}

up_all()
{
    up --manifest "$work/m.json"
    edge wait-ready --timeout 200s
    is "$status" 0 "the board is up${1:+, $1}" || diag "$err" "$(tail -20 "$work/log")"
    ok "all is mounted" is_up || diag "$(findmnt)"
}

down_all()
{
    edge down --manifest "$work/m.json" "$@"
}

# No service runs when "down" has ended; what kept it is on its way out.
is_all_down()
{
    ok "no service runs" test ! "$(pgrep -f "$work/puppet")" || diag "$(ps -e -o pid=,ppid=,args=)"
    ok "nothing runs" wait_for 10 nothing_runs || diag "$(ps -e -o pid=,ppid=,args=)"
    ok "nothing of ours is mounted, and the card is free" is_down || diag "$(findmnt)"
    ok "what others mounted still is" mounted /mnt/before
}

stage_down()
{
    board_manifest
    err=$(setpriv --reuid 65534 --clear-groups "$EDGEINIT" down --manifest "$work/m.json" 2>&1)
    is "$?" 1 "nobody takes it down"
    like "$err" 'take the board down: Operation not permitted; be root' "and is told so"
    down_all
    is "$status $out" "0 the board is down: 0 mounts taken off; the card may be pulled" "before there was anything"
    up_all
    mkdir /data/link/place/{left,there} /mnt/f2fs/left
    mount -t tmpfs left-by-a-service /data/link/place/left
    mount --bind /mnt/f2fs /data/link/place/there
    mount --bind /mnt/f2fs/left /mnt/f2fs/left
    down_all
    wait "$daemon"
    is "$?" 0 "the daemon ends in order"
    is "$status" 0 "down: exit code 0" || diag "$err"
    like "$out" '- mount /mnt/fast/er.*- mount /mnt/fast[^/]' "what stands on another goes before it"
    like "$out" '- mount /opt.*- mount /mnt/f2fs' "and the card after what is bound from it"
    like "$out" 'the board is down: 5 mounts taken off; the card may be pulled' "and says so"
    like "$(<"$work/log")" 'top: stopping.*base: stopping' "the services in reverse order"
    is_all_down
    down_all
    is "$status $out" "0 the board is down: 0 mounts taken off; the card may be pulled" "a second time"
    ok "and no note is left" test ! -e /run/edgeinit/mounts
    up_all again

    diag "the daemon was killed, and the services run"
    kill_daemon
    down_all
    is "$status" 0 "down without a daemon: exit code 0" || diag "$err"
    is_all_down
    up_all again
    diag "and without a manifest that could be read"
    kill_daemon
    echo '{' >"$work/broken.json"
    edge down --manifest "$work/broken.json"
    is "$status" 0 "down with a broken manifest: exit code 0" || diag "$err"
    is_all_down
    edge apply --manifest "$work/m.json"
    ok "apply alone" is_up
    down_all
    is "$status" 0 "and down" || diag "$err"
    is_all_down
}

sleeps_on_the_card()
{
    [[ $(readlink "/proc/$holder/cwd") == /mnt/f2fs && $(<"/proc/$holder/comm") == sleep ]]
}

# Who holds it is named; a second try after that is gone is enough.
stage_busy()
{
    board_manifest
    up_all
    (cd /mnt/f2fs && exec sleep 1001) &
    holder=$!
    wait_for 10 sleeps_on_the_card
    down_all
    is "$status" 1 "a shell on the card: exit code 1"
    like "$err" "umount /mnt/f2fs: held by pid $holder \(sleep\): its working directory.*; end that" "it is named"
    like "$err" "do not pull the card" "and what not to do"
    ok "the rest is down" wait_for 10 nothing_runs
    ok "the others are off" test "$(mounted /opt || mounted /mnt/fast || echo off)" = off
    ok "the card is still there, in order" test -w /mnt/f2fs
    down_all
    is "$status" 1 "still"
    kill "$holder"
    wait "$holder" 2>/dev/null
    down_all
    is "$status" 0 "when it is gone: exit code 0" || diag "$err"
    is_all_down

    up_all again
    exec 7>/mnt/f2fs/held
    down_all
    is "$status" 1 "an open file: exit code 1"
    like "$err" "held by pid $$ \(bash\): open file /mnt/f2fs/held" "it is named"
    exec 7>&-
    down_all
    is "$status" 0 "closed: exit code 0" || diag "$err"

    up_all again
    unshare --mount --propagation private sleep 1002 &
    holder=$!
    wait_for 5 grep -q sleep "/proc/$holder/comm"
    down_all
    is "$status" 1 "mounted in another namespace: exit code 1"
    like "$err" "free .*: pid [0-9]+ \(.*\): has it mounted on /(mnt/f2fs|opt)" "it is named" || diag "$(findmnt)"
    down_all
    is "$status" 1 "and again"
    kill "$holder"
    wait "$holder" 2>/dev/null
    # The kernel lets go of a namespace that has ended behind everybody's back.
    wait_for 10 free
    down_all
    is "$status" 0 "when it is gone: exit code 0" || diag "$err"
    is_all_down
}

# Services that do not stop have the time that they are given.
stage_slow()
{
    board_manifest
    sed -i "s|\"base\", \"wait\"\]|\"base\", \"deaf\", \"wait\"], \"stop\": {\"timeout\": \"100s\"}|" "$work/m.json"
    up_all
    began=${EPOCHREALTIME/./}
    down_all --timeout 1s
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    is "$status" 0 "--timeout: exit code 0" || diag "$err"
    ok "in time" test "$took" -lt 60000 || diag "$took ms" "$err"
    is_all_down
    up_all again
    diag "two at once"
    for try in 1 2; do
        "$EDGEINIT" down --timeout 1s --manifest "$work/m.json" >"$work/out.$try" 2>&1 &
        downs[try]=$!
    done
    wait "${downs[1]}"
    first=$?
    wait "${downs[2]}"
    is "$first $?" "0 0" "both end well" || diag "$(cat "$work/out.1" "$work/out.2")"
    is_all_down
    up_all again
    diag "the daemon is killed while it stops the services"
    "$EDGEINIT" down --timeout 5s --manifest "$work/m.json" >"$work/out" 2>&1 &
    down=$!
    wait_for 10 service_is base state stopping
    kill_daemon
    wait "$down"
    is "$?" 0 "down goes on without it" || diag "$(<"$work/out")"
    is_all_down
}

# Killed at any time, run again.
stage_killed()
{
    board_manifest
    for ((try = 0; try < 25; try++)); do
        if [[ ! ${daemon:-} ]] || gone "$daemon"; then up --manifest "$work/m.json"; fi
        wait_for 20 "$EDGEINIT" wait-ready >/dev/null
        "$EDGEINIT" down --manifest "$work/m.json" >/dev/null 2>&1 &
        down=$!
        sleep "0.0$((try * 3 + 10))"
        kill -KILL "$down" 2>/dev/null
        wait "$down" 2>/dev/null
        if ((try % 2)); then
            down_all
            [[ $status == 0 ]] && is_down && wait_for 10 nothing_runs && continue
            ok "killed, try $try" false
            diag "$out" "$err" "$(findmnt)" "$(ps -e -o pid=,ppid=,args=)"
            return
        fi
        wait_for 10 gone "$daemon" || kill_daemon
    done
    ok "killed at 25 moments, it ends up down" true
    down_all
    is_all_down
    up_all again
    down_all
    is_all_down
}

# What is staged and bound over a read-only /etc is off as well.
stage_read_only()
{
    manifest m <<EOF
{"version": 1, "host": {"files": [{"path": "/etc/hostname", "lines": ["edge"]}]}}
EOF
    edge apply --manifest "$work/m.json"
    is "$status" 0 "a staged file" || diag "$err"
    ok "is bound" mounted /etc/hostname
    edge down --manifest "$work/m.json"
    is "$status" 0 "down: exit code 0" || diag "$err"
    ok "it is off" test "$(mounted /etc/hostname || echo off)" = off
}

# OpenHarmony's init would start the daemon again: it is asked. This stand-in does what init does from 3.2 on: the job on-stop
# of the .cfg that is shipped, as a child of process 1.
stage_init()
{
    board_manifest
    mkdir -p /system/bin /system/etc/edgeinit
    ln -s "$EDGEINIT" /system/bin/edgeinit
    cp "$work/m.json" /system/etc/edgeinit/edgeinit.json
    job=$(/usr/bin/python3 -I -c '
import json, sys
root = json.load(open(sys.argv[1]))
name = root["services"][0]["jobs"]["on-stop"]
words = [job for job in root["jobs"] if job["name"] == name][0]["cmds"][0].split(" ")
print(*words[1:] if words[0] == "syncexec" else "false")' "$edge_root/cfg/init/edgeinit-3.2.cfg")
    like "$job" '^/system/bin/edgeinit down' "the .cfg has the job"
    program service_control <<EOF2
#!/bin/bash
echo "\$*" >>"$work/asked"
(setsid bash -c 'sleep 0.2; $job >"$work/on-stop" 2>&1; echo \$? >>"$work/on-stop"' &)
EOF2
    ln -s "$work/service_control" /system/bin/service_control
    (setsid "$EDGEINIT" daemon --manifest "$work/m.json" >"$work/log" 2>&1 </dev/null &)
    wait_for 10 "$EDGEINIT" wait-ready --timeout 60s
    ok "all is mounted" is_up
    down_all
    is "$status" 0 "down: exit code 0" || diag "$err"
    is "$(<"$work/asked")" "stop edgeinit" "init was asked to stop the service"
    ok "its own job was through" wait_for 10 grep -qx 0 "$work/on-stop" || diag "$(<"$work/on-stop")"
    is_all_down
    is "$(wc -l <"$work/asked")" 1 "which asked nobody"
}

on_board down
on_board busy
on_board slow
on_board killed
on_board read_only --read-only-root
on_board init
done_testing
