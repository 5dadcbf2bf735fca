#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2016 # what stands in single quotes is for another program
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
# shellcheck disable=SC2317 # functions called by on_board
#
# How mounts spread: what the manifest asks for is what the kernel shows, of mounts that are made and of those that are there;
# what others change is mended, and that alone; what nobody can do is said beforehand. And ${hostname} in a file.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"

# spreads TARGET: of the topmost mount there
spreads()
{
    findmnt --noheadings --mountpoint "$1" --output PROPAGATION | tail -n 1
}

stage_spread()
{
    mkdir -p /mnt/old
    mount -t tmpfs tmpfs /mnt/old
    mount --make-rprivate /
    manifest spread <<'EOF2'
{
  "version": 1,
  "host": {
    "directories": ["/data/a"],
    "mounts": [
      {"target": "/srv/tmp", "type": "tmpfs", "options": "size=64K"},
      {"target": "/srv/slave", "source": "/data/a", "type": "bind", "propagation": "slave"},
      {"target": "/srv/private", "type": "tmpfs", "options": "nosuid", "propagation": "private"},
      {"target": "/", "propagation": "rshared"}
    ],
    "files": [{"path": "/srv/names", "lines": ["127.0.0.1 localhost", "127.0.0.1 ${hostname} ${other}"]}]
  }
}
EOF2
    hostname edge-07
    edge plan --manifest "$work/spread.json"
    is "$(lines | sed -n 1p | sed -E 's/ {2,}/ /g')" '~ mount / (is private, wanted rshared)' "the plan begins with /, and says what is wrong with it"
    edge apply --manifest "$work/spread.json"
    is "$status" 0 "apply" || diag "$out" "$err"
    is "$(spreads /) $(spreads /mnt/old)" 'shared shared' "/ is shared, and what was mounted below it"
    is "$(spreads /srv/tmp)" shared "what is mounted later inherits it"
    is "$(spreads /srv/private) $(findmnt -no OPTIONS /srv/private | grep -o nosuid)" 'private nosuid' "private, with its options"
    is "$(spreads /srv/slave)" 'private,slave' "a slave of what it binds"
    is "$(unshare --mount --propagation slave sh -c 'mount --bind /data/a /srv/tmp; true'; findmnt -no FSTYPE /srv/tmp)" tmpfs \
        "control: a namespace of its own does not spread back"
    is "$(</srv/names)" $'127.0.0.1 localhost\n127.0.0.1 edge-07 ${other}' "the board's name in a file, and nothing else replaced"
    edge plan --manifest "$work/spread.json"
    is "$status $(different)" '0 ' "then the plan is empty"
    traced -f -e trace="$changing" -- apply --manifest "$work/spread.json"
    is "$status $(changes)" '0 ' "and apply changes nothing"

    diag "drift"
    mount --make-shared /srv/private
    mount -o remount,bind,suid /srv/private
    edge plan --manifest "$work/spread.json"
    is "$(different | sed -E 's/ {2,}/ /g')" '~ mount /srv/private (lacks option nosuid)' "what others changed is seen"
    edge apply --manifest "$work/spread.json"
    like "$status $out" '^0 .*apply: 1 done, ' "and mended"
    is "$(spreads /srv/private) $(findmnt -no OPTIONS /srv/private | grep -o nosuid)" 'private nosuid' \
        "in one go, options and propagation"
    mount --make-private /
    edge plan --manifest "$work/spread.json"
    is "$(different | sed -E 's/ {2,}/ /g')" '~ mount / (is private, wanted rshared)' "of /, and nothing else"
    edge apply --manifest "$work/spread.json"
    # Recursively: what is to be otherwise below is put right after it.
    is "$status $(spreads /) $(spreads /srv/private) $(spreads /srv/slave)" '0 shared private private,slave' "that, too"
    mount --make-private /mnt/old
    edge plan --manifest "$work/spread.json"
    is "$status" 0 "a private mount below is somebody's wish (docker's), and no drift"

    diag "what cannot be"
    manifest nothing <<<'{"version": 1, "host": {"directories": ["/data/b"], "mounts": [{"target": "/data/b", "propagation": "shared"}]}}'
    edge plan --manifest "$work/nothing.json"
    mkdir -p /data/b
    edge plan --manifest "$work/nothing.json"
    like "$status $out" '^1 .*! mount /data/b .*nothing is mounted on /data/b, whose propagation is wanted; add "source" or "type"' \
        "nothing is mounted there" || diag "$out"
}

on_board spread
done_testing
