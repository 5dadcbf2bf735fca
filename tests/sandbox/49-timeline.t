#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
#
# edgeinit timeline with the real daemon: the critical path of a board whose card comes late, a daemon that is killed in the
# middle, boots that are kept and compared, and a state directory that cannot take them. Another boot is another boot id:
# a file is bound over the kernel's.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"

kept=/data/service/el1/public/edgeinit/timeline

# the_boot N: from now on it is this boot
the_boot()
{
    printf '%08d-0000-4000-8000-000000000000\n' "$1" >"$work/boot_id"
    mountpoint -q /proc/sys/kernel/random/boot_id || mount --bind "$work/boot_id" /proc/sys/kernel/random/boot_id
}

# timeline EXPRESSION: of timeline --json, as Python sees it in "d"; item(NAME) is one of the items, path() the critical path
# as far as it took more than some milliseconds of the card and the services
timeline()
{
    "$EDGEINIT" timeline --json "${@:2}" >"$work/timeline.json" 2>"$work/err" || return
    /usr/bin/python3 -I -c '
import json, sys
d = json.load(open(sys.argv[2]))
def item(name):
    return next(i for i in d["items"] if i["name"] == name)
def path():
    return [s["name"] for s in d["critical_path"] if s["name"] in ("mount /mnt/card", "first", "second") and s["to_us"] - s["from_us"] > 10000]
result = eval("(" + sys.argv[1] + ")")
print(result if isinstance(result, str) else json.dumps(result, sort_keys=True))' "$1" "$work/timeline.json"
}

is_kept()
{
    [[ $(find "$kept" -name '[0-9]*' 2>/dev/null | wc -l) == "$1" ]]
}

records()
{
    echo $(($(stat -c %s /run/edgeinit/timeline) / 64))
}

# A board with a card, a service on it, one that comes after that, and one that needs neither. first.pause says how long
# the first takes.
usual()
{
    puppet
    program slow <<EOF2
#!/bin/bash
exec "$work/puppet" first "sleep=\$(<"$work/first.pause")" say=READY=1 wait
EOF2
    echo 0.3 >"$work/first.pause"
    manifest usual <<EOF2
{
  "version": 1,
  "host": {
    "directories": ["/data/a", "/mnt/card"],
    "mounts": [{"target": "/mnt/card", "source": "LABEL=edgecard", "wait": "20s"}],
    "files": [{"path": "/mnt/card/x", "lines": ["x"]}],
    "sysctls": {"net.ipv4.ip_forward": "1"}
  },
  "services": {
    "free": {"command": ["$work/puppet", "free", "wait"], "needs": ["/data/a"]},
    "first": {"command": ["$work/slow"], "needs": ["/mnt/card"], "ready": {"notify": true}},
    "second": {"command": ["$work/puppet", "second", "sleep=0.4", "say=READY=1", "wait"], "after": ["first"],
               "ready": {"notify": true}}
  }
}
EOF2
}

# told COUNT: has the log told that often that the card is waited for?
told()
{
    (($(grep -c 'waiting: find device' "$work/log") >= $1))
}

# The card is away until the test puts it back.
stage_late()
{
    local daemon writes longest
    usual
    card_away
    edge timeline
    is "$status $err" '1 edgeinit: error: there is no timeline yet; the daemon writes it: "edgeinit daemon"; or name its --run-dir and --state-dir' \
        "before there was a daemon: nothing, and what to do"
    up --manifest "$work/usual.json"
    wait_for 10 grep -q '^free ' "$work/starts"
    diag "while it is under way"
    is "$(timeline 'd["under_way"], d["ready"], path()[-1]')" '[true, false, "mount /mnt/card"]' "it leads to the card" ||
        diag "$(<"$work/timeline.json")"
    edge timeline
    like "$out" '^Not ready yet, .*mount /mnt/card +\| *\.\.+.* not done' "also as text" || diag "$out"
    ok "nothing is kept so far" test ! -e "$kept"
    sleep 3 # longer than what comes after it, unless the machine is very busy
    card_back
    edge wait-ready --timeout 240s
    is "$status" 0 "it becomes ready"

    diag "the critical path"
    edge timeline
    is "$status" 0 "the verb"
    longest=$(timeline 'max((s["to_us"] - s["from_us"], s["name"]) for s in d["critical_path"] if s["name"] in ("mount /mnt/card", "first", "second"))[1]')
    like "$out" "Longest step: $longest, [0-9.]+ m?s" "the longest step is named" || diag "$out"
    [[ $longest != 'mount /mnt/card' ]] ||
        like "$out" $'Longest step: mount /mnt/card, [0-9.]+ s \(waiting: find device LABEL=edgecard\)' "the card" || diag "$out"
    like "$out" $'\n\\* mount /mnt/card +\|.*\n(.*\n)*\\* first .*\n\\* second ' "and marked, with what waited for it" || diag "$out"
    like "$out" $'\n  free ' "what did not wait is not"
    is "$(timeline 'path()')" '["mount /mnt/card", "first", "second"]' "step by step"
    is "$(timeline 'd["ready"], d["under_way"], d["damaged_records"], d["daemon_restarts_us"]')" '[true, false, 0, []]' "it is over"
    is "$(timeline 'sum(d["spent_us"].values()) == d["end_us"] == d["critical_path"][-1]["to_us"]')" true \
        "its parts sum up to the whole"
    is "$(timeline 'item("mount /mnt/card")["in_worker"], item("mount /mnt/card")["waited_us"] > 1000000,
        item("mount /mnt/card")["detail"], item("file /mnt/card/x")["needs"]')" \
        '[true, true, "find device LABEL=edgecard", ["mount /mnt/card"]]' "what is known of the card"
    is "$(timeline 'item("mount /mnt/card")["cpu_user_us"] + item("mount /mnt/card")["cpu_system_us"] > 0,
        d["cpu_us"]["apply_user"] + d["cpu_us"]["apply_system"] >= sum(i["cpu_user_us"] + i["cpu_system_us"]
        for i in d["items"] if i["kind"] == "resource")')" '[true, true]' "CPU time, of each and of all"
    is "$(timeline 'item("first")["began_us"] <= item("first")["executed_us"] < item("first")["ended_us"] <= item("second")["began_us"]')" \
        true "the services' moments are in order"
    is "$(timeline '290000 < item("first")["ended_us"] - item("first")["executed_us"] < 60000000')" true "and as long as they took"

    diag "forms"
    COLUMNS=60 edge timeline
    ok "as wide as COLUMNS says" test "$(grep '|' <<<"$out" | awk '{print length}' | sort -n | tail -n 1)" = 60
    unlike "$out" $'\033' "no colour in a pipe"
    like "$(TERM=xterm script -qec "$EDGEINIT timeline" /dev/null)" $'\033\\[33m\.' "colour on a terminal"
    unlike "$(NO_COLOR=1 TERM=xterm script -qec "$EDGEINIT timeline" /dev/null)" $'\033' "none with NO_COLOR"
    edge timeline --svg "$work/x.svg"
    is "$status$out" 0 "a picture"
    ok "is XML without scripts" /usr/bin/python3 -I -c 'import sys, xml.etree.ElementTree as t
names = {e.tag.split("}")[1] for e in t.parse(sys.argv[1]).iter()}
assert names == {"svg", "style", "rect", "text", "title", "line", "path"}, names' "$work/x.svg"
    is "$("$EDGEINIT" timeline --svg - | cksum)" "$(cksum <"$work/x.svg")" "also to stdout"
    edge timeline --svg "$work/nosuch/x.svg"
    is "$status $err" "1 edgeinit: error: write $work/nosuch/x.svg: No such file or directory" "where it cannot be written"
    edge timeline --boot 1
    is "$status $err" '1 edgeinit: error: there is no boot 1; only boot 0 is known' "another boot there is not"
    edge timeline --boot x
    is "$status" 64 "no number"
    edge timeline 1
    is "$status" 64 "numbers only with --compare"
    edge timeline --compare --svg "$work/y.svg"
    is "$status" 64 "no picture of two"
    edge timeline --compare
    is "$status" 1 "nothing to compare with"

    diag "what it costs"
    ok "it is kept" wait_for 10 is_kept 1
    ok "in a file of less than 4 kB" test "$(stat -c %s "$kept/1")" -lt 4096 || diag "$(stat -c %s "$kept/1")"
    is "$(stat -c %a "$kept/1" /run/edgeinit/timeline | tr '\n' ' ')" '600 600 ' "for root alone"
    diag "$(records) records, $(stat -c %s "$kept/1") bytes kept"
    writes=$(records)
    kill -KILL "$(service free pid)"
    wait_for 10 restarted free 1
    wait_for 10 service_is free state ready
    is "$(records)" "$writes" "nothing is noted after it was ready"
    kill_daemon
    up --manifest "$work/usual.json"
    edge wait-ready --timeout 240s
    is "$(records)" "$((writes + 1))" "a daemon that comes back adds a mark"
    is "$(timeline 'd["daemon_restarts_us"]')" '[]' "which is not part of the boot"
    down
    is "$status" 0 "SIGTERM: exit code 0"
    is "$(timeline 'd["ready"], path()[-1]')" '[true, "second"]' "needs no daemon"
    rm /run/edgeinit/timeline
    is "$(timeline 'd["ready"], path()[-1]')" '[true, "second"]' "and not even this boot"
}

# The daemon is killed while it waits for the card, twice.
stage_killed()
{
    local daemon
    usual
    card_away
    up --manifest "$work/usual.json"
    wait_for 10 told 1
    kill_daemon
    up --manifest "$work/usual.json"
    wait_for 10 told 2
    kill_daemon
    # Killed in the middle of a record, as no kernel does it.
    printf 'torn' >>/run/edgeinit/timeline
    up --manifest "$work/usual.json"
    card_back
    edge wait-ready --timeout 240s
    is "$status" 0 "it becomes ready"
    is "$(timeline 'len(d["daemon_restarts_us"]), d["damaged_records"]')" '[2, 0]' "the restarts are marked, and no record is lost"
    is "$(timeline 'path()')" '["mount /mnt/card", "first", "second"]' "the critical path is the same"
    is "$(timeline 'item("directory /data/a")["state"], item("directory /data/a")["ended_us"] < d["daemon_restarts_us"][0]')" \
        '["applied", true]' "what was done before is known"
    is "$(timeline 'item("mount /mnt/card")["began_us"] < d["daemon_restarts_us"][0]')" true "and since when the card was waited for"
    edge timeline
    is "$(grep -c 'the daemon was restarted at' <<<"$out")" 2 "the text says it, too" || diag "$out"
    down
}

stage_boots()
{
    local daemon i
    usual
    the_boot 1
    up --manifest "$work/usual.json"
    edge wait-ready --timeout 240s
    wait_for 10 is_kept 1
    down
    # The run directory of a boot before, as it cannot be on a tmpfs: not this boot's.
    the_boot 2
    edge timeline
    is "$status $(timeline 'd["boot"], d["boot_id"][:8]')" '0 [0, "00000001"]' "before the daemon runs, the boot before is the newest"
    echo 8 >"$work/first.pause"
    up --manifest "$work/usual.json"
    edge wait-ready --timeout 240s
    wait_for 10 is_kept 2
    is "$(timeline 'd["boot"], d["boot_id"][:8], d["ready"]') $(timeline 'd["boot"], d["boot_id"][:8]' --boot 1)" \
        '[0, "00000002", true] [1, "00000001"]' "then this one"
    edge timeline --compare
    is "$status" 2 "--compare: exit code 2, something got slower"
    like "$out" $'\n  slower +first +[0-9.]+ s, was +[0-9.]+ m?s \(\+[0-9.]+ s; programs starting\)(\n|$)' "it names the slower one" || diag "$out"
    edge timeline --compare 1 0 --json
    is "$(json 'd["slower"], d["before"], d["after"], [x["mostly"] for x in d["differences"] if x["name"] == "first" and x["difference"] == "slower"]' <<<"$out")" \
        '[true, 1, 0, ["start"]]' "as JSON" || diag "$out"
    is "$(json '[x for x in d["differences"] if x["name"] == "second" and x["after_us"] - x["before_us"] > 7500000]' <<<"$out")" '[]' \
        "the one that had to wait for it is not blamed" || diag "$out"
    edge timeline --compare 0 0
    is "$status" 64 "a boot with itself: no"
    edge timeline --compare 7
    is "$status $err" '1 edgeinit: error: there is no boot 7; known are 0 (the newest) to 1' "nor with one that is not known"
    down

    diag "so many are kept as the manifest says"
    manifest two <<<'{"version": 1, "timeline": {"boots": 2}}'
    for i in 3 4; do
        the_boot "$i"
        up --manifest "$work/usual.json" --manifest "$work/two.json"
        edge wait-ready --timeout 240s
        wait_for 10 test -e "$kept/$i"
        down
    done
    is "$(cd "$kept" && echo *)" '3 4' "the newest"

    diag "what is damaged"
    printf 'x' | dd of="$kept/3" bs=1 seek=200 conv=notrunc status=none
    echo junk >"$kept/5"
    edge timeline --boot 0
    is "$status" 0 "the others are shown"
    is "$err" "edgeinit: warning: $kept/5: it is no timeline; nothing but that boot's history is lost; remove the file
edgeinit: warning: $kept/3: it is damaged; nothing but that boot's history is lost; remove the file" "and it is said"
    dd if=/dev/urandom of=/run/edgeinit/timeline bs=64 count=10 status=none
    edge timeline
    is "$status $(head -n 1 <<<"$err")" '0 edgeinit: warning: /run/edgeinit/timeline is damaged: its beginning is missing' "this boot's, too"
    manifest none <<<'{"version": 1, "timeline": {"boots": 0}}'
    the_boot 6
    up --manifest "$work/usual.json" --manifest "$work/none.json"
    edge wait-ready --timeout 240s
    is "$status $(timeline 'd["boot_id"][:8], d["ready"]')" '0 ["00000006", true]' "none is to be kept: it is shown"
    down
    is "$(cd "$kept" && echo *)" '3 4 5' "and nothing written"
}

# full_or_not NAME: whatever the state directory is like, the board comes up
full_or_not()
{
    the_boot "$1"
    : >"$work/log"
    up --manifest "$work/usual.json"
    edge wait-ready --timeout 240s
    is "$status" 0 "$2: it becomes ready"
    ok "$2: said" wait_for 10 grep -q 'the timeline of this boot cannot be kept: ' "$work/log"
    is "$(timeline 'd["ready"]')" true "$2: and shown from the run directory"
    like "$(grep 'cannot be kept' "$work/log")" "$3" "$2: with the reason" || diag "$(<"$work/log")"
    down
    is "$status" 0 "$2: SIGTERM: exit code 0"
}

stage_refused()
{
    local daemon
    usual
    mkdir -p /data/service/el1/public/edgeinit
    mount -t tmpfs -o size=64k full /data/service/el1/public/edgeinit
    dd if=/dev/zero of=/data/service/el1/public/edgeinit/fill bs=4k status=none 2>/dev/null
    full_or_not 1 "a full disk" 'No space left on device'
    mount -o remount,ro /data/service/el1/public/edgeinit
    full_or_not 2 "a read-only one" 'Read-only file system'
    umount /data/service/el1/public/edgeinit
    rm -rf /data/service/el1/public/edgeinit
    echo >/data/service/el1/public/edgeinit
    full_or_not 3 "a file in its place" '(Not a directory|a file or a symlink)'
}

# What never becomes ready is kept when the daemon ends.
stage_never()
{
    local daemon
    puppet
    manifest never <<EOF2
{"version": 1, "host": {"mounts": [{"target": "/mnt/card", "source": "LABEL=nosuch", "wait": "200ms"}]},
 "services": {"on": {"command": ["$work/puppet", "on", "wait"], "needs": ["/mnt/card"]},
              "bad": {"command": ["/bin/false"], "restart": {"delay": "1ms", "max_delay": "1ms"}}}}
EOF2
    up --manifest "$work/never.json"
    wait_for 10 service_is on state blocked
    ok "a service that fails without end" wait_for 30 restarted bad 100
    down
    ok "it is kept when the daemon ends" wait_for 10 is_kept 1
    is "$(timeline 'd["ready"], d["under_way"], item("mount /mnt/card")["state"], item("on")["state"]')" \
        '[false, false, "failed", "blocked"]' "with what failed"
    like "$(timeline 'item("mount /mnt/card")["detail"]')" 'LABEL=nosuch' "and why"
    ok "its failures do not fill the file" test "$(records)" -lt 150 || diag "$(records)"
    edge timeline
    like "$out" $'^Was not ready .*mount /mnt/card .* failed\n' "the text says so" || diag "$out"
    like "$out" $'\n. on .* blocked\n' "of the service as well" || diag "$out"
}

on_board late
on_board killed
on_board boots
on_board refused
on_board never
done_testing
