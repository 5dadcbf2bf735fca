#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
# shellcheck disable=SC2317 # called by wait_for
#
# edgeinit as a tree builds it: parameters through libbegetutil, events through libhisysevent, the log through libhilog. The
# libraries are stand-ins (libraries.c) that note each call and refuse what the real ones refuse; the real headers are in
# docs/parameters.md.
set -u
here=$(dirname "$(readlink -f "$0")")
EDGEINIT=${EDGEINIT:-$here/../../out/edgeinit}
EDGEINIT=${EDGEINIT%/*}/edgeinit_in_tree
export EDGEINIT
sandbox=$here/../sandbox
# shellcheck source=tests/sandbox/edge.sh
source "$sandbox/edge.sh"
# shellcheck source=tests/sandbox/services.sh
source "$sandbox/services.sh"

# called PYTHON-EXPRESSION over the list "calls"
called()
{
    /usr/bin/python3 -I -c '
import json, sys
calls = [json.loads(line) for line in open("/tmp/work/calls") if line.endswith("\n")]
print(eval(sys.argv[1]))' "$1"
}

has_called()
{
    [[ $(called "any($1 for c in calls)") == True ]]
}

# since $before
logs_again()
{
    [[ $(called "any('looping: ended' in c.get('log', '') for c in calls[$before:])") == True ]]
}

# With the standard streams that init gives a service.
daemon_of_init()
{
    "$EDGEINIT" daemon --manifest "$work/m.json" </dev/null >/dev/null 2>&1 &
    daemon=$!
    wait_for 10 "$EDGEINIT" status
}

stage_calls()
{
    puppet
    manifest m <<EOF
{"version": 1, "services": {
 "slow": {"command": ["$work/puppet", "slow", "sleep=1", "say=READY=1", "print=hello %d %s %{private}s", "wait"],
          "ready": {"notify": true}}}}
EOF
    daemon_of_init
    wait_for 20 "$EDGEINIT" wait-ready
    ok "a parameter" wait_for 10 has_called 'c.get("parameter") == "edgeinit.ready" and c["value"] == "true"'
    ok "of a service" wait_for 10 has_called 'c.get("parameter") == "edgeinit.service.slow.state" and c["value"] == "ready"'
    ok "a slow boot is told" wait_for 10 has_called 'c.get("event") == "SLOW_BOOT"'
    like "$(called '[c for c in calls if c.get("event") == "SLOW_BOOT"]')" \
        "'domain': 'EDGEINIT', 'type': 4, 'TOOK_MS': [0-9]+, 'BOOT_MS': [0-9]+, 'LAST': 'slow'" "with its parameters"
    ok "the service's line, as it is" wait_for 10 has_called \
        'c.get("log") == "hello %d %s %{private}s" and c["tag"] == "slow" and c["level"] == 4'
    ok "edgeinit's own in its domain" wait_for 10 has_called 'c.get("tag") == "edgeinit" and c["domain"] == 0xD002C00'
    ok "a service's in another" has_called 'c.get("tag") == "slow" and 0xD002C01 <= c["domain"] <= 0xD002CFF'

    printf '#!/bin/busybox sh\nexit 3\n' >"$work/loop"
    chmod +x "$work/loop"
    manifest m <<EOF
{"version": 1, "services": {
 "looping": {"command": ["$work/loop"], "restart": {"delay": "20ms", "max_delay": "20ms", "jitter": 0}},
 "lost": {"command": ["$work/is-not-there"]},
 "killed": {"command": ["$work/puppet", "killed", "raise=11"], "restart": {"policy": "never"}}}}
EOF
    edge reload
    is "$status" 0 "reload"
    ok "a crash is told" wait_for 10 has_called 'c.get("event") == "SERVICE_CRASH" and c["NAME"] == "looping"'
    like "$(called '[c for c in calls if c.get("NAME") == "looping"][:1]')" \
        "'domain': 'EDGEINIT', 'type': 1, 'NAME': 'looping', 'CAUSE': 'exited', 'STATUS': 3, 'SIGNAL': 0, 'FAILURES': 1\}" \
        "with its parameters"
    ok "by a signal" wait_for 10 has_called 'c.get("NAME") == "killed" and c["SIGNAL"] == 11 and c["STATUS"] == -1'
    ok "a parked service" wait_for 10 has_called 'c.get("event") == "SERVICE_PARKED" and c["NAME"] == "lost"'
    like "$(called '[c for c in calls if c.get("NAME") == "lost"]')" "'CAUSE': 'missing', 'REASON': '.*is-not-there" \
        "with its reason"
    ok "removed" wait_for 10 has_called 'c.get("parameter") == "edgeinit.service.slow.state" and c["value"] == "removed"'
    wait_for 20 restarted looping 100
    wait_for 10 has_called 'c.get("NAME") == "looping" and c.get("FAILURES", 0) >= 32'
    is "$(called '[c["FAILURES"] for c in calls if c.get("NAME") == "looping"][:6]')" '[1, 2, 4, 8, 16, 32]' \
        "a crash-loop is told of ever more rarely"
    is "$(called '[c for c in calls if "refused" in c][:3]')" '[]' "the libraries refuse nothing"

    diag "before hilogd is there: the kernel's log takes it; a level that is switched off: nobody"
    for word in no-hilogd not-loggable; do
        touch "$work/$word"
        # A line that was under way is through when the next ends have been told of.
        wait_for 10 restarted looping $(($(service looping restarts) + 3))
        before=$(called 'len(calls)')
        wait_for 10 restarted looping $(($(service looping restarts) + 10))
        is "$(called "sum('log' in c for c in calls[$before:])")" 0 "$word: nothing gets to hilogd"
        rm "$work/$word"
        ok "then it does" wait_for 10 logs_again
    done
    diag "the card goes: as the kernel tells it"
    manifest m <<EOF
{"version": 1, "host": {"mounts": [{"target": "/mnt/f2fs", "source": "LABEL=edgecard", "wait": "10s"}]},
 "services": {"looping": {"command": ["$work/loop"]}}}
EOF
    edge reload
    wait_for 10 findmnt /mnt/f2fs >/dev/null
    echo remove >"/sys/dev/block/$(mountpoint --fs-devno /mnt/f2fs)/uevent"
    ok "drift is told" wait_for 10 has_called \
        'c.get("event") == "DRIFT" and c["RESOURCE"] == "mount /mnt/f2fs" and c["REASON"] == "its device is gone"'
    kill -TERM "$daemon"
    wait "$daemon"
    is "$?" 0 "the end"
    ok "the last word" has_called 'c.get("parameter") == "edgeinit.ready" and c["value"] == "false"'
    is "$(called '[c["value"] for c in calls if c.get("parameter") == "edgeinit.service.looping.state"][-1]')" stopped \
        "and of the services"
}

on_board calls
done_testing
