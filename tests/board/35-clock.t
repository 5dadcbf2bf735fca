#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A board without a battery wakes up in 1970. What waits for the clock goes on when it is set, at that instant: a service with
# a condition, a node that must not try to join before the day when edgeinit was built, and one for whose clock the cloud's
# certificate is of the future. The edgecore is the stand-in (tests/edgecore), without containers; the cloud's side of the join
# answers from this PC. Nothing else could wake them: no pause in here ends within ten minutes.

# shellcheck disable=SC2154 # dir, patience and their like come from lib.sh
# shellcheck disable=SC2317 # functions called by wait_for
set -uo pipefail
# The board sees the ports of the PC: of a network of its own, so nobody else's are in the way.
if [[ ! ${CLOCK_INSIDE:-} ]]; then
    as_root=()
    ((EUID == 0)) || as_root=(--map-root-user)
    exec unshare "${as_root[@]}" --net env CLOCK_INSIDE=1 "$0" "$@"
fi
# shellcheck source=lib.sh
source "$(dirname "$(readlink -f "$0")")/lib.sh"
cloud=$board_root/tests/edgecore/cloud
tmp=$dir/data/local/tmp

# node KEY: of status --json
node()
{
    on edgeinit status --json | /usr/bin/python3 -I -c 'import json, sys; print(json.load(sys.stdin)["node"].get(sys.argv[1], ""))' \
        "$1" 2>/dev/null
}

# held CODE: is edgecore parked for this reason?
held()
{
    [[ $(node code) == "$1" && $(service edgecore state) == parked ]]
}

# How often edgecore was executed: it says its version first.
executions()
{
    on edgeinit logs -n 1000 edgecore | grep -c 'Version: v1\.'
}

executed()
{
    (($(executions) >= $1))
}

# set_clock DATE: of the board; when that was, in its own seconds since boot, in $set_at
set_clock()
{
    set_at=$(on "cut -d' ' -f1 /proc/uptime; date -u -s '$1' >/dev/null" | head -n 1)
}

# later PID: how long after the clock was set this process was executed, milliseconds
later()
{
    on "cut -d' ' -f22 /proc/$1/stat" | awk -v at="$set_at" '{ printf "%d", $1 * 10 - at * 1000 }'
}

ip link set lo up
"$cloud" init "$dir/cloud" --address 10.0.2.2 --valid 20400101000000Z:20500101000000Z
"$cloud" serve "$dir/cloud" --address 127.0.0.1 >"$dir/cloud.log" 2>&1 </dev/null &
cloud_pid=$!
trap 'kill "$cloud_pid"; finish' EXIT
"$cloud" token "$dir/cloud" --hours 200000 >"$tmp/token"
chmod 600 "$tmp/token"
install -m 755 "$board_root/out/arm64/edgecore" "$tmp/edgecore"
echo 'date -u -s @1000000' >"$tmp/at-boot"
shipped dayu200
overlay 20-edge <"$board_root/cfg/boards/dayu200-edge.json"
overlay 50-edgecore <"$board_root/cfg/edgecore.json"
overlay 60-edge <<'EOF'
{
  "version": 1,
  "edge": {"cloud": "10.0.2.2", "node": "edge-07", "address": "10.0.2.15", "token_file": "/data/local/tmp/token",
           "merge": {"modules": {"edged": {"enable": false}}}},
  "services": {
    "dockerd": null,
    "dated": {"command": ["/system/bin/sleep", "100000"], "conditions": [{"clock": "2030-01-01"}]},
    "edgecore": {"command": ["/data/local/tmp/edgecore", "--config", "/etc/kubeedge/config/edgecore.yaml"],
                 "after": [], "stat_filter": "never", "ready": null, "alive": null}
  }
}
EOF

ok "it boots" boot --net --append board.docker || console
on 'ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2'
like "$(on date -u +%Y)" '^1970$' "in 1970"
ok "a service waits for a day" wait_for "$patience" service_is dated state waiting || diag "$(on edgeinit status)"
ok "the node waits for its clock" wait_for "$patience" held clock || diag "$(on edgeinit status)" "$(console | tail)"
is "$(executions)" 0 "edgecore was not executed"

diag "set to today"
set_clock "$(date -u '+%Y-%m-%d %H:%M:%S')"
ok "edgecore is executed" wait_for "$patience" executed 1 || diag "$(on edgeinit status)"
ok "the cloud's certificate is not valid yet" wait_for "$patience" held certificate-not-yet-valid ||
    diag "$(on edgeinit status)" "$(on edgeinit logs -n 5 edgecore)"
like "$(node remedy)" 'date -s' "and what to do"
is "$(service dated state)" waiting "the day of the other has not come"

diag "set forth, and not far enough"
before=$(executions)
set_clock '2039-12-31 00:00:00'
ok "the day has come" wait_for "$patience" service_is dated state ready
diag "executed $(later "$(service dated pid)") ms after the clock was set"
ok "edgecore tried again" wait_for "$patience" executed $((before + 1))
ok "and waits again" wait_for "$patience" held certificate-not-yet-valid || diag "$(on edgeinit status)"

diag "set right"
set_clock '2041-01-01 00:00:00'
ok "edgecore runs" wait_for "$patience" service_is edgecore state ready || diag "$(on edgeinit status)"
diag "executed $(later "$(service edgecore pid)") ms after the clock was set"
ok "the node has joined" wait_for "$patience" grep -q '^/edge.crt .* 200$' "$dir/cloud/asked" ||
    diag "$(cat "$dir/cloud/asked")" "$(on edgeinit logs -n 5 edgecore)"
ok "its version is in its log" wait_for "$patience" executed $((before + 2))
is "$(service edgecore restarts)" "$(($(executions) - 1))" "nothing but the clock started it"
is "$(executions)" $((before + 2)) "once for each time that it was set"
done_testing
