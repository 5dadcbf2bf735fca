#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The system ability (sa/) with a stand-in for OpenHarmony around it (ability/rig.cpp): what hidumper would get to read is what
# "edgeinit status" prints, byte for byte, for a process that may do nothing else; and whatever the daemon, the words or the
# reader are like, it is over in time and says what to do. Profile, .cfg, manifest and BUILD.gn of it fit together.
set -u
here=$(dirname "$(readlink -f "$0")")
sandbox=$here/../sandbox
# shellcheck source=tests/sandbox/edge.sh
source "$sandbox/edge.sh"
# shellcheck source=tests/sandbox/services.sh
source "$sandbox/services.sh"
ability=${EDGEINIT%/*}/ability

# What init gives the process by its .cfg.
powerless=(setpriv --reuid 6318 --regid 6318 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs)
stranger=(setpriv --reuid 6319 --regid 6319 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs)

# dump WORD...: what it wrote in $out, what its surroundings noticed in $err, exit code in $status
dump()
{
    out=$(timeout 60 "${as[@]}" "$ability" "$@" 2>"$work/err")
    status=$?
    err=$(<"$work/err")
}
as=()

# A board of OpenHarmony, as far as edgeinit asks: its run directory is then /dev/edgeinit.
openharmony()
{
    mkdir -p /system/bin /system/etc/edgeinit/conf.d
    : >/system/bin/init
    cat >/system/etc/edgeinit/edgeinit.json <<EOF
{"version": 1, "host": {"directories": ["/data/here"], "mounts": [{"target": "/data/card", "source": "/dev/nothing", "wait": "0s"}]},
 "services": {"steady": {"command": ["/bin/sleep", "1000"]},
              "failing": {"command": ["/bin/sh", "-c", "exit 7"], "restart": {"delay": "1h", "max_delay": "1h"}},
              "blocked": {"command": ["/data/card/x"]}}}
EOF
}

# The two within one tenth of a second: what is printed of times is then mostly equal.
same()
{
    local wanted got
    wanted=$("$EDGEINIT" status "$@")
    got=$("${as[@]}" "$ability" status "$@" 2>/dev/null)
    [[ $wanted && $got == "$wanted" ]]
}

same_but_for_times()
{
    diff <("$EDGEINIT" status --json | timeless) <("${as[@]}" "$ability" "status --json" 2>/dev/null | timeless)
}

timeless()
{
    sed -E 's/("[a-z_]*(_ms|_us)"): [0-9]+/\1: TIME/'
}

stage_answers()
{
    openharmony
    cp "$edge_root/sa/50-edgeinit-sa.json" /system/etc/edgeinit/conf.d/
    up
    wait_for 10 service_is failing state delayed
    is "$(stat -c %a /dev/edgeinit/control.sock)" 666 "with readers, the socket is reached by everybody"
    dump status
    is "$status ${err%%$'\n'*}" "0 EdgeinitAbility 126318 published" "registered, started, published, dumped"
    like "$out" '^! mount /data/card .* find device /dev/nothing: ' "what is wrong with the board is said"
    like "$out" 'failing +delayed .*exit code 7' "and with a service"
    like "$out" $'\nedgeinit: pid '"$daemon, up [^\n]*\$" "to the last line"
    ok "byte for byte what edgeinit status prints" wait_for 20 same
    ok "the same in JSON, but for the times" wait_for 5 same_but_for_times
    like "$err" 'asked to unload 126318, idle in a minute' "then it asks to be unloaded, in a minute"
    dump
    like "$out" $'\nedgeinit: pid ' "no word at all means status"

    diag "without any privilege"
    as=("${powerless[@]}")
    ok "byte for byte" wait_for 20 same
    ok "in JSON" wait_for 5 same_but_for_times
    for verb in stop start restart wait-ready; do
        timeout 20 "${as[@]}" "$EDGEINIT" $verb steady >"$work/refused" 2>&1
        is "$? $(<"$work/refused")" '1 edgeinit: error: you may ask "status" and nothing else: your group is "readers" of '\
'"control" in the manifest' "$verb is refused to a reader"
    done
    timeout 20 "${as[@]}" "$EDGEINIT" reload >"$work/refused" 2>&1
    is "$?" 1 "and reload"
    is "$(service steady state restarts)" "ready 0" "nothing has become of it"

    diag "of another group"
    as=("${stranger[@]}")
    dump status
    is "$status $out" '0 error: only root may ask the daemon, and whom the manifest names in "control"' "refused"
    as=()

    diag "the manifest names nobody"
    echo '{"version": 1}' >/system/etc/edgeinit/conf.d/50-edgeinit-sa.json
    "$EDGEINIT" reload
    as=("${powerless[@]}")
    dump status
    is "$status $out" '0 error: connect to /dev/edgeinit/control.sock: Permission denied; only root may ask the daemon, and '\
'whom the manifest names in "control"' "the socket is closed to others again"
    as=()
    down

    diag "no daemon"
    dump status
    is "$status $out" '0 error: no edgeinit daemon answers at /dev/edgeinit/control.sock; start it with "edgeinit daemon", or '\
'name its --run-dir' "that is said"
}

# fake MODE [FILE]: a daemon that does something else, in the background
fake()
{
    rm -f /dev/edgeinit/control.sock
    "$here/ability/daemon.py" "$@" </dev/null >"$work/asked" 2>&1 &
    fakes+=($!)
    wait_for 10 test -S /dev/edgeinit/control.sock
}

# dump_in_time WORD...: the same as dump; it gives up after eight seconds, and not much later
dump_in_time()
{
    local before=${EPOCHREALTIME/./} took
    dump "$@"
    took=$(((${EPOCHREALTIME/./} - before) / 1000))
    diag "$took ms"
    ok "not before its time" test "$took" -ge 7900
    ok "and not for ever" test "$took" -lt 50000
}

stage_odd()
{
    fakes=()
    openharmony
    diag "manifests of the image, then those of the board"
    echo '{"version": 1, "services": {"new": {"command": ["/x"]}}}' >/system/etc/edgeinit/conf.d/90-image.json
    up
    ok "conf.d of the image is read" test "$(service new state)"
    down
    mkdir -p /data/service/el1/public/edgeinit/conf.d
    echo '{"version": 1, "services": {"new": null}}' >/data/service/el1/public/edgeinit/conf.d/10-board.json
    up
    is "$(service new state)" '' "and that of the board after it, whatever their names"
    "$EDGEINIT" status --json >"$work/answer"
    down
    mkdir -p /dev/edgeinit

    diag "one and the same answer"
    fake answer "$work/answer"
    "$EDGEINIT" status >"$work/wanted"
    dump status
    is "$out" "$(<"$work/wanted")" "byte for byte"
    "$ability" status 2>/dev/null | cmp - "$work/wanted"
    is "$?" 0 "also the last newline"
    "$EDGEINIT" status --json >"$work/wanted"
    "$ability" "status --json" 2>/dev/null | cmp - "$work/wanted"
    is "$?" 0 "in JSON"
    "$ability" status --json 2>/dev/null | cmp - "$work/wanted"
    is "$?" 0 "in two words"
    is "$(TERM=xterm script -qec "$ability status 2>/dev/null" /dev/null | tr -d '\r' | cmp - <("$EDGEINIT" status) 2>&1)" '' \
        "no colour, not on a terminal either"

    diag "words"
    dump -h
    like "$out" 'status --json' "-h explains"
    for word in stop 'status x' '--json' 'Status' 'status --json now' $'sta\ttus' "stat\xfcs" ''; do
        dump "$word"
        case $word in
        '') like "$out" 'edgeinit: pid' 'an empty word is none' ;;
        *) like "$status $out" '^0 error: "[^ ]+" is nothing that can be asked here; known: status, status --json, -h$' \
            "refused: $(printf %q "$word")" ;;
        esac
    done
    dump $'\e[31m'"$(printf 'x%.0s' {1..100})"
    is "$out" 'error: "?[31mxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..." is nothing that can be asked here; known: status, status --json, -h' \
        "what somebody types does not reach a terminal as it is"
    dump --huge
    is "$status" 0 "20000 words of 5000 letters that are no ASCII"
    ok "are answered with one line" test "${#out}" -lt 200

    diag "readers"
    dump --no-reader status
    is "$status $out" '0 alive' "a reader that is gone does not end the process"
    fake large
    dump status
    ok "a large answer arrives" test "${#out}" -gt 200000
    diag "one that does not read"
    dump_in_time --deaf status
    like "$status ${out:0:100}" '^0 took [0-9]+$' "holds nobody up"

    diag "daemons"
    fake nonsense
    dump status
    is "$status $out" '0 error: the daemon went away before it answered' "an answer that is none"
    fake refuse
    dump status
    is "$status $out" '0 error: the board is upside down' "a refusal is handed on"
    fake endless
    dump status
    like "$status $out" "^0 error: the daemon's answer is larger than 4 MiB" "an answer without an end"
    fake silent
    diag "one that does not answer"
    dump_in_time status
    like "$status $out" '^0 error: the daemon has not answered in time; ' "and it is said"
    mkfifo "$work/go"
    "$ability" --twice status <"$work/go" >"$work/second" 2>/dev/null &
    second=$!
    exec 3>"$work/go"
    : >"$work/asked"
    wait_for 10 grep -q status "$work/asked"
    echo go >&3
    exec 3>&-
    wait_for 5 test -s "$work/second"
    is "$(head -n 1 "$work/second")" 'error: another dump is under way; ask again' "one at a time"
    wait "$second"
    is "$?" 0 "the first comes to its end"
    fake full
    diag "one that takes no connection"
    dump_in_time status
    like "$status $out" '^0 error: the daemon at .* has taken no connection in time; ' "and it is said"

    diag "before 4.0"
    ability=${ability}-3
    fake answer "$work/answer"
    "$ability" status 2>"$work/err" | cmp - <("$EDGEINIT" status)
    is "$? $(<"$work/err")" '0 EdgeinitAbility 126318 published' "the same; nobody is asked to unload it, for nobody can"
    kill "${fakes[@]}" 2>/dev/null
}

if [[ ! -x $ability ]]; then
    printf '1..0 # SKIP no ability beside this edgeinit\n'
    exit 0
fi
on_board answers
on_board odd
diag "what is shipped"
while IFS= read -r line; do
    ok "${line#* }" test "${line%% *}" = ok
done < <("$here/ability/files.py")
done_testing
