#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
# shellcheck disable=SC2317 # called by wait_for
#
# The system parameters tell what is, whatever happens: to a stand-in (param.py) for the board's "param", which refuses what the
# real one refuses. A service that crashes in a loop, a param that hangs or fails, a daemon that is killed, a manifest that
# changes, none of it at the cost of a board that has nothing to tell.
set -u
here=$(dirname "$(readlink -f "$0")")
sandbox=$here/../sandbox
# shellcheck source=tests/sandbox/edge.sh
source "$sandbox/edge.sh"
# shellcheck source=tests/sandbox/services.sh
source "$sandbox/services.sh"
param=/tmp/work/param # of the board

board_param()
{
    mkdir -p "$param" /system/bin
    cp "$here/../../cfg/param/edgeinit.para.dac" "$param/dac"
    ln -sf "$here/param.py" /system/bin/param
}

# tells NAME VALUE: of a parameter, without its "edgeinit."
tells()
{
    grep -qx "edgeinit.$1=$2" "$param/parameters" 2>/dev/null
}

tell_by()
{
    ok "$1 is \"$2\"" wait_for "${3:-10}" tells "$1" "$2" || diag "$(cat "$param/parameters" "$work/log")"
}

calls()
{
    wc -l <"$param/calls"
}

# no process of edgeinit's publishes any more
quiet()
{
    ! pgrep -x edgeinit-say >/dev/null
}

# how often the daemon has given up a processor
switches()
{
    awk '/ctxt_switches/ {sum += $2} END {print sum}' "/proc/$daemon/status"
}

# four seconds in which it is not woken once; how many calls there had been before, in $told
asleep()
{
    local before
    told=$(calls)
    before=$(switches)
    sleep 4
    [[ $(switches) == "$before" ]]
}

no_param()
{
    ! pgrep -f 'param set'
}

# no call in three seconds
gives_up()
{
    local before
    before=$(calls)
    sleep 3
    [[ $(calls) == "$before" ]]
}

stage_life()
{
    board_param
    puppet
    manifest m <<EOF
{"version": 1, "services": {
 "one": {"command": ["$work/puppet", "one", "say=READY=1", "wait"], "ready": {"notify": true}},
 "two": {"command": ["$work/puppet", "two", "wait"], "after": ["one"]},
 "lost": {"command": ["$work/is-not-there"]}}}
EOF
    up --manifest "$work/m.json"
    tell_by service.one.state ready
    tell_by service.one.cause none
    tell_by service.two.state ready
    tell_by service.lost.state parked
    tell_by service.lost.cause missing
    tell_by ready false
    edge stop two
    tell_by service.two.state stopped
    tell_by service.two.cause request
    printf '#!/bin/busybox sh\nexec sleep 1000\n' >"$work/new"
    chmod +x "$work/new"
    mv "$work/new" "$work/is-not-there"
    edge start two
    tell_by service.lost.state ready
    tell_by ready true
    wait_for 5 quiet
    wait_for 10 asleep # once doctor has looked, a second after bring-up, and all is told
    is "$?" 0 "the daemon sleeps"
    is "$(calls)" "$told" "nothing is set while nothing changes"

    diag "the daemon is killed, and the manifest changes meanwhile"
    kill_daemon
    kill "$(awk '$1 == "one" {pid = $2} END {print pid}' "$work/starts")"
    manifest m <<EOF
{"version": 1, "services": {"one": {"command": ["$work/puppet", "one", "say=READY=1", "wait"], "ready": {"notify": true}},
 "last": {"command": ["$work/puppet", "last", "wait"]}}}
EOF
    up --manifest "$work/m.json"
    tell_by service.last.state ready
    tell_by service.one.state ready
    tell_by service.two.state removed
    tell_by service.lost.state removed
    tell_by ready true
    diag "a manifest that changes under it"
    manifest m <<EOF
{"version": 1, "services": {"last": {"command": ["$work/puppet", "last", "wait"]}}}
EOF
    edge reload
    tell_by service.one.state removed
    tell_by ready true
    down
    tell_by ready false
    tell_by service.last.state stopped
    tell_by service.last.cause shutdown
    up --manifest "$work/m.json"
    tell_by service.last.state ready
    tell_by ready true
    is "$(grep -c 'fail!\|parameter' "$work/log")" 0 "nothing was refused" || diag "$(cat "$work/log")"
    down
}

# A service that ends at once, as often as it may.
stage_loop()
{
    board_param
    printf '#!/bin/busybox sh\nexit 3\n' >"$work/loop"
    chmod +x "$work/loop"
    manifest m <<EOF
{"version": 1, "services": {"looping": {"command": ["$work/loop"],
 "restart": {"delay": "10ms", "max_delay": "10ms", "jitter": 0}}}}
EOF
    up --manifest "$work/m.json"
    wait_for 20 restarted looping 20
    before=$(calls) began=${EPOCHREALTIME/./} restarts=$(service looping restarts)
    sleep 6
    wait_for 30 restarted looping $((restarts + 21))
    after=$(calls)
    seconds=$(((${EPOCHREALTIME/./} - began + 999999) / 1000000))
    restarts=$(($(service looping restarts) - restarts))
    diag "$restarts restarts in $seconds s, $((after - before)) parameters set"
    # Its state and the cause, in each second, and what was on its way when the time began.
    ok "a crash-loop is told at most once a second" test $((after - before)) -le $((2 * (seconds + 2)))
    ok "and it was one" test "$restarts" -gt 20
    edge stop looping
    tell_by service.looping.state stopped
    tell_by service.looping.cause request
    down
}

stage_trouble()
{
    board_param
    puppet
    manifest m <<EOF
{"version": 1, "services": {"one": {"command": ["$work/puppet", "one", "wait"]}}}
EOF
    touch "$param/hang"
    up --manifest "$work/m.json"
    ok "a param that hangs does not hold the daemon" wait_for 5 service_is one state ready
    edge restart one
    is "$status" 0 "which does its work"
    ok "and gives up" wait_for 20 grep -q 'does not answer within' "$work/log"
    ok "nothing of it is left" wait_for 60 quiet || diag "$(ps -e -o pid=,stat=,args=)"
    ok "nor of param" wait_for 10 no_param || diag "$(ps -e -o pid=,stat=,args=)"
    is "$(grep -c 'does not answer within' "$work/log")" 1 "it is told once"
    rm "$param/hang"
    edge restart one
    tell_by service.one.state ready
    tell_by ready true

    diag "a param that is refused"
    wait_for 10 quiet
    touch "$param/fail"
    edge stop one
    ok "is told" wait_for 10 grep -q 'fail! errNum is:108!; check edgeinit.para.dac' "$work/log"
    sleep 6
    ok "and is not tried for ever" wait_for 10 gives_up
    is "$(grep -c 'fail! errNum' "$work/log")" 1 "once"
    rm "$param/fail"
    edge start one
    tell_by service.one.state ready
    diag "a hanging param at the end"
    wait_for 10 quiet
    touch "$param/hang"
    down
    is "$status" 0 "the daemon ends in order"
    ok "in time" test "$took" -lt 40000 || diag "$took ms"

    diag "no parameters at all"
    rm /system/bin/param "$work/log" /run/edgeinit/parameters
    before=$(calls)
    up --manifest "$work/m.json"
    edge wait-ready --timeout 60s
    is "$status" 0 "it works without"
    is "$(calls) $(grep -c 'param' "$work/log")" "$before 0" "and says nothing of it"
    ok "nothing is noted" test ! -e /run/edgeinit/parameters
    down
}

on_board life
on_board loop
on_board trouble
done_testing
