#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The SD card is late, pulled out, put back, replaced: by the kernel's own mmc stack. A service that writes on it all the
# time stands for dockerd, one that comes after it for edgecore; both note when they start and end.

# shellcheck disable=SC2154 # dir, patience and their like come from lib.sh
set -uo pipefail
# shellcheck source=lib.sh
source "$(dirname "$(readlink -f "$0")")/lib.sh"

shipped dayu200
cat >"$dir/data/local/tmp/writer" <<'EOF'
#!/bin/sh
# writer NAME: notes its start and its end, is ready when it has, and writes below /mnt/f2fs all the time
note() { echo "$1 $2" >>/data/notes; }
note start $1
trap 'rm -f /dev/$1.ready; note stop $1; exit 0' TERM
: >/dev/$1.ready
while :; do
    echo x 2>/dev/null >>/mnt/f2fs/$1
    sleep 0.1
done
EOF
chmod 755 "$dir/data/local/tmp/writer"
overlay 20-services <<'EOF'
{"version": 1, "services": {
    "dockerd": null,
    "docker": {"command": ["/data/local/tmp/writer", "docker"], "needs": ["/mnt/f2fs"], "ready": {"file": "/dev/docker.ready"},
               "restart": {"delay": "200ms"}, "stop": {"timeout": "5m"}},
    "edge": {"command": ["/data/local/tmp/writer", "edge"], "after": ["docker"], "ready": {"file": "/dev/edge.ready"},
             "restart": {"delay": "200ms"}, "stop": {"timeout": "5m"}},
    "other": {"command": ["/system/bin/sleep", "100000"]}
}}
EOF

notes()
{
    on 'cat /data/notes; rm -f /data/notes' | tr '\n' ';'
}

# What is in the directory under all that is mounted on it. A bind of the tmpfs on /mnt does not show what lies over it.
bare()
{
    on 'mkdir -p /dev/bare && mount --bind /mnt /dev/bare && ls -A /dev/bare/f2fs; umount /dev/bare'
}

diag "no card at boot; it comes after 20 seconds"
ok "boot" boot --card none || console
ok "what needs no card runs" wait_for "$patience" service_is other state ready
is "$(service docker state cause)" 'waiting resources' "what needs it waits"
like "$(on edgeinit status)" 'mount /mnt/f2fs +/dev/block/mmcblk0p1 is not there yet; waits' "status says for what" || diag "$(on edgeinit status)"
# No bound on time is tested by this: the manifest's 30 s are counted on the board.
sleep 15
card in
ok "the card comes, and the services start" wait_for "$patience" service_is edge state ready
is "$(notes)" 'start docker;start edge;' "in order"
is "$(resources_left)" '' "all in place"

diag "pulled out while they run"
other=$(service other pid)
card out
ok "they are stopped" wait_for "$patience" service_is docker state waiting || diag "$(on edgeinit status)"
is "$(notes)" 'stop edge;stop docker;' "the later one first"
is "$(bare)" '' "nothing was written into the bare directory"
is "$(service other pid restarts)" "$other 0" "what needs no card runs on"
told 'error: mount /mnt/f2fs: its device is gone' "the log says why"
unlike "$(on 'echo x >/mnt/f2fs/x' 2>&1)" '^$' "nobody else can write there either"

diag "put back"
card in
ok "they start again" wait_for "$patience" service_is edge state ready || diag "$(on edgeinit status; console | tail -20)"
is "$(notes)" 'start docker;start edge;' "in order"
is "$(resources_left)" '' "all in place"
is "$(on 'grep -c " /mnt/f2fs " /proc/mounts')" 1 "the card alone is mounted there: no cover, and nothing of the dead one"
ok "and it can be written" on 'echo x >/mnt/f2fs/y && sync'

diag "pulled out, and edgeinit killed at that moment; put back at once"
card out
on 'kill -9 $(pidof edgeinit)'
wait_for "$patience" on edgeinit status
card in
ok "they run again" wait_for "$patience" on '[ "$(grep -c "^start" /data/notes)" = 2 ] && edgeinit wait-ready --timeout 5s' ||
    diag "$(on 'edgeinit status; cat /data/notes; grep f2fs /proc/mounts'; console | tail -20)"
is "$(notes)" 'stop edge;stop docker;start docker;start edge;' "stopped and started in order"
is "$(bare)" '' "nothing in the bare directory"

diag "it stays away for longer than the manifest waits; then it comes"
on 'echo "{\"version\": 1, \"host\": {\"mounts\": [{\"target\": \"/mnt/f2fs\", \"source\": \"/dev/block/mmcblk0p1\", \"type\": \"f2fs\", \"wait\": \"1s\"}]}}" \
    >/data/service/el1/public/edgeinit/conf.d/30-short.json' # the card alone, and little patience
on edgeinit reload
card out
ok "blocked" wait_for "$patience" service_is docker state blocked || diag "$(on edgeinit status)"
card in
ok "comes, without anybody asking for it" wait_for "$patience" service_is edge state ready || diag "$(on edgeinit status; console | tail)"

done_testing
