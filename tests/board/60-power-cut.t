#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The power is cut at CUTS random instants (50): during bring-up, and while the manifest changes and is read anew all the time.
# After each: the board comes up, and every file that edgeinit writes is as it was before or after, whole.
#
# What "cut" means here: QEMU is killed. /data is a disk with a volatile cache: of what was not flushed each block of 4096 bytes
# is lost by chance, in any order (tests/board/lossy says why not each sector; 59-lossy.t tests it). The card has no cache that
# the guest could flush, as by the SD specification, and keeps what it was told; so does the root, which is written in remount
# windows only. What a real card may do beyond that, lose blocks that it had acknowledged or that nobody wrote, is not shown
# by this.

# shellcheck disable=SC2154 # dir, patience and their like come from lib.sh
set -uo pipefail
# shellcheck source=lib.sh
source "$(dirname "$(readlink -f "$0")")/lib.sh"
cuts=${CUTS:-50}
RANDOM=${SEED:=$RANDOM}
diag "SEED=$SEED gives the same instants"

shipped dayu200
# Larger than two blocks: half of it would show.
pad=$(printf 'x%.0s' {1..9000})
overlay 20-services <<EOF
{"version": 1,
 "host": {"files": [
    {"path": "/etc/hosts", "lines": ["127.0.0.1 localhost"], "remount": true},
    {"path": "/etc/docker/daemon.json", "json": {"first": 0, "pad": "$pad", "last": 0}},
    {"path": "/usr/lib/os-release", "when": "absent", "text": "NAME=OpenHarmony\nID=openharmony\nVERSION_ID=3.1\n"}]},
 "services": {"dockerd": null, "steady": {"command": ["/system/bin/sleep", "100000"], "needs": ["/mnt/f2fs", "/etc/docker"]}}}
EOF
# What is there before edgeinit sees it; then some of it has to be made anew, at every second boot.
cat >"$dir/data/local/tmp/at-boot" <<'EOF'
mkdir -p /dev/found
cp /data/etc/docker/daemon.json /data/usr/lib/os-release /system/etc/cgroups.json /system/etc/hosts /dev/found 2>/dev/null
if [ -e /data/local/tmp/odd ]; then
    rm -f /data/etc/docker/daemon.json /data/usr/lib/os-release /data/local/tmp/odd
else
    touch /data/local/tmp/odd
fi
EOF
cat >"$dir/data/local/tmp/churn" <<'EOF'
#!/bin/sh
# Changes the manifest and has it read anew, for ever.
overlay=/data/service/el1/public/edgeinit/conf.d/20-services.json
n=$(($(sed -n 's/.*"first": \([0-9]*\).*/\1/p' $overlay) + 1))
while :; do
    sed "s/\"first\": [0-9]*/\"first\": $n/; s/\"last\": [0-9]*/\"last\": $n/" $overlay >/data/local/tmp/next
    sync # the manifest must be whole: it is not edgeinit's
    mv /data/local/tmp/next $overlay
    edgeinit reload
    n=$((n + 1))
done
EOF

# whole: of what was found, what is not as edgeinit writes it. Nothing of it may be missing in part.
whole()
{
    on 'echo found; cd /dev/found && for file in *; do [ ! -e $file ] || { echo "== $file"; cat $file; echo; }; done' >"$dir/found"
    /usr/bin/python3 -I - "$dir/found" <<'EOF'
import json, re, sys
text = open(sys.argv[1]).read()
if not text.startswith("found\n"):
    print("nobody could look at what was found")
for name, content in re.findall(r"^== (\S+)\n(.*?)(?=^== |\Z)", text, flags=re.M | re.S):
    try:
        if name == "daemon.json":
            document = json.loads(content)
            good = document["first"] == document["last"] and document["pad"] == "x" * 9000
        elif name == "cgroups.json":
            good = len(json.loads(content)["Cgroups"]) == 14
        elif name == "hosts":
            good = "127.0.0.1 localhost\n" in content
        else:
            good = content.strip() == "NAME=OpenHarmony\nID=openharmony\nVERSION_ID=3.1"
    except (ValueError, KeyError):
        good = False
    if not good:
        print(f"{name}: {len(content)} bytes: {content[:60]!r} ... {content[-60:]!r}")
EOF
}

# milliseconds FROM TO: a random pause
pause()
{
    local time=$(($1 + RANDOM * ($2 - $1) / 32768))
    sleep "$((time / 1000)).$(printf %03d $((time % 1000)))"
}

good=0
lost=0
vm start --data "$dir/data" --lossy
for ((i = 1; i <= cuts; i++)); do
    if ((i % 2)); then
        # During bring-up: of another boot than the one that showed that the last cut did no harm.
        if ((i > 1)); then
            vm off "$patience"
            : >"$dir/board/console"
            vm start --again --lossy
        fi
        vm wait "$patience" "$started" >/dev/null
        pause 0 2500
    elif answers; then
        on 'sh /data/local/tmp/churn >/dev/null 2>&1 &'
        pause 0 2500
    fi
    vm cut
    lost=$((lost + $(sed 's/.*, \([0-9]*\) of.*/\1/' "$dir/board/data.img.cut")))
    : >"$dir/board/console"
    vm start --again --lossy
    problem=''
    answers || problem='does not answer'
    [[ $problem ]] || on edgeinit wait-ready --timeout "${patience}s" >/dev/null || problem="is not ready: $(on edgeinit status)"
    [[ $problem ]] || problem=$(whole)
    [[ $problem ]] || problem=$(resources_left)
    [[ $problem ]] || problem=$(on "dmesg | grep 'EXT4-fs error'")
    if [[ $problem ]]; then
        diag "after cut $i: $problem" "$(console)"
    else
        good=$((good + 1))
    fi
    ((i % 10)) || diag "$good of $i good; $lost blocks lost so far"
done
is "$good of $cuts" "$cuts of $cuts" "after every cut the board comes up, and what edgeinit writes is whole"
ok "control: cuts have lost something ($lost blocks)" test "$lost" -gt 0
# Each change of the manifest is a number.
changes=$(on 'sed -n "s/.*first[^0-9]*\([0-9]*\).*/\1/p" /data/service/el1/public/edgeinit/conf.d/20-services.json')
ok "control: edgeinit wrote other content meanwhile ($changes times before the last cut)" test "${changes:-0}" -gt 0
done_testing
