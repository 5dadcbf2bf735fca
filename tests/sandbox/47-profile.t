#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh, daemon and took from services.sh
# shellcheck disable=SC2317 # functions called by wait_for
#
# Profiles: what is asked of them before a start and after an end, and what becomes of the answer. The profile here is one
# that says what the test tells it (tests/profile/profile.c), in an edgeinit that differs in nothing else.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"
[[ $EDGEINIT == *-profiled ]] || EDGEINIT=$EDGEINIT-profiled

# says NAME QUESTION <LINES: what its profile answers from now on; nothing: that all is well
says()
{
    cat >"$work/$1.$2.new"
    mv "$work/$1.$2.new" "$work/$1.$2"
}

# asked NAME QUESTION: how often
asked()
{
    grep -c "^$1 $2 " "$work/asked" 2>/dev/null
}

# $work/fails NAME WORDS: notes its start, says WORDS, ends with exit code 3, quickly.
fails()
{
    program fails <<'EOF2'
#!/bin/sh
read -r up rest </proc/uptime
echo "$1 $$ $up" >>/tmp/work/starts
echo "$2"
exit 3
EOF2
}

# woken NAME STARTS EVENT...: the event brings the next start, well before what a daemon does that is told of nothing: to look
# again after ten seconds. One start; but if what was waited for stays true, the next comes a second after its end.
woken()
{
    local name=$1 before=$2 began took seen=0
    shift 2
    began=${EPOCHREALTIME/./}
    "$@"
    wait_for 5 more_starts "$name" "$before"
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    echo "$name $took ms" >>"$work/measured"
    ((took < 9000 && seen > before && seen <= before + 1 + took / 1000))
}

# more_starts NAME STARTS: has it been started more often? How often is then in $seen.
more_starts()
{
    seen=$(starts "$1")
    ((seen > $2))
}

# started_at NAME NUMBER: when that start was, in seconds of the PC's uptime
started_at()
{
    awk -v name="$1" -v number="$2" '$1 == name && ++count == number {print $3}' "$work/starts"
}

uptime_now()
{
    local up
    read -r up _ </proc/uptime
    echo "$up"
}

# helpers_of PID: its children that ask a profile
helpers_of()
{
    pgrep -x edgeinit-ask -P "$1"
}

helps()
{
    [[ $(helpers_of "$1") ]]
}

nobody_helps()
{
    ! pgrep -x edgeinit-ask
}

# being_prepared NAME: its profile is asked, and gives no answer. After ten seconds it would be started all the same: is that
# what is seen, then once more.
being_prepared()
{
    seen=$(service "$1" state cause pid reason)
    [[ $seen != ready* ]] || "$EDGEINIT" restart --no-wait "$1"
    [[ $seen == 'waiting preparing 0 '* ]]
}

# has_help NAME PID: the same, and a child of the daemon does it
has_help()
{
    being_prepared "$1" && helps "$2"
}

stage_prepare()
{
    local daemon took status before seen=''
    puppet
    fails
    manifest prepare <<EOF2
{
  "version": 1,
  "services": {
    "plain": {"command": ["$work/puppet", "plain", "wait"]},
    "core": {"command": ["$work/puppet", "core", "wait"], "profile": "edgecore"},
    "slow": {"command": ["$work/puppet", "slow", "wait"], "profile": "dockerd", "conditions": [{"file": "/data/slow"}]},
    "broken": {"command": ["$work/puppet", "broken", "wait"], "profile": "dockerd"},
    "crashes": {"command": ["$work/puppet", "crashes", "wait"], "profile": "dockerd"},
    "hangs": {"command": ["$work/puppet", "hangs", "wait"], "profile": "dockerd", "conditions": [{"file": "/data/hangs"}]},
    "again": {"command": ["$work/fails", "again", "words"], "profile": "dockerd", "restart": {"delay": "50ms", "max_delay": "50ms"}},
    "parked": {"command": ["$work/puppet", "parked", "wait"], "profile": "dockerd"}
  }
}
EOF2
    says slow prepare <<<'sleep 100'
    says broken prepare <<<'fail the configuration is torn'
    says crashes prepare <<<'crash'
    says hangs prepare <<<'sleep 100'
    says parked prepare <<EOF2
hold park
code no-address
what wlan0 has no address
remedy connect the board
wake file $work/go
EOF2
    up --manifest "$work/prepare.json"
    wait_for 5 service_is plain state ready
    wait_for 5 service_is core state ready
    wait_for 5 service_is parked state parked
    is "$(asked plain prepare) $(asked core prepare)" '0 0' "nobody is asked about a service without a profile, nor one that prepares nothing"
    touch /data/hangs
    wait_for 5 has_help hangs "$daemon"
    tap_result $? "one that is being prepared has a helper, which is a child of the daemon" || diag "$(<"$work/log")"
    is "$seen" 'waiting preparing 0 being prepared for its start' "and says so"
    wait_for 5 service_is broken state ready
    ok "one that cannot be prepared is started all the same" service_is broken state ready
    ok "and that is said" grep -q 'broken: could not be prepared, and is started all the same: the configuration is torn' "$work/log" || diag "$(<"$work/log")"
    ok "so is one whose helper crashed" wait_for 5 service_is crashes state ready
    ok "and that is said" grep -q 'crashes: whoever prepared it ended without an answer' "$work/log"

    diag "found that a start makes no sense"
    is "$(service parked state cause reason)" 'parked no-address wlan0 has no address' "parked with the profile's words"
    is "$(service parked remedy waits_for restarts)" "connect the board [\"$work/go to appear\"] 0" "what to do, and what it waits for"
    edge status
    like "$out" "parked +parked +for [^:]*: no-address: wlan0 has no address" "the same for people"
    like "$out" "remedy: connect the board" "what to do"
    like "$out" "waits for $work/go to appear" "what for"
    is "$(starts parked)" 0 "it was never started"
    says parked prepare </dev/null
    ok "it starts when that is there" woken parked 0 touch "$work/go"
    wait_for 5 service_is parked state ready
    is "$(service parked cause explanation)" 'none ' "and nothing is said any more"
    ok "nor kept" wait_for 5 test ! -e /run/edgeinit/services/parked/judgement

    diag "before each start, and for that start alone"
    wait_for 10 more_starts again 4
    "$EDGEINIT" stop again
    # The last start may have been called off after its preparation, or in its first instant.
    before=$(($(asked again prepare) - $(starts again)))
    ok "as often prepared as started" test "$before" -ge 0 -a "$before" -le 1 || diag "$before times more"
    touch /data/slow
    wait_for 5 being_prepared slow
    edge stop slow
    is "$status $(service slow state cause)" '0 stopped request' "stopped while it is being prepared"
    edge start --no-wait slow
    wait_for 5 being_prepared slow
    before=$(starts slow)
    rm /data/slow
    ok "what it waits for is gone meanwhile: it waits for that" wait_for 5 service_is slow cause condition
    says slow prepare <<<'sleep 1'
    touch /data/slow
    ok "and is prepared anew" wait_for 5 service_is slow state ready
    wait_for 5 more_starts slow "$before"
    is "$(starts slow)" $((before + 1)) "started once"

    diag "one that hangs"
    ok "after ten seconds it is started all the same" wait_for 15 service_is hangs state ready
    ok "which is said" grep -q 'hangs: was not prepared within 10 s\|hangs: whoever prepared it ended without an answer' "$work/log" || diag "$(<"$work/log")"
    ok "nobody is left" wait_for 5 nobody_helps
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

stage_judge()
{
    local daemon took status began seen=0
    # judged_line NAME: what its profile was told of its end. Asked while it is delayed already.
    judged_line()
    {
        wait_for 5 grep -q "^$1 judge" "$work/asked"
        grep "^$1 judge" "$work/asked"
    }
    puppet
    fails
    manifest judge <<EOF2
{
  "version": 1,
  "services": {
    "words": {"command": ["$work/fails", "words", "F1122 the token is bad"], "profile": "edgecore", "restart": {"delay": "100ms"}},
    "unknown": {"command": ["$work/fails", "unknown", "whatever"], "profile": "edgecore", "restart": {"delay": "1h"}},
    "clean": {"command": ["$work/puppet", "clean", "exit=0"], "profile": "edgecore", "restart": {"delay": "1h"}},
    "struck": {"command": ["$work/puppet", "struck", "raise=9"], "profile": "edgecore", "restart": {"delay": "1h"}},
    "late": {"command": ["$work/puppet", "late", "deaf", "wait"], "profile": "edgecore", "restart": {"delay": "1h"},
             "ready": {"notify": true, "timeout": "7s"}, "stop": {"timeout": "300ms"}},
    "sick": {"command": ["$work/puppet", "sick", "hang=7001"], "profile": "edgecore", "restart": {"delay": "1h"},
             "alive": {"http": "http://127.0.0.1:7001/", "interval": "100ms", "timeout": "200ms", "failures": 2}},
    "crashes": {"command": ["$work/fails", "crashes", "whatever"], "profile": "edgecore", "restart": {"delay": "1h"}},
    "spins": {"command": ["$work/fails", "spins", "whatever"], "profile": "edgecore", "restart": {"delay": "0s"}},
    "pardoned": {"command": ["$work/fails", "pardoned", "whatever"], "profile": "edgecore", "restart": {"delay": "0s"}},
    "slower": {"command": ["$work/fails", "slower", "whatever"], "profile": "edgecore", "restart": {"delay": "1h"}},
    "later": {"command": ["$work/fails", "later", "whatever"], "profile": "edgecore"}
  }
}
EOF2
    says words judge <<EOF2
line the token is bad
hold park
code token-refused
what the cloud refused the token
remedy make a new one (keadm gettoken)
EOF2
    says crashes judge <<<'crash'
    says spins judge <<<'sleep 1'
    says pardoned judge <<EOF2
hold retry
code somebody-else
what it was somebody else
blameless
EOF2
    says slower judge <<EOF2
hold retry
code busy
what the port is taken
remedy see who has it
wake file-changed /data/port
EOF2
    says later judge <<EOF2
hold park
code tomorrow
what not now
again 1500
EOF2
    up --manifest "$work/judge.json"
    wait_for 5 service_is words state parked
    is "$(service words state cause reason)" 'parked token-refused the cloud refused the token' "recognised by its last line"
    is "$(service words remedy line waits_for)" 'make a new one (keadm gettoken) the token is bad []' "with the line that told"
    is "$(service words last_end.exit_code restarts next_try_ms)" '3 0 ' "the exit code is there too, and nothing is tried"
    is "$(cut -d ' ' -f 1-4 <<<"$(judged_line words)")" 'words judge 5 768' "the profile knows how it ended"
    wait_for 5 service_is unknown state delayed
    is "$(service unknown state cause)" 'delayed exited' "what nobody recognises is as ever"
    wait_for 5 more_starts spins 0
    wait_for 5 service_is crashes state delayed
    ok "whoever judges may crash" wait_for 5 grep -q 'crashes: whoever looked into it ended without an answer' "$work/log"
    is "$(service crashes state cause)" 'delayed exited' "as if there were no profile"

    diag "which ends"
    wait_for 5 service_is clean state delayed
    wait_for 5 service_is struck state delayed
    wait_for 5 service_is sick state delayed
    like "$(judged_line clean)" '^clean judge 5 0 [0-9]+$' "exit code 0 that nobody asked for"
    like "$(judged_line struck)" '^struck judge 6 9 [0-9]+$' "a signal"
    like "$(judged_line sick)" '^sick judge 9 15 [0-9]{3,}$' "its liveness checks"

    diag "tried again"
    ok "delayed by the policy, with the word of the profile" wait_for 5 service_shows 'delayed busy the port is taken' slower state cause reason
    like "$(service slower next_try_ms)" '^[234][0-9]{6}$' "for an hour"
    # Made in one go: touch(1) makes it, and sets its time then.
    ok "but at once when what it waits for has come" woken slower 1 sh -c ': >/data/port'
    wait_for 5 service_is later cause tomorrow
    ok "parked, and tried again after a time" wait_for 5 more_starts later 1

    diag "no spinning"
    took=${EPOCHREALTIME/./}
    began=$(starts spins)
    sleep 2
    seen=$(starts spins)
    took=$(((${EPOCHREALTIME/./} - took) / 1000000))
    ok "delay 0: the next start waits for the judgement, which takes a second" test "$seen" -le $((began + took + 1)) -a "$took" -ge 2 ||
        diag "$seen after $began in $took s"
    "$EDGEINIT" stop spins
    ok "delay 0 and blameless: a second at least" test "$(starts pardoned)" -le $((SECONDS + 2)) || diag "$(starts pardoned) in $SECONDS s"
    wait_for 10 more_starts pardoned 2
    ok "but it goes on" more_starts pardoned 2

    diag "what becomes of the words"
    edge start --no-wait words
    ok "a person starts what is parked" wait_for 5 more_starts words 1
    wait_for 5 service_is words state parked
    is "$(starts words)" 2 "once"
    edge stop words
    is "$(service words state cause)" 'stopped request' "stopped"
    ok "nothing is kept" wait_for 5 test ! -e /run/edgeinit/services/words/judgement
    says words judge </dev/null
    edge start --no-wait words
    wait_for 5 more_starts words 3
    is "$(service words remedy)" '' "not recognised any more: no words"
    wait_for 5 service_is late state delayed
    like "$(judged_line late)" '^late judge 8 9 [0-9]{4,}$' "not ready in time, and killed: why it was stopped"
    down
    is "$status" 0 "SIGTERM: exit code 0"
    ok "nothing is kept" test ! -e /run/edgeinit/services/slower/judgement
}

park_on()
{
    says "$1" judge <<EOF2
hold park
code waits
what it waits
wake $2
EOF2
}

stage_wakes()
{
    local daemon took status name starts before clock seen=0
    puppet
    fails
    {
        printf '{"version": 1, "services": {'
        for name in file mount under address route clock changed made removed written network; do
            printf '"%s": {"command": ["%s/fails", "%s", "x"], "profile": "edgecore", "restart": {"delay": "50ms"}},\n' "$name" "$work" "$name"
        done
        printf '"healthy": {"command": ["%s/fails", "healthy", "x"], "profile": "edgecore", "after": ["below"]},\n' "$work"
        printf '"below": {"command": ["%s/puppet", "below", "wait"]}}}' "$work"
    } | manifest wakes
    mkdir -p /data/mounted
    echo old >/data/changed
    echo old >/data/written
    touch /data/removed
    ip link add net9 type bridge && ip link set net9 up
    park_on file "file /data/some/where/token"
    park_on mount "mount /data/mounted"
    park_on under "file /data/mounted/inside"
    park_on address "address net9"
    park_on route "route default"
    clock=$(uptime_now)
    park_on clock "clock $(date -u -d '8 seconds' +%Y-%m-%dT%H:%M:%SZ)"
    park_on changed "file-changed /data/changed"
    park_on made "file-changed /data/made"
    park_on removed "file-changed /data/removed"
    park_on written "file-changed /data/written"
    park_on network network-changed
    park_on healthy "service-ready below"
    up --manifest "$work/wakes.json"
    for name in file mount under address route changed made removed written network healthy; do
        ok "parked: $name" wait_for 10 service_is "$name" state parked
        is "$(starts "$name")" 1 "started once: $name"
    done
    mkdir -p /data/some/where
    touch /data/some/where/other /data/other
    ip link set net9 down && ip link set net9 up
    sleep 0.3
    is "$(starts file) $(starts changed) $(starts network)" '1 1 1' "other events bring nothing"
    ok "the clock" wait_for 12 more_starts clock 1
    # The time was given in whole seconds.
    ok "not before it has come" awk -v began="$clock" -v started="$(started_at clock 2)" 'BEGIN {exit (started < began + 6.9)}' ||
        diag "from $clock: $(grep '^clock' "$work/starts")"
    ok "a clock that is late enough already, and it failed all the same: tried again after its delay" wait_for 5 more_starts clock 2
    "$EDGEINIT" stop clock
    ok "file" woken file 1 touch /data/some/where/token
    ok "mount" woken mount 1 mount -t tmpfs none /data/mounted
    ok "a file on what was mounted" woken under 1 touch /data/mounted/inside
    ok "a file with other content" woken changed 1 sh -c 'echo new >/data/new; mv /data/new /data/changed'
    ok "a file that was made" woken made 1 sh -c ': >/data/made'
    ok "a file that was removed" woken removed 1 rm /data/removed
    ok "a file that was written to" woken written 1 sh -c 'echo more >>/data/written'
    ok "an address" woken address 1 ip address add 10.9.9.1/24 dev net9
    ok "the network, by an address" wait_for 5 more_starts network 1
    wait_for 5 service_is network state parked
    ok "a default route" woken route 1 ip route add default via 10.9.9.2
    ok "the network, by a route" wait_for 5 more_starts network 2
    wait_for 5 service_is network state parked
    ip address add fe80::77/64 dev net9
    ip route add 10.78.0.0/16 dev net9
    ip route del default
    sleep 0.3
    is "$(starts network)" 3 "not by what goes, nor by what leads nowhere"
    ok "but by what comes back" woken network 3 ip route add default via 10.9.9.2
    ok "a service that became ready" woken healthy 1 "$EDGEINIT" restart below
    wait_for 5 service_is healthy state parked

    diag "from the event to the start: $(paste -sd, "$work/measured")"

    diag "no daemon when it happens"
    for name in changed network healthy file; do
        wait_for 5 service_is "$name" state parked
    done
    before="$(starts changed) $(starts network) $(starts healthy)"
    kill_daemon
    up --manifest "$work/wakes.json"
    wait_for 5 service_is changed state parked
    sleep 0.5
    is "$(starts changed) $(starts network) $(starts healthy)" "$before" "nothing has changed: nothing is started"
    kill_daemon
    echo newer >/data/changed
    ip address add 10.9.9.3/24 dev net9
    up --manifest "$work/wakes.json"
    ok "a file that changed while there was none" wait_for 5 more_starts changed "${before%% *}"
    starts=${before#* }
    ok "an address that came" wait_for 5 more_starts network "${starts%% *}"
    is "$(starts healthy)" "${before##* }" "and nothing else"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

# all_asked: of stage_killed, what is to be seen while nobody has an answer
all_asked()
{
    [[ $(service judged state cause) == 'waiting judging' && $(service prepared state cause) == 'waiting preparing' ]]
}

two_ask()
{
    [[ $(pgrep -cx edgeinit-ask) == 2 ]]
}

# killed_often: 50 daemons, and what the last of them shows. A profile is given up after ten seconds, and the service started:
# false if a daemon lived for so long, so that nothing of it counts.
killed_often()
{
    local i words=0 before count asked descriptors help starts
    up --manifest "$work/killed.json"
    wait_for 5 service_is parked state parked
    wait_for 5 all_asked
    before=$(service parked state cause reason remedy waits_for restarts)
    count=$(descriptors "$daemon")
    for ((i = 0; i < 50; i++)); do
        kill_daemon
        "$EDGEINIT" daemon --manifest "$work/killed.json" >>"$work/log" 2>&1 </dev/null &
        daemon=$!
        # At another moment each time: while it takes up, asks, waits.
        if ((i % 3 == 0)); then
            wait_for 10 "$EDGEINIT" status
            [[ $(service parked state cause reason remedy waits_for restarts) == "$before" ]] || words=$((words + 1))
        else
            sleep "0.0$((i % 10))"
        fi
    done
    wait_for 1 all_asked
    asked=$?
    wait_for 1 descriptors_are_back "$daemon" $((count + 1))
    descriptors=$?
    wait_for 1 two_ask
    help=$?
    starts="$(starts parked) $(starts judged) $(starts prepared)"
    ! grep -q 'within 10 s; going on without that\|ended without an answer' "$work/log" || return 1
    is "$words" 0 "after each of 50 deaths the parked one says the same words"
    is "$starts" '1 1 0' "and nobody was started"
    is "$asked" 0 "the others are asked for again"
    is "$descriptors" 0 "no descriptor is left over"
    is "$help" 0 "and no helper of the dead"
    return 0
}

stage_killed()
{
    local daemon took status try
    puppet
    fails
    manifest killed <<EOF2
{
  "version": 1,
  "services": {
    "parked": {"command": ["$work/fails", "parked", "x"], "profile": "edgecore"},
    "judged": {"command": ["$work/fails", "judged", "x"], "profile": "edgecore", "restart": {"delay": "0s"}},
    "prepared": {"command": ["$work/puppet", "prepared", "wait"], "profile": "dockerd"}
  }
}
EOF2
    says parked judge <<EOF2
hold park
code for-good
what what it is
remedy what to do
wake file-changed /data/x
wake network-changed
wake clock-changed
wake route default
EOF2
    says judged judge <<<'sleep 100'
    says prepared prepare <<<'sleep 100'
    for try in 1 2 3 4 5; do
        : >"$work/log"
        : >"$work/starts"
        killed_often && break
        diag "try $try: one of the daemons lived for ten seconds"
        down
        rm -rf /run/edgeinit
    done
    ok "in time" test "$try" -lt 5
    says judged judge </dev/null
    says prepared prepare </dev/null
    kill_daemon
    up --manifest "$work/killed.json"
    ok "a good answer in the end" wait_for 5 service_is prepared state ready
    ok "for both" wait_for 5 more_starts judged 1
    rm /run/edgeinit/services/parked/judgement
    kill_daemon
    up --manifest "$work/killed.json"
    ok "parked for reasons that are lost: tried again" wait_for 5 more_starts parked 1
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

stage_others()
{
    local daemon took status pid said
    puppet
    fails
    manifest others <<EOF2
{
  "version": 1,
  "services": {
    "below": {"command": ["$work/puppet", "below", "serve=7002"],
              "ready": {"tcp": "127.0.0.1:7002"}, "restart": {"delay": "10ms"},
              "alive": {"http": "http://127.0.0.1:7002/", "interval": "1h", "timeout": "60s", "failures": 3}},
    "above": {"command": ["$work/fails", "above", "docker does not answer"], "profile": "edgecore", "after": ["below"], "restart": {"delay": "10ms"}},
    "hurt": {"command": ["$work/puppet", "hurt", "serve=7003"], "after": ["below"], "restart": {"delay": "10ms"},
             "ready": {"http": ["http://127.0.0.1:7003/", "http://127.0.0.1:7003/again"]},
             "alive": {"http": ["http://127.0.0.1:7003/", "http://127.0.0.1:7002/"], "interval": "200ms", "timeout": "60s", "failures": 2}}
  }
}
EOF2
    says above judge <<EOF2
hold park
code docker-hangs
what docker does not answer
suspect below
EOF2
    up --manifest "$work/others.json"
    wait_for 5 service_is hurt state ready
    wait_for 5 service_is above state parked
    is "$(service above waits_for)" '["below to become ready"]' "it waits for the suspect"
    sleep 0.5
    is "$(starts above) $(service below restarts)" '1 0' "the suspect is well: nothing happens"
    diag "now it is not: both ask it"
    pid=$(service hurt pid)
    touch "$work/sick"
    ok "its own checks would have taken hours" wait_for 10 restarted below 1 || diag "$(<"$work/log")"
    rm "$work/sick"
    ok "the judged one is woken when it is ready again" wait_for 10 more_starts above 1
    wait_for 5 service_is hurt state ready
    is "$(service hurt restarts pid)" "0 $pid" "a service that comes after it was not punished"
    # Once for each time that the one below was found sick.
    said=$(grep -c 'hurt: its liveness checks fail .*, but below may be why' "$work/log")
    ok "which was said once" test "$said" -ge 1 -a "$said" -le "$(service below restarts)" || diag "$(<"$work/log")"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

# edge_manifest CLOUD
edge_manifest()
{
    manifest edge <<EOF2
{
  "version": 1,
  "edge": {"cloud": "$1"},
  "services": {
    "runs": {"command": ["$work/puppet", "runs", "wait"], "profile": "edgecore"},
    "other": {"command": ["$work/puppet", "other", "wait"], "profile": "dockerd"},
    "parked": {"command": ["$work/fails", "parked", "x"], "profile": "dockerd"}
  }
}
EOF2
}

stage_reload()
{
    local daemon took status seen=0
    puppet
    fails
    park_on parked "file /data/never"
    edge_manifest 10.0.0.5
    up --manifest "$work/edge.json"
    wait_for 5 service_is parked state parked
    wait_for 5 more_starts runs 0
    wait_for 5 more_starts other 0
    edge reload
    is "$status $(starts runs) $(starts other)" '0 1 1' "nothing has changed"
    ok "but what is parked is tried, for somebody did something" wait_for 5 more_starts parked 1
    edge_manifest 10.0.0.6
    edge reload
    ok "another cloud: whose configuration that is starts anew" wait_for 5 more_starts runs 1
    edge_manifest 10.0.0.7
    kill_daemon
    up --manifest "$work/edge.json"
    ok "also if it changed while there was no daemon" wait_for 5 more_starts runs 2
    wait_for 5 service_is runs state ready
    kill_daemon
    up --manifest "$work/edge.json"
    wait_for 5 service_is runs state ready
    sleep 0.3
    is "$(starts runs) $(starts other)" '3 1' "once, and nobody else"
    unlike "$(<"$work/log")" '10\.0\.0\.[567]' "what it says is nowhere in the log"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

# two_help PID: as many as services wait for the card
two_help()
{
    (($(helpers_of "$1" | wc -l) == 2))
}

# keeper_of NAME
keeper_of()
{
    pgrep -f "^edgeinit-keeper /run/edgeinit/services/$1 "
}

both_kept()
{
    [[ $(keeper_of engine) && $(keeper_of second) ]]
}

# The daemon, while its helpers are there: when the card has not come after ten seconds they are gone.
up_with_help()
{
    for _ in 1 2 3; do
        up --manifest "$work/expected.json"
        ! wait_for 1 two_help "$daemon" || return 0
        down
        rm -rf /run/edgeinit
    done
    return 1
}

# needs_card WORD: two services that wait for the card alone
needs_card()
{
    manifest expected <<EOF2
{
  "version": 1,
  "host": {"mounts": [{"target": "/mnt/card", "source": "/dev/late/card", "wait": "100s"}]},
  "services": {
    "engine": {"command": ["$work/puppet", "engine", "wait", "$1"], "profile": "dockerd", "needs": ["/mnt/card"]},
    "second": {"command": ["$work/puppet", "second", "wait", "$1"], "profile": "dockerd", "needs": ["/mnt/card"]}
  }
}
EOF2
}

card_comes()
{
    local number
    number=$(stat -c '%t %T' "$BOARD_CARD")
    mkdir -p /dev/late
    # shellcheck disable=SC2086 # major and minor
    mknod /dev/late/card b 0x${number% *} 0x${number#* }
}

card_goes()
{
    down
    umount /mnt/card
    rm -rf /dev/late /run/edgeinit "$work/asked"
}

# What a start takes is made while the resources are brought up, and is nothing that a start depends on.
stage_expected()
{
    local daemon took status pid
    puppet
    needs_card one
    up_with_help
    tap_result $? "who will prepare them is there before they are asked for" || diag "$(pgrep -a edgeinit)"
    is "$(service engine state cause) $(asked engine prepare)" 'waiting resources ' "and does nothing yet"
    ok "each has its keeper" wait_for 5 both_kept || diag "$(pgrep -af edgeinit-keeper)"
    card_comes
    wait_for 20 service_is engine state ready
    wait_for 20 service_is second state ready
    is "$(service engine state) $(service second state)" 'ready ready' "the card comes, and they start" || diag "$(<"$work/log")"
    is "$(asked engine prepare) $(asked second prepare)" '1 1' "prepared once"
    ok "nobody is left over" wait_for 5 nobody_helps
    card_goes

    diag "all of that is killed meanwhile"
    : >"$work/log"
    up_with_help
    for pid in $(helpers_of "$daemon") $(keeper_of engine) $(keeper_of second); do
        kill -KILL "$pid"
    done
    ok "nobody helps" wait_for 5 nobody_helps
    card_comes
    wait_for 20 service_is engine state ready
    wait_for 20 service_is second state ready
    is "$(service engine state) $(service second state)" 'ready ready' "they start all the same" || diag "$(<"$work/log")"
    is "$(asked engine prepare) $(asked second prepare)" '1 1' "prepared by others"
    card_goes

    diag "the daemon is killed meanwhile"
    : >"$work/log"
    up_with_help
    kill_daemon
    ok "who would have prepared them has ended with it" wait_for 5 nobody_helps
    up --manifest "$work/expected.json"
    card_comes
    wait_for 20 service_is engine state ready
    wait_for 20 service_is second state ready
    is "$(service engine state) $(service second state)" 'ready ready' "the next one starts them" || diag "$(<"$work/log")"
    is "$(asked engine prepare) $(asked second prepare)" '1 1' "prepared once"
    card_goes

    diag "the manifest changes meanwhile"
    : >"$work/log"
    up_with_help
    needs_card two
    edge reload --no-wait
    is "$status" 0 "reload"
    ok "those with the old one are gone" wait_for 5 nobody_helps
    card_comes
    wait_for 20 service_is engine state ready
    like "$(tr '\0' ' ' <"/proc/$(service engine pid)/cmdline")" ' two $' "the new one is started" || diag "$(<"$work/log")"
    card_goes

    diag "the card does not come"
    : >"$work/log"
    up_with_help
    ok "they are not kept for ever" wait_for 20 nobody_helps
    card_comes
    wait_for 20 service_is engine state ready
    is "$(service engine state) $(asked engine prepare)" 'ready 1' "and it starts when the card comes"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

on_board prepare
on_board expected
on_board judge
on_board wakes
on_board killed
on_board others
on_board reload
done_testing
