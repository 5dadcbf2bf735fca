#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
#
# A card that comes late: it is waited for by events, everything else is up meanwhile, it is mounted right when its node
# appears, and when it does not come the wait ends in time.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"

# waiting SOURCE WAIT: a manifest with the card, what stands on it, and what does not
waiting()
{
    manifest late <<EOF2
{
  "version": 1,
  "host": {
    "mounts": [{"target": "/mnt/card", "source": "$1", "wait": "$2"}, {"target": "/mnt/t", "type": "tmpfs"}],
    "directories": ["/data/a"],
    "files": [{"path": "/mnt/card/x.json", "json": {"on": "card"}}, {"path": "/data/y.json", "json": {"on": "data"}}],
    "rules": [{"priority": 7, "table": "main"}]
  }
}
EOF2
}

subjects()
{
    different | sed -E 's/ {2,}.*//'
}

# quiet FROM TO: how many system calls began between these times (seconds of the clock)
quiet()
{
    sed -E 's/^[0-9]+ +//' "$work/trace" | awk -v from="$1" -v to="$2" '$1 > from && $1 < to && $2 ~ /\(/' | wc -l
}

# Is apply alone, without a worker that still runs, and has its last call not returned, for some time?
# shellcheck disable=SC2317 # called by wait_for
is_waiting()
{
    local last
    last=$(tail -n 1 "$work/trace")
    [[ $(pgrep -cx --runstates DRSTt edgeinit) == 1 && $last =~ \ (epoll_p?wait|p?poll)[^\)]*$ ]] || return
    sleep 0.2
    [[ $(tail -n 1 "$work/trace") == "$last" ]]
}

# later COMMAND...: once apply waits, and half a second after that
later()
{
    wait_for 10 is_waiting || diag "it does not wait: $(tail -n 3 "$work/trace")"
    echo "$EPOCHREALTIME" >"$work/waits-since"
    sleep 0.5
    "$@"
}

# late NAME SOURCE NODE COMMAND...: with a node that appears during apply, by this command in the background
late()
{
    local name=$1 source=$2 node=$3 appeared ended since
    shift 3
    waiting "$source" 200s
    rm -f "$work/trace" "$work/waits-since"
    "$@" &
    traced -f -ttt -- apply --manifest "$work/late.json"
    ended=$EPOCHREALTIME
    wait "$!"
    appeared=$(stat -c %.9Z "$node")
    since=$(<"$work/waits-since")
    is "$status" 0 "$name: exit code 0" || diag "$out"
    is "$(subjects)" '+ directory /data/a
+ mount /mnt/t
+ file /data/y.json
+ rule ipv4 7 table main
. mount /mnt/card
+ mount /mnt/card
+ file /mnt/card/x.json' "$name: all that does not need the card is done first"
    ok "$name: it was waited for" awk "BEGIN {exit !($appeared - $since > 0.3)}"
    # By the event: neither by looking now and then, which the calls below would show, nor when the time is over.
    ok "$name: and mounted when it appeared" awk "BEGIN {exit !($ended - $appeared < 100)}"
    diag "$name: apply ended $(awk "BEGIN {printf \"%.0f\", 1000 * ($ended - $appeared)}") ms after the node had appeared"
    ok "$name: the card's file is on it" same_json /mnt/card/x.json <<<'{"on": "card"}'
    # From when the rest was done until it appeared.
    is "$(quiet "$since" "$(awk "BEGIN {printf \"%.6f\", $appeared - 0.01}")")" 0 "$name: not one system call while waiting"
    ok "$name: control: there are calls before and after" test "$(quiet 0 9999999999)" -gt 100
    umount /mnt/card /mnt/t
    rm -rf /data/a /data/y.json
    ip rule del pref 7
}

stage_path()
{
    card_away
    waiting "$BOARD_CARD" 20s
    edge plan --manifest "$work/late.json"
    is "$status $(line 'mount /mnt/card')" "2 + mount /mnt/card ($BOARD_CARD is not there yet; waits up to 20.0 s)" "plan"
    late 'by path' "$BOARD_CARD" "$BOARD_CARD" later card_back
}

stage_label()
{
    card_away
    late 'by label' LABEL=edgecard "$BOARD_CARD" later card_back
}

# shellcheck disable=SC2317 # called by late
step_by_step()
{
    local number
    number=$(stat -c '%t %T' "$BOARD_CARD")
    later mkdir /dev/late
    later mkdir /dev/late/dir
    later touch /dev/late/dir/other
    # shellcheck disable=SC2086 # major and minor
    later mknod /dev/late/dir/card b 0x${number% *} 0x${number#* }
}

stage_directory()
{
    late 'in a directory that comes late too' /dev/late/dir/card /dev/late/dir/card step_by_step
}

stage_never()
{
    local source began took
    for source in /dev/block/none LABEL=none UUID=0000-0000; do
        waiting "$source" 400ms
        began=${EPOCHREALTIME/./}
        (
            sleep 0.2
            mknod "/dev/block/not-it-${source//\//-}" b 7 250
        ) &
        edge apply --manifest "$work/late.json"
        took=$(((${EPOCHREALTIME/./} - began) / 1000))
        wait
        is "$status" 1 "$source: exit code 1"
        like "$(line 'mount /mnt/card' | tail -n 1)" "^! mount /mnt/card gave up after ([4-9][0-9]{2} ms|[0-9.]+ s): find device $source: No such \
device; insert the card, or see with \"ls -l /dev/block\" and \"blkid\" what this board calls it$" "$source: the message"
        is "$(line 'file /mnt/card/x.json')" '! file /mnt/card/x.json blocked by mount /mnt/card' "$source: what needs it is blocked"
        ok "$source: after the time that the manifest gives" test "$took" -ge 400
        ok "$source: and not for ever" test "$took" -lt 60000
        like "$(</data/y.json) $(findmnt --noheadings --output FSTYPE /mnt/t) $(ip rule)" 'data.*tmpfs.*7:' "$source: the rest is up"
        umount /mnt/t
        rm -rf /data/a /data/y.json
        ip rule del pref 7
    done
}

on_board path
on_board label
on_board directory
on_board never --card none
done_testing
