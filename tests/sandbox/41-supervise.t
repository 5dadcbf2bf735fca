#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh, daemon and took from services.sh
# shellcheck disable=SC2317 # functions called by wait_for
#
# Supervision: services that do what services do, and what becomes of them. How they end and start again, readiness and
# liveness, conditions, stopping, reload, the verbs, the logs; a keeper that is killed; a pid that another process got.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"

# The pauses between the first starts of a puppet, milliseconds.
pauses()
{
    grep "^$1 " "$work/starts" | awk 'NR > 1 {printf "%d ", ($3 - last) * 1000} {last = $3}'
}

stage_policies()
{
    local daemon took list name i
    puppet
    manifest policies <<EOF2
{
  "version": 1,
  "services": {
    "slower": {"command": ["$work/puppet", "slower", "exit=3"], "restart": {"delay": "40ms", "max_delay": "300ms", "jitter": 0}},
    "clean": {"command": ["$work/puppet", "clean", "exit=0"], "restart": {"delay": "1h"}},
    "once": {"command": ["$work/puppet", "once", "exit=0"], "restart": {"policy": "on-failure", "delay": "10ms"}},
    "failed": {"command": ["$work/puppet", "failed", "exit=5"], "restart": {"policy": "on-failure", "delay": "1h"}},
    "never": {"command": ["$work/puppet", "never", "exit=5"], "restart": {"policy": "never"}},
    "struck": {"command": ["$work/puppet", "struck", "raise=9"], "restart": {"policy": "never"}},
    "script": {"command": ["$work/script"], "restart": {"delay": "1h"}},
    "missing": {"command": ["$work/later", "missing", "wait"], "restart": {"delay": "10ms"}}
  }
}
EOF2
    program script <<<'#!/nonexistent/interpreter'
    up --manifest "$work/policies.json"
    diag "policies"
    for name in struck never once; do
        wait_for 5 service_is "$name" state finished
    done
    for name in clean failed script; do
        wait_for 5 service_is "$name" state delayed
    done
    wait_for 5 service_is missing state parked
    is "$(service clean state cause reason restarts last_end.exit_code)" 'delayed exited exit code 0 0 0' "always: also after exit code 0"
    is "$(service once state cause reason restarts)" 'finished exited exit code 0 0' "on-failure: not after exit code 0"
    is "$(service failed state cause reason last_end.exit_code)" 'delayed exited exit code 5 5' "but after exit code 5"
    is "$(service never state cause reason)" 'finished exited exit code 5' "never: not even then"
    is "$(service struck state cause reason last_end.signal)" 'finished signalled killed by signal 9 (Killed) 9' "killed: by which signal"
    like "$(service clean next_try_ms)" '^[234][0-9]{6}$' "next_try_ms: an hour, more or less"
    edge wait-ready --timeout 60s once
    is "$status" 0 "wait-ready: one that has done its work is fine"
    edge wait-ready --timeout 60s never
    is "$status $err" '1 edgeinit: error: never is finished: exit code 5; "edgeinit status" and "edgeinit logs never" say more' "one that failed is not"

    diag "a program that is missing"
    is "$(service missing state cause pid restarts)" 'parked missing 0 0' "parked" || diag "$(service missing state cause reason)"
    like "$(service missing reason)" "$work/later: No such file or directory" "and why"
    is "$(service script state cause)" 'delayed cannot-start' "a script whose interpreter is missing is not parked" || diag "$(service script state cause reason)"
    sleep 0.2
    is "$(service missing state restarts)" 'parked 0' "nobody tries meanwhile"
    cp "$work/puppet" "$work/later.part"
    mv "$work/later.part" "$work/later"
    ok "it starts by itself when its program is there" wait_for 5 service_is missing state ready || diag "$(service missing state cause reason)"
    "$EDGEINIT" stop missing
    rm "$work/later"
    "$EDGEINIT" start --no-wait missing
    ok "parked again" wait_for 5 service_is missing state parked
    cat "$work/puppet" >"$work/later"
    sleep 0.2
    is "$(service missing state)" parked "not executable yet"
    chmod +x "$work/later"
    ok "it starts at chmod" wait_for 5 service_is missing state ready || diag "$(service missing state cause reason)"
    edge stop missing
    rm "$work/later"
    edge start --timeout 60s missing
    is "$status" 1 "start of one whose program is missing: exit code 1"
    like "$err" "missing is parked: its program is missing: $work/later: No such file" "and why"
    kill_daemon
    cp "$work/puppet" "$work/later"
    up --manifest "$work/policies.json"
    ok "it starts also if the program came while there was no daemon" wait_for 5 service_is missing state ready

    diag "slower and slower"
    wait_for 5 restarted slower 7
    list=$(pauses slower)
    for i in 40 80 160 300 300; do
        # What Python takes to come up is in it.
        ok "pause of at least $i ms" test "${list%% *}" -ge "$i" || diag "$(pauses slower)"
        list=${list#* }
    done
    next_try()
    {
        [[ $(service slower state next_try_ms) =~ ^delayed\ ([0-9]+)$ ]] && ((BASH_REMATCH[1] <= 300))
    }
    ok "next_try_ms in status" wait_for 5 next_try
    edge start --timeout 5s slower
    like "$status $(service slower restarts)" '^[01] [0-9]+$' "start while it is delayed"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

stage_starting()
{
    local daemon took pid list
    puppet
    manifest starting <<EOF2
{
  "version": 1,
  "services": {
    "hangs": {"command": ["$work/puppet", "hangs", "wait"], "ready": {"notify": true, "timeout": "1s"}, "restart": {"delay": "1h"},
              "stop": {"timeout": "60s"}},
    "extends": {"command": ["$work/puppet", "extends", "say=EXTEND_TIMEOUT_USEC=60000000", "sleep=3.5", "say=READY=1", "wait"],
                "ready": {"notify": true, "timeout": "3s"}, "restart": {"delay": "10ms"}},
    "child": {"command": ["$work/puppet", "child", "childsay=READY=1", "note=said", "wait"], "ready": {"notify": true}},
    "unasked": {"command": ["$work/puppet", "unasked", "say=READY=1\\\\nSTATUS=nobody asked", "wait"]},
    "forks": {"command": ["$work/puppet", "forks", "fork", "wait"], "restart": {"delay": "1h"}},
    "forksmain": {"command": ["$work/puppet", "forksmain", "forkmain", "say=READY=1\\\\nSTATUS=a good child", "wait"],
                  "ready": {"notify": true}, "restart": {"delay": "1h"}},
    "forkleave": {"command": ["$work/puppet", "forkleave", "leave=$work/left", "exit=0"], "stop": {"scope": "group"},
                  "restart": {"delay": "1h"}},
    "file": {"command": ["$work/puppet", "file", "wait"], "ready": {"file": "$work/is-ready"}},
    "http": {"command": ["$work/puppet", "http", "sleep=0.3", "serve=8001"], "ready": {"http": "http://127.0.0.1:8001/x", "interval": "50ms"}},
    "tcp": {"command": ["$work/puppet", "tcp", "sleep=0.3", "serve=8002"], "ready": {"tcp": "127.0.0.1:8002", "interval": "50ms"}},
    "command": {"command": ["$work/puppet", "command", "wait"], "ready": {"command": ["/bin/test", "-e", "$work/is-ready"]}},
    "both": {"command": ["$work/puppet", "both", "say=READY=1", "wait"], "ready": {"notify": true, "file": "$work/is-ready"}}
  }
}
EOF2
    up --manifest "$work/starting.json"
    ok "hangs in start: stopped, and delayed" wait_for 5 service_is hangs state delayed
    is "$(service hangs cause last_end.cause reason)" 'start-timeout start-timeout not ready in time' "and why" || diag "$(service hangs cause reason last_end)"
    # Does it get no processor in its first three seconds, it has not said so yet, and has another try.
    ok "EXTEND_TIMEOUT_USEC gives it time" wait_for 10 service_is extends state ready || diag "$(service extends state reason)"
    wait_for 5 grep -q '^child said' "$work/notes"
    is "$(service child state)" starting "READY=1 of a child that is not the main process is not believed"
    ok "one that says it without being asked does no harm" wait_for 5 service_shows 'ready nobody asked' unasked state says
    edge wait-ready --timeout 60s http
    is "$status" 0 "ready by http"
    edge wait-ready --timeout 60s tcp
    is "$status" 0 "ready by tcp"
    is "$(service file state) $(service command state) $(service both state)" 'starting starting starting' "the others are not yet"
    says_why_not()
    {
        [[ $(service file not_ready) ]]
    }
    ok "status says why not" wait_for 5 says_why_not
    touch "$work/is-ready"
    for list in file command both; do
        edge wait-ready --timeout 60s "$list"
        is "$status" 0 "now it is: $list" || diag "$(service "$list" state not_ready)"
    done

    diag "daemons"
    wait_for 5 service_is forks state delayed
    is "$(service forks state reason)" 'delayed exit code 0' "one that forks away has ended, for its main process has"
    wait_for 5 grep -q '^forks goes on' "$work/notes"
    pid=$(awk '/^forks goes/ {print $NF}' "$work/notes")
    ok "scope process: its child lives on" test -e "/proc/$pid"
    ok "with MAINPID its child is the service" wait_for 5 service_is forksmain state ready || diag "$(service forksmain state reason)"
    pid=$(service forksmain pid)
    is "$(service forksmain restarts says)" '0 a good child' "and is believed"
    unlike "$(awk '/^forksmain/ {print $2}' "$work/starts")" "^$pid\$" "it is another process"
    kill -KILL "$pid"
    wait_for 5 service_is forksmain state delayed
    is "$(service forksmain reason last_end.signal)" 'killed by signal 9 (Killed) 9' "its exit status is exact, though its father was another"
    wait_for 5 service_is forkleave state delayed
    ok "scope group: what is left is killed, though it had left by setsid and double fork" wait_for 5 gone "$(<"$work/left")"
    edge restart --timeout 60s forksmain
    is "$status $(service forksmain state)" '0 ready' "restart from delayed"
    pid=$(service forksmain pid)
    kill_daemon
    up_again --manifest "$work/starting.json"
    is "$(service forksmain pid)" "$pid" "its child is the service for the next daemon too"
    edge stop forksmain
    is "$status" 0 "it can be stopped"
    ok "and is gone" gone "$pid"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

stage_stopping()
{
    local daemon took pid began left keeper
    puppet
    mkdir -p "$work/freezer"
    mount -t cgroup -o freezer freezer "$work/freezer" 2>/dev/null
    manifest stopping <<EOF2
{
  "version": 1,
  "services": {
    "deaf": {"command": ["$work/puppet", "deaf", "deaf", "note=is deaf", "wait"], "stop": {"timeout": "300ms"}},
    "below": {"command": ["$work/puppet", "below", "wait"]},
    "above": {"command": ["$work/puppet", "above", "wait"], "after": ["below"]},
    "process": {"command": ["$work/puppet", "process", "leave=$work/left-process", "wait"]},
    "group": {"command": ["$work/puppet", "group", "leave=$work/left-group", "wait"], "stop": {"scope": "group"},
              "restart": {"delay": "10ms"}},
    "gets": {"command": ["/bin/bash", "-c", "trap 'echo got INT; exit 0' INT; echo waits; while :; do sleep 0.05; done"], "stop": {"signal": "INT", "timeout": "60s"}},
    "failing": {"command": ["$work/puppet", "failing", "exit=1"], "restart": {"delay": "1h"}},
    "slow": {"command": ["$work/puppet", "slow", "wait"], "ready": {"notify": true}},
    "waits": {"command": ["$work/puppet", "waits", "wait"], "conditions": [{"file": "$work/condition"}]},
    "work": {"command": ["$work/puppet", "work", "exit=0"], "restart": {"policy": "on-failure"}}
  }
}
EOF2
    up --manifest "$work/stopping.json"
    wait_for 5 service_is work state finished
    wait_for 5 test -e "$work/left-group" -a -e "$work/left-process"
    diag "stop"
    wait_for 5 service_is deaf state ready
    wait_for 5 grep -q '^deaf' "$work/notes"
    wait_for 5 grep -q '^gets: waits' "$work/log"
    wait_for 5 service_is above state ready
    pid=$(service deaf pid)
    began=${EPOCHREALTIME/./}
    edge stop deaf
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    is "$status $(service deaf state cause last_end.cause last_end.signal)" '0 stopped request stop-timeout 9' "one that ignores SIGTERM is killed" || diag "$err"
    ok "not before its time is over, and not long after" test "$took" -ge 300 -a "$took" -lt 30000
    ok "it is gone" gone "$pid"
    edge stop below
    like "$status $err" '^0 .*above still runs, and needs below' "stop of one that others need says so"
    is "$(service above state) $(service below state)" 'ready stopped' "and does it"
    edge stop above
    is "$status $err" '0 ' "of one that nobody needs says nothing"
    edge start --no-wait above
    sleep 0.1
    is "$(service above state cause)" 'waiting after' "it waits for the one below" || diag "$(service above state cause reason)"
    edge start --timeout 60s below
    edge wait-ready --timeout 60s above
    is "$status" 0 "and comes with it"
    edge stop gets
    is "$status $(service gets last_end.exit_code)" '0 0' "its stop signal is its own"
    edge stop process
    ok "scope process: what it has started lives on" test -e "/proc/$(<"$work/left-process")"
    left=$(<"$work/left-group")
    keeper=$(service group keeper)
    edge stop group
    is "$status" 0 "scope group: stop"
    ok "when stop comes back, nothing is left, though it had left by setsid and double fork" gone "$left"
    ok "but the keeper" test -e "/proc/$keeper"
    ok "nothing is frozen" test "$(cat "$work"/freezer/*/freezer.state 2>/dev/null | grep -c FR)" = 0
    rm -f "$work/left-group"
    edge start --timeout 60s group
    wait_for 5 test -e "$work/left-group"
    left=$(<"$work/left-group")
    pid=$(service group pid)
    rm -f "$work/left-group"
    kill -KILL "$pid"
    ok "killed: started anew" wait_for 5 test -e "$work/left-group"
    ok "when nothing is left of it" gone "$left"
    wait_for 5 service_is group state ready
    is "$(service group state keeper)" "ready $keeper" "by the same keeper"

    diag "verbs from every state"
    edge start nosuch
    is "$status $err" '1 edgeinit: error: there is no service "nosuch" in the manifest' "start of an unknown service"
    edge stop nosuch
    is "$status" 1 "stop too"
    edge restart nosuch
    is "$status" 1 "restart too"
    wait_for 5 service_is failing state delayed
    is "$(service failing state) $(service slow state) $(service waits state) $(service work state)" 'delayed starting waiting finished' "four states"
    edge start --timeout 60s failing
    is "$status" 0 "start of one that is delayed: at once"
    edge start --timeout 200ms slow
    is "$status" 1 "start of one that is starting: waits until the time is over"
    edge start --timeout 200ms waits
    is "$status $(service waits state)" '1 waiting' "start of one that waits: it waits on"
    edge start --timeout 60s work
    is "$status" 0 "start of one that has finished"
    started_again()
    {
        [[ $(starts work) == 2 && $(starts failing) == 2 ]]
    }
    ok "they were started once more" wait_for 5 started_again
    pid=$(service above pid)
    edge start --timeout 60s above
    is "$status $(service above pid)" "0 $pid" "start of one that runs: nothing"
    edge restart --timeout 60s above
    is "$status" 0 "restart of one that runs"
    unlike "$(service above pid)" "^$pid\$" "it is another process"
    is "$(service above restarts)" 2 "counted"
    edge restart --timeout 60s deaf
    is "$status" 0 "restart of one that is stopped: starts it"
    edge stop --no-wait deaf
    sleep 0.1
    edge start --timeout 60s deaf
    is "$status $(service deaf state)" '0 ready' "start while it is stopping: a new one when it has ended"
    edge stop slow
    edge stop waits
    edge stop failing
    edge stop work
    edge stop deaf
    is "$(service slow state) $(service waits state) $(service failing state) $(service work state)" 'stopped stopped stopped stopped' "stop from these states"
    edge stop deaf
    is "$status" 0 "stop of one that is stopped"
    touch "$work/condition"
    sleep 0.1
    is "$(service waits state)" stopped "its condition does not start one that is stopped"
    kill_daemon
    up --manifest "$work/stopping.json"
    is "$(service slow state cause) $(service deaf state) $(service above state)" 'stopped request stopped ready' "stopped stays stopped over SIGKILL of the daemon"
    down
    up --manifest "$work/stopping.json"
    wait_for 5 service_is above state ready
    is "$(service slow state cause) $(service deaf state) $(service above state)" 'stopped request stopped ready' "and over its orderly end; the others come back"
    edge start --timeout 60s deaf
    is "$status" 0 "until somebody starts it"
    edge restart --no-wait deaf
    is "$status" 0 "restart --no-wait"
    down
    is "$status" 0 "SIGTERM: exit code 0"
    ok "no service is left but the one that scope process leaves" wait_for 5 processes "$work/puppet" 1 || diag "$(ps -ef)"
    is "$(pgrep -f "$work/puppet")" "$(<"$work/left-process")" "which is this"
    ok "and no keeper" wait_for 5 processes edgeinit-keeper 0 || diag "$(ps -ef)"
}

stage_conditions()
{
    local daemon took name
    puppet
    manifest conditions <<EOF2
{
  "version": 1,
  "services": {
    "file": {"command": ["$work/puppet", "file", "wait"], "conditions": [{"file": "/data/some/where/token"}]},
    "mount": {"command": ["$work/puppet", "mount", "wait"], "conditions": [{"mount": "/data/mounted"}]},
    "under": {"command": ["$work/puppet", "under", "wait"], "conditions": [{"file": "/data/mounted/inside"}]},
    "address": {"command": ["$work/puppet", "address", "wait"], "conditions": [{"address": "net9"}]},
    "route": {"command": ["$work/puppet", "route", "wait"], "conditions": [{"route": "default"}]},
    "network": {"command": ["$work/puppet", "network", "wait"], "conditions": [{"route": "10.77.0.0/16"}]},
    "past": {"command": ["$work/puppet", "past", "wait"], "conditions": [{"clock": "2024-01-01"}]},
    "future": {"command": ["$work/puppet", "future", "wait"], "conditions": [{"clock": "2199-01-01"}]},
    "two": {"command": ["$work/puppet", "two", "wait"], "conditions": [{"file": "/data/one"}, {"file": "/data/two"}]}
  }
}
EOF2
    mkdir -p /data/mounted
    up --manifest "$work/conditions.json"
    edge wait-ready --timeout 60s past
    is "$status" 0 "a clock that is late enough"
    for name in file mount under address route network future two; do
        is "$(service "$name" state cause)" 'waiting condition' "waits: $name" || diag "$(service "$name" state cause reason)"
    done
    is "$(service file reason)" 'waits for a condition: /data/some/where/token is not there' "what for"
    is "$(service route reason)" 'waits for a condition: no default route' "what for"
    like "$(service future reason)" 'before 2199-01-01' "what for"
    mkdir -p /data/some/where
    sleep 0.1
    is "$(service file state)" waiting "a directory on the way is not yet it"
    touch /data/some/where/token
    ok "file" wait_for 5 service_is file state ready
    mount -t tmpfs none /data/mounted
    ok "mount" wait_for 5 service_is mount state ready
    touch /data/mounted/inside
    ok "a file on what was mounted" wait_for 5 service_is under state ready
    ip link add net9 type bridge && ip link set net9 up
    sleep 0.1
    is "$(service address state)" waiting "an interface without an address"
    ip address add 10.9.9.1/24 dev net9
    ok "address" wait_for 5 service_is address state ready
    ip route add 10.77.0.0/16 via 10.9.9.2
    ok "route to a network" wait_for 5 service_is network state ready
    is "$(service route state)" waiting "it is not the default route"
    ip route add default via 10.9.9.2
    ok "default route" wait_for 5 service_is route state ready
    touch /data/two
    sleep 0.1
    is "$(service two state reason)" 'waiting waits for a condition: /data/one is not there' "one of two"
    touch /data/one
    ok "both" wait_for 5 service_is two state ready
    ip route del default
    rm /data/one /data/two
    umount -l /data/mounted
    sleep 0.2
    is "$(service route state restarts) $(service two state restarts) $(service mount state restarts)" 'ready 0 ready 0 ready 0' \
        "what runs is not stopped when its condition is gone"
    kill -KILL "$(service two pid)"
    ok "but it waits again when it has ended" wait_for 5 service_is two state waiting || diag "$(service two state cause reason)"
    touch /data/one /data/two
    ok "and comes back" wait_for 5 service_is two state ready
    is "$(service future state)" waiting "the future has not come"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

stage_reload()
{
    local daemon took same changed gone pid
    puppet
    reload_manifest()
    {
        manifest reload <<EOF2
{
  "version": 1,
  "services": {
    "same": {"command": ["$work/puppet", "same", "wait"], "restart": {"delay": "$1"}},
    $2
    "changed": {"command": ["$work/puppet", "changed", "wait"], "environment": {"VALUE": "$3"}},
    "later": {"command": ["$work/puppet", "later", "wait"], "after": ["changed"]}
  }
}
EOF2
    }
    reload_manifest 100ms "\"gone\": {\"command\": [\"$work/puppet\", \"gone\", \"wait\"]}," 1
    up --manifest "$work/reload.json"
    edge wait-ready --timeout 60s
    same=$(service same pid) changed=$(service changed pid) gone=$(service gone pid)
    edge reload
    is "$status $(service same pid) $(service changed pid) $(service gone pid)" "0 $same $changed $gone" "reload without a change restarts nothing"
    reload_manifest 150ms "\"new\": {\"command\": [\"$work/puppet\", \"new\", \"wait\"]}," 2
    edge reload
    is "$status" 0 "reload" || diag "$err"
    edge wait-ready --timeout 60s
    is "$status" 0 "all are ready" || diag "$err"
    is "$(service same pid restarts)" "$same 0" "what is started as before goes on, though its restart policy has changed"
    unlike "$(service changed pid)" "^($changed)?\$" "what is started differently is another process"
    is "$(tr '\0' '\n' <"/proc/$(service changed pid)/environ" | grep VALUE)" VALUE=2 "with what it was given"
    ok "what is gone from the manifest is stopped" wait_for 5 gone "$gone"
    ok "and gone from status" wait_for 5 service_is gone state ""
    ok "its keeper too" wait_for 5 processes services/gone 0
    is "$(service new state)" ready "what is new is started"
    same=$(service same pid) changed=$(service changed pid)
    echo '{"version": 1, "services": {"same": {"command": ["relative"]}}}' >"$work/reload.json"
    edge reload
    like "$status $err" '^1 .*the manifest is refused, and nothing was changed: .*reload.json:1' "a manifest with mistakes is refused"
    is "$(service same pid state) $(service changed pid state)" "$same ready $changed ready" "and nothing changed"
    kill -HUP "$daemon"
    sleep 0.2
    is "$(service same pid state) $(service changed pid state)" "$same ready $changed ready" "SIGHUP is refused too"
    reload_manifest 150ms "" 3
    kill -HUP "$daemon"
    moved()
    {
        [[ $(service changed state pid) =~ ^ready\ ([0-9]+)$ && ${BASH_REMATCH[1]} != "$changed" ]]
    }
    ok "SIGHUP reloads" wait_for 5 moved
    taken_over
    is "$(service same pid)" "$same" "only what changed"
    ok "gone: new" wait_for 5 service_is new state ""
    # The manifest changes while there is no daemon.
    changed=$(service changed pid)
    kill_daemon
    reload_manifest 150ms "\"gone\": {\"command\": [\"$work/puppet\", \"gone\", \"wait\"]}," 4
    up --manifest "$work/reload.json"
    ok "a manifest that changed while there was no daemon" wait_for 5 moved
    taken_over
    is "$(service same pid)" "$same" "only what changed"
    edge stop gone
    reload_manifest 150ms "\"gone\": {\"command\": [\"$work/puppet\", \"gone\", \"sleep=0\", \"wait\"]}," 4
    edge reload
    sleep 0.2
    is "$status $(service gone state)" '0 stopped' "a change does not start what is stopped"
    pid=$(service changed pid)
    kill_daemon
    reload_manifest 150ms "" 4
    sed -i 's/"changed": .*/"other": {"command": ["\/bin\/sleep", "1000"]},/; s/, "after": \["changed"\]//' "$work/reload.json"
    up --manifest "$work/reload.json"
    ok "a service that is gone from the manifest meanwhile is stopped" wait_for 5 gone "$pid"
    ok "and gone" wait_for 5 service_is changed state ""
    down
    is "$status" 0 "SIGTERM: exit code 0"
    ok "no service is left" wait_for 5 processes "$work/puppet" 0 || diag "$(ps -ef)"
    ok "and no keeper" wait_for 5 processes edgeinit-keeper 0 || diag "$(ps -ef)"
}

# What the service itself sees.
# Without its keeper's program nothing can be started; what is told at that moment is told all the same.
stage_keeperless()
{
    local daemon program=$EDGEINIT
    local EDGEINIT=$work/bin/edgeinit
    puppet
    mkdir "$work/bin"
    cp "$program" "$EDGEINIT"
    manifest keeperless <<EOF2
{"version": 1, "host": {"directories": ["/srv/one", "/srv/two"]},
 "services": {"first": {"command": ["$work/puppet", "first", "wait"], "needs": ["/srv/two"], "restart": {"delay": "100ms"}}}}
EOF2
    up --manifest "$work/keeperless.json"
    ok "the keeper's program is missing, and that is said" \
        wait_for 10 grep -q 'error: first: execute .*/bin/edgeinit-keeper: No such file or directory; put it beside edgeinit' "$work/log"
    is "$(grep -c -e 'directory /srv/one' -e 'directory /srv/two' "$work/log")" 2 "no line before it is lost" || diag "$(<"$work/log")"
    like "$(service first reason)" 'edgeinit-keeper: No such file' "in status as well"
    cp "$program-keeper" "$work/bin/edgeinit-keeper"
    ok "it is started once that is there" wait_for 30 service_is first state ready || diag "$(<"$work/log")"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

# A service that a reload takes out of the manifest, and that takes its time to end, is waited for by nobody but who stopped it.
stage_leaving()
{
    local daemon pid before stopping waiting
    puppet
    leaving()
    {
        manifest leaving <<EOF2
{"version": 1, "services": {"stays": {"command": ["$work/puppet", "stays", "wait"]}, $1}}
EOF2
    }
    leaving "\"gone\": {\"command\": [\"$work/puppet\", \"gone\", \"deaf\", \"note=deaf\", \"await=$work/release\"],
        \"stop\": {\"timeout\": \"10m\"}}"
    up --manifest "$work/leaving.json"
    edge wait-ready --timeout 60s
    is "$status" 0 "both are ready" || diag "$err"
    ok "and one is deaf" wait_for 10 grep -q '^gone deaf' "$work/notes"
    pid=$(service gone pid)
    "$EDGEINIT" stop gone >"$work/stopped" 2>&1 &
    stopping=$!
    ok "which a person stops" wait_for 10 service_is gone state stopping
    leaving "\"late\": {\"command\": [\"$work/puppet\", \"late\", \"await=$work/late\", \"say=READY=1\", \"wait\"],
        \"ready\": {\"notify\": true, \"timeout\": \"10m\"}}"
    edge reload
    is "$status" 0 "it is taken out of the manifest" || diag "$err"
    for verb in start restart wait-ready; do
        edge "$verb" gone
        is "$status $err" "1 edgeinit: error: there is no service \"gone\" in the manifest" "$verb of it"
    done
    is "$(service gone state pid)" "stopping $pid" "it is still ending"
    before=$(least_descriptors "$daemon")
    "$EDGEINIT" wait-ready --timeout 5m >"$work/waited" 2>&1 &
    waiting=$!
    ok "somebody waits for the node" wait_for 10 descriptors_are "$daemon" $((before + 1))
    touch "$work/release"
    ok "it is gone from status when it has ended" wait_for 10 service_is gone state ""
    wait "$stopping"
    is "$?" 0 "who stopped it hears that it is stopped" || diag "$(<"$work/stopped")"
    touch "$work/late"
    wait "$waiting"
    is "$?" 0 "who waits for the node hears of what the manifest names alone" || diag "$(<"$work/waited")"
    is "$(service stays state restarts) $(service late state restarts)" "ready 0 ready 0" "all of which runs"
    # Nor is the node less than ready while another one ends.
    rm "$work/release"
    leaving "\"slow\": {\"command\": [\"$work/puppet\", \"slow\", \"deaf\", \"note=deaf\", \"await=$work/release\"],
        \"stop\": {\"timeout\": \"10m\"}}"
    edge reload
    ok "a service that ends slowly" wait_for 10 grep -q '^slow deaf' "$work/notes"
    leaving "\"last\": {\"command\": [\"$work/puppet\", \"last\", \"wait\"]}"
    edge reload
    edge wait-ready --timeout 60s
    is "$status $(service slow state) $(service last state)" "0 stopping ready" "the node does not wait for its end" || diag "$err"
    touch "$work/release"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

stage_attributes()
{
    local daemon took pid
    puppet
    program attributes <<'EOF2'
#!/bin/bash
id -u; id -g; id -G; nice; pwd; cat /proc/self/oom_score_adj; ulimit -n; ulimit -c; echo "$SAID|$PATH|$NOTIFY_SOCKET|$WATCHDOG_USEC"
readlink /proc/self/fd/0
echo $(ls /proc/self/fd)
grep -hE '^Sig(Blk|Ign)' /proc/self/status | tr '\n\t' '  '; echo
ps -o sid= -p $$ | grep -qw $$ && echo "leads its session"
echo end
EOF2
    chmod 755 "$work"
    manifest attributes <<EOF2
{
  "version": 1,
  "services": {
    "some": {"command": ["$work/attributes"], "user": "nobody", "nice": 7, "directory": "/var/tmp", "oom_score_adj": 321,
             "rlimits": {"nofile": 123, "core": 0}, "environment": {"SAID": "a b"}, "restart": {"policy": "never"}},
    "numbers": {"command": ["$work/attributes"], "user": "1234", "group": "5678", "restart": {"policy": "never"}},
    "talks": {"command": ["/bin/sh", "-c", "exec $work/puppet talks say=READY=1 wait"], "user": "nobody", "ready": {"notify": true},
              "alive": {"watchdog": "1h"}},
    "nobody": {"command": ["$work/attributes"], "user": "nosuchuser", "restart": {"delay": "1h"}},
    "nowhere": {"command": ["$work/attributes"], "directory": "/no/such/directory", "restart": {"delay": "1h"}}
  }
}
EOF2
    : >"$work/starts"
    chmod 666 "$work/starts"
    mkdir -p /var/tmp
    up --manifest "$work/attributes.json"
    wait_for 5 service_is some state finished
    wait_for 5 service_is numbers state finished
    # The daemon hears of an end before it passes the last lines on.
    wait_for 5 grep -q '^some: end$' "$work/log"
    wait_for 5 grep -q '^numbers: end$' "$work/log"
    "$EDGEINIT" logs some >"$work/some" 2>&1
    is "$(grep '^some: ' "$work/log" | sed 's/^some: //' | grep -v '^(starting|ready|finished)' | head -n 14)" \
        "$(printf '%s\n' "$(id -u nobody)" "$(id -g nobody)" "$(id -g nobody)" 7 /var/tmp 321 123 0 'a b|/system/bin:/vendor/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin||' \
            /dev/null '0 1 2 3' 'SigBlk: 0000000000000000 SigIgn: 0000000000000000 ' 'leads its session' end)" \
        "user, group, nice, directory, oom score, limits, environment, descriptors, signals" || diag "$(grep '^some: ' "$work/log")"
    is "$(grep '^numbers: ' "$work/log" | sed -n '1,5s/^numbers: //p' | tr '\n' ' ')" '1234 5678 5678 0 / ' "by numbers, and the defaults"
    edge wait-ready --timeout 60s talks
    is "$status" 0 "another user reaches its notify socket" || diag "$(service talks state reason not_ready)"
    pid=$(service talks pid)
    is "$(tr '\0' '\n' <"/proc/$pid/environ" | grep -E 'NOTIFY|WATCHDOG')" $'WATCHDOG_USEC=3600000000\nNOTIFY_SOCKET=/run/edgeinit/services/talks/notify' "which its environment names"
    setpriv --reuid nobody --clear-groups ls /run/edgeinit/services >"$work/err" 2>&1
    ok "but cannot look around" test $? -ne 0
    setpriv --reuid nobody --clear-groups cat /run/edgeinit/services/talks/log >"$work/err" 2>&1
    ok "nor read the log" test $? -ne 0
    wait_for 5 service_is nobody state delayed
    wait_for 5 service_is nowhere state delayed
    like "$(service nobody state cause reason)" '^delayed cannot-start .*nosuchuser' "a user that is not there" || diag "$(service nobody state cause reason)"
    like "$(service nowhere state cause reason)" '^delayed cannot-start .*o such file' "a directory that is not there" || diag "$(service nowhere state cause reason)"
    down
}

stage_output()
{
    local daemon took keeper before began follower
    puppet
    no_more_memory()
    {
        (($(private_dirty "$daemon") <= ${before% *} + 64 && $(private_dirty "$keeper") <= ${before#* } + 16))
    }
    manifest output <<EOF2
{
  "version": 1,
  "services": {
    "flood": {"command": ["$work/puppet", "flood", "flood=100000", "print=warm", "await=$work/go", "flood=400000", "print=flooded", "wait"],
              "log": {"size": "64K"}},
    "speaks": {"command": ["$work/speaks"], "restart": {"delay": "1h"}},
    "counts": {"command": ["/bin/bash", "-c", "for i in {1..40}; do echo line \$i; done; exec sleep 1000"]}
  }
}
EOF2
    program speaks <<'EOF2'
#!/usr/bin/python3 -I
import sys
print("first", flush=True)
print("x" * 9000, flush=True)
sys.stdout.buffer.write(b"\x1b[2Jescape\xff\xfe\n")
sys.stdout.write("no newline")
EOF2
    up --manifest "$work/output.json"
    # What a flood takes for good it has after the first.
    ok "a first flood is over" wait_for 20 grep -aq '^flood: warm' "$work/log"
    keeper=$(service flood keeper)
    before="$(private_dirty "$daemon") $(private_dirty "$keeper")"
    touch "$work/go"
    sleep 0.3
    began=${EPOCHREALTIME/./}
    edge status
    ok "status answers in a flood" test "$status" = 0 -a $(((${EPOCHREALTIME/./} - began) / 1000)) -lt 20000
    ok "the flood is over" wait_for 20 grep -aq '^flood: flooded' "$work/log"
    like "$(<"$work/log")" 'flood: [0-9]+ lines suppressed' "what was suppressed is counted"
    is "$(($(grep -ac '^flood: flood ' "$work/log") + $(grep -aoE 'flood: [0-9]+ lines suppressed' "$work/log" | awk '{sum += $2} END {print sum}')))" 500000 \
        "to the line"
    ok "its ring is as large as it may be" test "$(stat -c %s /run/edgeinit/services/flood/log)" -le $((64 * 1024 + 4096))
    if is_sanitized; then
        skip "memory: sanitized" 1
    else
        ok "the daemon's memory has not grown, nor the keeper's" wait_for 5 no_more_memory ||
            diag "$before, then $(private_dirty "$daemon") $(private_dirty "$keeper")"
    fi

    diag "logs"
    wait_for 5 service_is speaks state delayed
    wait_for 5 grep -aq '^counts: line 40' "$work/log"
    edge logs counts
    is "$status $(tail -n 1 <<<"$out")" "0 $(grep -a '^counts: line 40' "$work/log" >/dev/null && tail -n 1 <<<"$out")" "logs"
    is "$(grep -c 'line [0-9]' <<<"$out")" 40 "all of them"
    edge logs -n 3 counts
    is "$(grep -oE 'line [0-9]+' <<<"$out" | tr '\n' ' ')" 'line 38 line 39 line 40 ' "-n 3"
    edge logs -n 1000000 flood
    ok "of what the ring still has" test "$(grep -c 'flood' <<<"$out")" -gt 1000
    edge logs nosuch
    is "$status" 1 "an unknown service: exit code 1"
    like "$err" 'nosuch' "named"
    edge logs speaks
    is "$(grep -o x <<<"$out" | wc -l)" 9000 "a line that is too long: every byte is there"
    ok "in pieces" test "$(grep -c 'xxx' <<<"$out")" -ge 3
    like "$out" 'no newline' "a last line without newline"
    script -qec "$EDGEINIT logs speaks" /dev/null >"$work/shown" 2>&1
    like "$(<"$work/shown")" 'x1b.2Jescape' "escape sequences do not reach a terminal"
    is "$(tr -dc '\033' <"$work/shown" | wc -c)" 0 "none of them"
    timeout 600 "$EDGEINIT" logs -f counts >"$work/followed" 2>&1 &
    follower=$!
    wait_for 5 grep -q 'line 40' "$work/followed"
    echo "later" >/run/edgeinit/services/counts/pipe
    ok "-f follows" wait_for 5 grep -q later "$work/followed"
    # Killed in the middle of passing lines on, it may say them twice (forward.h); one that answers is not in the middle of it.
    wait_for 5 grep -q '^counts: later' "$work/log"
    edge status
    kill_daemon
    echo "without daemon" >/run/edgeinit/services/counts/pipe
    ok "with no daemon at all" wait_for 5 grep -q 'without daemon' "$work/followed"
    edge logs -n 1 counts
    like "$status $out" '^0 .*without daemon' "logs too"
    kill "$follower" 2>/dev/null
    up --manifest "$work/output.json"
    ok "the next daemon passes on what came meanwhile" wait_for 5 grep -q '^counts: without daemon' "$work/log"
    is "$(grep -c '^counts: line 7$' "$work/log")" 1 "and nothing twice"
    down
    edge logs counts
    like "$status $out" '^0 .*line 40' "the logs outlive the services"
}

stage_checks()
{
    local daemon took pid aside began run_dir
    puppet
    # Fed all the time, while its daemon is away: a daemon of its own, which comes back at the end.
    manifest aside <<EOF2
{
  "version": 1,
  "services": {
    "alone": {"command": ["$work/puppet", "alone", "say=READY=1", "every=0.1:WATCHDOG=1"], "ready": {"notify": true}, "alive": {"watchdog": "10s"}}
  }
}
EOF2
    "$EDGEINIT" daemon --run-dir /run/aside --manifest "$work/aside.json" >"$work/log.aside" 2>&1 </dev/null &
    aside=$!
    edge wait-ready --run-dir /run/aside --timeout 60s alone
    is "$status" 0 "one that feeds a watchdog" || diag "$(<"$work/log.aside")"
    kill -KILL "$aside"
    wait "$aside" 2>/dev/null
    began=$SECONDS
    manifest checks <<EOF2
{
  "version": 1,
  "services": {
    "fed": {"command": ["$work/puppet", "fed", "say=READY=1", "every=0.1:WATCHDOG=1"], "ready": {"notify": true}, "alive": {"watchdog": "8s"}},
    "hungry": {"command": ["$work/puppet", "hungry", "say=READY=1", "say=WATCHDOG=1", "wait"], "ready": {"notify": true},
               "alive": {"watchdog": "300ms"}, "restart": {"delay": "1h"}},
    "trigger": {"command": ["$work/puppet", "trigger", "say=READY=1", "sleep=0.2", "say=WATCHDOG=trigger", "wait"], "ready": {"notify": true},
                "alive": {"watchdog": "1h"}, "restart": {"delay": "1h"}},
    "http": {"command": ["$work/puppet", "http", "serve=8001"], "ready": {"tcp": "127.0.0.1:8001"},
             "alive": {"http": "http://127.0.0.1:8001/", "interval": "100ms", "timeout": "60s", "failures": 2}, "restart": {"delay": "1h"}},
    "hangs": {"command": ["$work/puppet", "hangs", "hang=8002"], "ready": {"tcp": "127.0.0.1:8002"},
              "alive": {"http": "http://127.0.0.1:8002/", "interval": "100ms", "timeout": "200ms", "failures": 2}, "restart": {"delay": "1h"}},
    "deadline": {"command": ["$work/puppet", "deadline", "wait"],
                 "alive": {"command": ["/bin/sleep", "1234"], "interval": "100ms", "timeout": "200ms", "failures": 2}, "restart": {"delay": "1h"}},
    "file": {"command": ["$work/puppet", "file", "wait"],
             "alive": {"file": "$work/alive", "interval": "100ms", "failures": 2}, "restart": {"delay": "1h"}},
    "tcp": {"command": ["$work/puppet", "tcp", "wait"], "alive": {"tcp": "127.0.0.1:8009", "interval": "100ms", "failures": 3}, "restart": {"delay": "1h"}},
    "busy": {"command": ["$work/puppet", "busy", "spin=1000"],
             "alive": {"tcp": "127.0.0.1:8010", "interval": "4s", "failures": 2}, "restart": {"delay": "1h"}},
    "strained": {"command": ["$work/puppet", "strained", "spin=1000"],
                 "alive": {"command": ["/bin/sleep", "1235"], "interval": "2s", "timeout": "5s", "failures": 1}, "restart": {"delay": "1h"}},
    "single": {"command": ["$work/puppet", "single", "wait"],
               "alive": {"command": ["/bin/sleep", "1236"], "interval": "100ms", "timeout": "1s", "failures": 1}, "restart": {"delay": "1h"}},
    "stopped": {"command": ["$work/puppet", "stopped", "serve=8011"], "ready": {"tcp": "127.0.0.1:8011"}, "stop": {"timeout": "200ms"},
             "alive": {"http": "http://127.0.0.1:8011/", "interval": "100ms", "timeout": "2s", "failures": 2}, "restart": {"delay": "1h"}}
  }
}
EOF2
    # They are spared ten times, for more than a minute: so they are looked at first. That they get no processor at all in those
    # seconds does not happen.
    asked()
    {
        (($(service busy alive.failed_in_a_row) >= 2 && $(service strained alive.failed_in_a_row) >= 1))
    }
    touch "$work/alive"
    up --manifest "$work/checks.json"
    ok "those that are busy and answer nothing are asked often enough to be dead" wait_for 20 asked
    is "$(service busy state restarts)" 'ready 0' "and are not: of two failures" || diag "$(service busy state cause reason last_end)"
    is "$(service strained state restarts)" 'ready 0' "of one failure" || diag "$(service strained state cause reason last_end)"
    ok "one that does nothing is dead after one failure" wait_for 10 service_is single state delayed
    is "$(service single cause)" liveness "and why" || diag "$(service single state cause reason)"
    wait_for 10 service_is hungry state delayed
    is "$(service hungry cause)" watchdog "a watchdog that is not fed" || diag "$(service hungry state cause reason)"
    ok "WATCHDOG=trigger" wait_for 5 service_is trigger state delayed
    is "$(service trigger cause reason)" 'watchdog no sign of life in time: it asked to be restarted' "and why"
    ok "http that hangs" wait_for 5 service_is hangs state delayed
    like "$(service hangs cause reason)" '^liveness its liveness checks failed: .' "and why"
    ok "tcp that nobody answers" wait_for 5 service_is tcp state delayed
    is "$(service tcp cause)" liveness "and why"
    ok "a command that hangs" wait_for 5 service_is deadline state delayed
    ok "and is killed" wait_for 5 processes 'sleep 1234' 0
    edge wait-ready --timeout 60s stopped
    is "$(service http state) $(service file state) $(service fed state restarts)" 'ready ready ready 0' "the others live"
    pid=$(service stopped pid)
    ((pid > 0)) && kill -STOP "$pid" # 0, of one that a starved PC has ended already, would be this test itself
    touch "$work/sick"
    rm "$work/alive"
    ok "http that says 503" wait_for 5 service_is http state delayed
    like "$(service http cause reason)" '^liveness .*503' "and why"
    ok "a file that is gone" wait_for 5 service_is file state delayed
    is "$(service file cause)" liveness "and why"
    ok "one that SIGSTOP holds is killed" wait_for 20 service_is stopped state delayed || diag "$(service stopped state cause reason)"
    like "$(grep 'stopped: stopping' "$work/log")" 'liveness.*no answer within 2 s' "and why" || diag "$(grep 'stopped: ' "$work/log")"
    is "$(service fed state restarts)" 'ready 0' "one that feeds its watchdog lives"
    down
    while ((SECONDS - began < 12)); do sleep 0.1; done
    run_dir=/run/aside
    pid=$(pgrep -f "$work/puppet alone")
    "$EDGEINIT" daemon --run-dir "$run_dir" --manifest "$work/aside.json" >>"$work/log.aside" 2>&1 </dev/null &
    daemon=$!
    taken_over
    sleep 0.5
    is "$(service alone state pid restarts)" "ready $pid 0" "a watchdog survives that nobody looked for a while" || diag "$(<"$work/log.aside")"
    down
}

stage_control()
{
    local daemon took
    puppet
    manifest control <<EOF2
{"version": 1, "control": {"group": "games"}, "services": {"one": {"command": ["$work/puppet", "one", "wait"]}}}
EOF2
    chmod 755 "$work"
    up --manifest "$work/control.json"
    is "$(stat -c '%a %G' /run/edgeinit/control.sock)" '660 games' "the socket is the group's"
    setpriv --reuid nobody --regid nogroup --groups games "$EDGEINIT" status >"$work/asked" 2>&1
    is "$?" 0 "a member may ask" || diag "$(<"$work/asked")"
    setpriv --reuid nobody --regid games --clear-groups "$EDGEINIT" stop one >"$work/asked" 2>&1
    is "$? $(service one state)" '0 stopped' "and stop" || diag "$(<"$work/asked")"
    setpriv --reuid nobody --regid nogroup --clear-groups "$EDGEINIT" status >"$work/asked" 2>&1
    is "$?" 1 "a stranger may not"
    chmod 666 /run/edgeinit/control.sock
    setpriv --reuid nobody --regid nogroup --clear-groups "$EDGEINIT" start one >"$work/asked" 2>&1
    is "$(($? != 0)) $(service one state)" '1 stopped' "though the socket's mode would let them"
    sed -i 's/"control": {"group": "games"}, //' "$work/control.json"
    edge reload
    is "$status $(stat -c '%a %G' /run/edgeinit/control.sock)" '0 600 root' "reload takes it back"
    down
}

# counted NAME BACK: the numbers of a counting service that the log shows: "count" if none is left out, and they go back no more
# often than that: a daemon that is killed between a line and the note of it makes the next one say some again (forward.h).
# The last one may still be being written.
counted()
{
    grep -aoE "^$1: line [0-9]+$" "$work/log" | sed '$d' |
        awk -v may="$2" '$3 > want || ($3 < want && ++back > may) {bad = bad " " $3} {want = $3 + 1} END {print bad == "" ? "count" : "not in order: " bad}'
}

# other_keeper NAME PID: has it another one by now, which has told what it keeps?
other_keeper()
{
    local now
    now=$(service "$1" keeper)
    [[ $now && $now != 0 && $now != "$2" ]]
}

stage_keeper()
{
    local daemon took pid keeper i aside began run_dir=''
    puppet
    program count <<'EOF2'
#!/bin/bash
for ((i = 0; ; i++)); do
    echo "line $i"
    sleep 0.005
done
EOF2
    manifest keeper <<EOF2
{
  "version": 1,
  "services": {
    "counts": {"command": ["$work/count"], "restart": {"delay": "1h"}},
    "stops": {"command": ["$work/puppet", "stops", "wait"], "orphan": "stop", "restart": {"delay": "20ms"}},
    "group": {"command": ["$work/puppet", "group", "leave=$work/left", "wait"], "stop": {"scope": "group"}, "restart": {"delay": "20ms"}},
    "starts": {"command": ["$work/puppet", "starts", "wait"], "restart": {"delay": "20ms", "max_delay": "50ms"}},
    "hasty": {"command": ["/bin/busybox", "sleep", "0.001"], "restart": {"delay": "0s"}, "stop": {"scope": "group", "timeout": "1s"}}
  }
}
EOF2
    # Its watchdog has the whole of this stage to run out.
    manifest aside <<EOF2
{
  "version": 1,
  "services": {
    "notifies": {"command": ["$work/puppet", "notifies", "say=READY=1", "every=0.05:WATCHDOG=1"], "ready": {"notify": true},
                 "alive": {"watchdog": "8s"}}
  }
}
EOF2
    "$EDGEINIT" daemon --run-dir /run/aside --manifest "$work/aside.json" >"$work/log.aside" 2>&1 </dev/null &
    aside=$!
    edge wait-ready --run-dir /run/aside --timeout 60s
    run_dir=/run/aside
    keeper=$(service notifies keeper)
    kill -KILL "$keeper"
    ok "another keeper for one that feeds a watchdog" wait_for 5 other_keeper notifies "$keeper"
    run_dir=''
    began=$SECONDS

    up --manifest "$work/keeper.json"
    edge wait-ready --timeout 60s
    pid=$(service counts pid) keeper=$(service counts keeper)
    for i in 1 2 3; do
        keeper=$(service counts keeper)
        kill -KILL "$keeper"
        ok "a keeper is killed: there is another ($i)" wait_for 5 other_keeper counts "$keeper"
    done
    is "$(service counts pid state restarts)" "$pid ready 0" "the service goes on"
    like "$(<"$work/log")" "counts: its keeper was killed; process $pid goes on under keeper" "the log says it"
    some_lines()
    {
        (($(grep -c '^counts: line' "$work/log") > $1))
    }
    ok "lines come" wait_for 5 some_lines 20
    is "$(counted counts 0)" count "no line is lost or doubled"
    keeper=$(service counts keeper)
    kill_daemon
    kill -KILL "$keeper"
    sleep 0.1
    up --manifest "$work/keeper.json"
    ok "daemon and keeper are killed: there are others" wait_for 5 other_keeper counts "$keeper"
    is "$(service counts pid state restarts)" "$pid ready 0" "the service goes on"
    ok "and lines come" wait_for 5 some_lines $(($(grep -c '^counts: line' "$work/log") + 50))
    is "$(counted counts 1)" count "no line is lost"
    edge stop counts
    is "$status" 0 "an adopted service can be stopped"
    is "$(service counts state last_end.cause)" 'stopped request' "which is an end as any other"
    ok "and is gone" gone "$pid"
    edge start --timeout 60s counts
    pid=$(service counts pid) keeper=$(service counts keeper)
    kill -KILL "$keeper"
    wait_for 5 other_keeper counts "$keeper"
    kill -KILL "$pid"
    ok "an adopted one that is killed" wait_for 5 service_is counts state delayed
    is "$(service counts cause last_end.signal)" 'unknown-end ' "its end is counted, and unknown"

    diag "orphan: stop"
    pid=$(service stops pid)
    kill -KILL "$(service stops keeper)"
    ok "is stopped" wait_for 5 gone "$pid"
    wait_for 5 restarted stops 1
    ok "and started anew" wait_for 5 service_is stops state ready
    is "$(service stops restarts last_end.cause)" '1 keeper-lost' "and why" || diag "$(service stops last_end)"

    diag "with its group"
    wait_for 5 test -e "$work/left"
    keeper=$(service group keeper) pid=$(<"$work/left")
    i=$(service group pid)
    kill_daemon
    kill -KILL "$keeper" "$i"
    rm "$work/left"
    up --manifest "$work/keeper.json"
    ok "keeper, service and daemon are killed: what is left of the group is killed" wait_for 5 gone "$pid"
    ok "before the next one is started" wait_for 5 test -e "$work/left"
    is "$(service group restarts last_end.cause)" '1 unknown-end' "its end is unknown" || diag "$(service group state last_end)"
    wait_for 5 service_is group state ready
    keeper=$(service group keeper)
    edge stop group
    kill_daemon
    up --manifest "$work/keeper.json"
    ok "the keeper of one that is stopped outlives the daemon too" wait_for 5 service_shows "$keeper stopped" group keeper state

    diag "in haste"
    for ((i = 0; i < 40; i++)); do
        "$EDGEINIT" stop --timeout 60s hasty || break
        "$EDGEINIT" start --no-wait hasty
        sleep "0.00$((RANDOM % 10))"
    done
    is "$i" 40 "start and stop of one that ends at once, again and again"
    keeper=$(service hasty keeper)
    like "$keeper" '^[1-9][0-9]*$' "it has its keeper" || keeper=$daemon # 0 would be this test itself
    kill -STOP "$keeper"
    sleep 0.1
    edge stop --timeout 200ms hasty
    edge status
    is "$status" 0 "a keeper that stands still: the daemon does not"
    kill -CONT "$keeper"
    edge stop --timeout 60s hasty
    is "$status $(service hasty keeper state)" "0 $keeper stopped" "and goes on when it does" || diag "$err"
    sleep 0.1
    is "$(pgrep -c -f 'busybox sleep 0.001')" 0 "stopped is stopped"

    diag "while it starts"
    for ((i = 0; i < 25; i++)); do
        "$EDGEINIT" restart --no-wait starts
        sleep "0.00$((RANDOM % 10))"
        pkill -KILL -f 'edgeinit-keeper /run/edgeinit/services/starts '
        ((i % 5)) || {
            kill_daemon
            up --manifest "$work/keeper.json"
        }
    done
    # It may have to be started once more: the last keeper was killed in the middle of a start.
    "$EDGEINIT" start --timeout 60s starts
    starts_once()
    {
        service_is starts state ready && processes "$work/puppet starts" 1 && processes 'edgeinit-keeper /run/edgeinit/services/starts ' 1
    }
    ok "a keeper killed while its service starts: it runs in the end, once" wait_for 10 starts_once ||
        diag "$(service starts state reason)" "$(tail -n 30 "$work/log")" "$(ps -ef)"
    ok "this one" wait_for 5 service_is starts pid "$(pgrep -f "$work/puppet starts")"
    down
    is "$status" 0 "SIGTERM: exit code 0"

    while ((SECONDS - began < 10)); do sleep 0.1; done
    run_dir=/run/aside
    is "$(service notifies state restarts)" 'ready 0' "the keeper that came has heard the watchdog all the time" || diag "$(<"$work/log.aside")"
    daemon=$aside
    down
    ok "SIGTERM leaves no service" wait_for 5 processes "$work/(puppet|count)" 0 || diag "$(ps -ef)"
    ok "and no keeper" wait_for 5 processes edgeinit-keeper 0 || diag "$(ps -ef)"
}

# stranger PID: a process of another kind gets that pid; its own in $stranger
stranger()
{
    local i
    mkdir -p "$work/proc"
    [[ -e $work/proc/sys ]] || mount -t proc proc "$work/proc"
    for ((i = 0; i < 50; i++)); do
        echo $(($1 - 1)) >"$work/proc/sys/kernel/ns_last_pid"
        /bin/sleep 4321 >/dev/null 2>&1 &
        stranger=$!
        [[ $stranger != "$1" ]] || return 0
        kill -KILL "$stranger"
        wait "$stranger" 2>/dev/null
    done
    return 1
}

stage_stranger()
{
    local daemon took pid keeper scope stranger how
    puppet
    for scope in process group; do
        for how in killed stopped; do
            diag "scope $scope, the daemon is $how"
            : >"$work/starts"
            manifest reuse <<EOF2
{"version": 1, "services": {"one": {"command": ["$work/puppet", "one", "wait"], "restart": {"delay": "10ms"}, "stop": {"timeout": "200ms", "scope": "$scope"},
 "alive": {"file": "$work/alive", "interval": "100ms", "failures": 2}}}}
EOF2
            touch "$work/alive"
            up --manifest "$work/reuse.json"
            wait_for 5 service_is one state ready
            pid=$(service one pid) keeper=$(service one keeper)
            sleep 0.1 # start times have the kernel's ticks
            if [[ $how == killed ]]; then kill_daemon; else kill -STOP "$daemon"; fi
            kill -KILL "$keeper" "$pid"
            wait_for 5 gone "$pid"
            wait_for 5 test ! -e "/proc/$pid"
            stranger "$pid"
            is "$stranger" "$pid" "a stranger gets the service's pid"
            started_anew()
            {
                (($(starts one) == 2))
            }
            if [[ $how == killed ]]; then up --manifest "$work/reuse.json"; else kill -CONT "$daemon"; fi
            ok "the service is started anew" wait_for 5 started_anew
            wait_for 5 service_is one state ready
            is "$(service one restarts last_end.cause)" '1 unknown-end' "its end is unknown" || diag "$(service one state reason last_end)" "$(<"$work/log")"
            ok "the stranger lives" test -e "/proc/$stranger"
            rm "$work/alive"
            ok "its liveness fails, it is killed" wait_for 5 restarted one 2
            touch "$work/alive"
            wait_for 5 service_is one state ready
            edge stop one
            is "$status" 0 "it is stopped"
            ok "the stranger lives" test -e "/proc/$stranger"
            edge start --timeout 60s one

            # Adopted, and then the same.
            wait_for 5 service_is one state ready
            keeper=$(service one keeper)
            kill -KILL "$keeper"
            wait_for 5 other_keeper one "$keeper"
            pid=$(service one pid)
            kill -KILL "$stranger"
            wait "$stranger" 2>/dev/null
            kill -STOP "$daemon"
            kill -KILL "$pid"
            wait_for 5 test ! -e "/proc/$pid"
            stranger "$pid"
            is "$stranger" "$pid" "a stranger gets the pid of an adopted one"
            ("$EDGEINIT" stop --timeout 60s one) &
            sleep 0.05
            kill -CONT "$daemon"
            wait $!
            is "$(service one state)" stopped "stop"
            ok "the stranger lives" test -e "/proc/$stranger"
            down
            ok "SIGTERM: the stranger lives" test -e "/proc/$stranger"
            kill -KILL "$stranger"
            wait "$stranger" 2>/dev/null
            rm -rf /run/edgeinit/services
        done
    done
}

# Killed while it starts its services for the first time: never two of one.
stage_infancy()
{
    local daemon took i j twice=0 none=0 left=0
    manifest infancy <<EOF2
{
  "version": 1,
  "host": {"directories": ["/data/some"]},
  "services": {
    "one": {"command": ["/bin/sleep", "10001"]},
    "two": {"command": ["/bin/sleep", "10002"], "after": ["one"], "stop": {"scope": "group"}},
    "three": {"command": ["/bin/sleep", "10003"], "orphan": "stop", "cgroup": {}}
  }
}
EOF2
    for ((i = 0; i < 25 && none + twice + left == 0; i++)); do
        : >"$work/log"
        for ((j = 0; j < 3; j++)); do
            "$EDGEINIT" daemon --manifest "$work/infancy.json" >>"$work/log" 2>&1 </dev/null &
            daemon=$!
            sleep "0.0$((RANDOM % 40 + 10))"
            kill_daemon
            echo killed >>"$work/log"
        done
        up --manifest "$work/infancy.json"
        "$EDGEINIT" wait-ready --timeout 60s >>"$work/log" 2>&1 || none=$((none + 1))
        for j in 10001 10002 10003; do
            [[ $(pgrep -c -f "^/bin/sleep $j") == 1 ]] || twice=$((twice + 1))
        done
        down
        nobody() { processes '^/bin/sleep 1000' 0 && processes edgeinit-keeper 0; }
        wait_for 5 nobody || left=$((left + 1))
    done
    is "$none $twice $left" '0 0 0' "killed three times in its first 50 ms, 25 times over: each service runs, and runs once" ||
        diag "$(ps -ef)" "$(<"$work/log")"

    # A keeper that its daemon has started and not seen any more, and that of the next daemon, which comes second.
    mkdir -p "$work/bin"
    cp "$EDGEINIT" "$work/bin/edgeinit"
    program bin/edgeinit-keeper <<EOF2
#!/bin/sh
sleep 0.4
exec ${EDGEINIT%/*}/edgeinit-keeper "\$@"
EOF2
    "$work/bin/edgeinit" daemon --manifest "$work/infancy.json" >"$work/log" 2>&1 </dev/null &
    daemon=$!
    sleep 0.2
    kill_daemon
    "$work/bin/edgeinit" daemon --manifest "$work/infancy.json" >>"$work/log" 2>&1 </dev/null &
    daemon=$!
    edge wait-ready --timeout 60s
    is "$status" 0 "keepers that come late, and those of the next daemon"
    ok "each service runs once" wait_for 5 processes '^/bin/sleep 1000' 3 || diag "$(ps -ef)" "$(<"$work/log")"
    ok "under one of the two" wait_for 5 processes 'edgeinit-keeper /run' 3 || diag "$(ps -ef)" "$(<"$work/log")"
    down
    is "$status" 0 "SIGTERM: exit code 0"
    ok "SIGTERM leaves nothing" wait_for 5 nobody || diag "$(ps -ef)"
}

# A keeper that gets no processor for a while, on a machine that is too busy, while daemons come and go.
stage_starved()
{
    local daemon keeper before
    manifest starved <<EOF2
{"version": 1, "services": {"steady": {"command": ["/bin/sleep", "100000"]}}}
EOF2
    up --manifest "$work/starved.json"
    wait_for 5 service_is steady state ready
    before=$(service steady pid)
    keeper=$(service steady keeper)
    kill -STOP "$keeper"
    for _ in {1..20}; do
        kill_daemon
        up --manifest "$work/starved.json"
    done
    ok "the twentieth daemon answers" "$EDGEINIT" status || diag "$(<"$work/log")"
    kill -CONT "$keeper"
    ok "and has its service" wait_for 5 service_is steady state ready || diag "$(<"$work/log")"
    taken_over
    is "$(service steady pid restarts keeper)" "$before 0 $keeper" "which is the same"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

# An instance that was given up, by the notes, and lives: one whose keeper was killed before it could tell of it.
stage_given_up()
{
    local daemon took pid
    puppet
    manifest given <<EOF2
{"version": 1, "services": {"given": {"command": ["$work/puppet", "given", "wait"]}}}
EOF2
    up --manifest "$work/given.json"
    wait_for 10 service_is given state ready
    pid=$(service given pid)
    kill_daemon
    # struct machine: instance 1 is counted as ended, 2 is asked for, the state is "starting"; in both copies
    /usr/bin/python3 -I - /run/edgeinit/services/given/state <<'EOF2'
import struct, sys
with open(sys.argv[1], "r+b") as file:
    page = bytearray(file.read())
    for at in range(0, len(page) - 112 + 1, 8):
        if page[at:at + 24] == struct.pack("<3Q", 1, 0, 0) and page[at + 72:at + 76] == struct.pack("<I", 4):
            struct.pack_into("<3Q", page, at, 2, 1, 1)
            struct.pack_into("<3q", page, at + 48, 0, 0, 0)
            struct.pack_into("<I", page, at + 72, 3)
    file.seek(0)
    file.write(page)
EOF2
    : >"$work/log"
    up --manifest "$work/given.json"
    ok "it is ended" wait_for 10 gone "$pid"
    ok "and the next one started" wait_for 10 service_is given state ready || diag "$("$EDGEINIT" status)" "$(<"$work/log")"
    ok "once" processes "$work/puppet given" 1 || diag "$(ps -ef)"
    like "$(<"$work/log")" "given: process $pid, whose start was given up, runs all the same, and is killed" "and that is said"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

for stage in ${STAGES:-policies starting stopping conditions reload leaving keeperless attributes output checks control keeper given_up starved stranger infancy}; do
    on_board "$stage" --card none
done
done_testing
