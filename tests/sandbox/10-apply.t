#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2016 # what stands in single quotes is for another program
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
#
# plan, apply, and both again: every kind of resource is looked at without edgeinit, a second apply does nothing at all,
# and what somebody changes by hand is found and mended, that and nothing else.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"

# mounted TARGET FIELD: of the topmost mount there
mounted()
{
    findmnt --noheadings --mountpoint "$1" --output "$2" | tail -n 1
}

# mended NAME PLAN-LINE...: a plan shows these lines and no other, apply does as many and no other, and all is as it was.
# A line's first character and its subject are compared.
mended()
{
    local name=$1 wanted
    shift
    wanted=$(printf '%s\n' "$@")
    edge plan "${all[@]}"
    is "$(different | sed -E 's/ {2,}.*//; s/ +\(.*//')" "$wanted" "drift, $name: the plan shows it and nothing else"
    edge apply "${all[@]}"
    like "$status $out" "^0 .*apply: ${done:-$#} done, [0-9]+ in place, 0 failed" "drift, $name: apply mends that and nothing else"
    is "$(diff <(state) "$work/state")" '' "drift, $name: then all is as it was"
}

# Output of plan or apply, text and --json, hold the same resources with the same marks in the same order.
same_forms()
{
    local text
    text=$(lines | sed -E 's/ {2,}.*//')
    "$EDGEINIT" "$@" --json >"$work/answer.json" 2>/dev/null
    is "$(json '"\n".join({"create": "+", "change": "~", "none": "=", "impossible": "!"}[r["action"]] + " " + r["name"]
        for r in d["resources"])' "$work/answer.json")" "$text" "plan --json says what plan says"
    is "$(json 'd["summary"]["create"] + d["summary"]["change"] + d["summary"]["none"]' "$work/answer.json")" \
        "$(wc -l <<<"$text")" "and sums it up"
}

stage_shipped()
{
    local controller target all before
    use_shipped
    all=("${shipped[@]}")
    rm -f /etc/hosts
    printf '::1 ip6-localhost\n10.0.0.1 unfinished line' >/etc/hosts
    mkdir -p /data/etc/docker
    echo '{"debug": false, "storage-driver": "vfs", "labels": ["a=b"]}' >/data/etc/docker/daemon.json
    state >"$work/fresh"

    diag "plan on a fresh board"
    traced -f -e trace="$changing" -- plan "${all[@]}"
    is "$status" 2 "plan: exit code 2"
    is "$(changes)" '' "plan changes nothing, says strace"
    is "$(diff "$work/fresh" <(state))" '' "nor does the board look different"
    is "$(lines | wc -l)" "$(grep -oE '[0-9]+ (to create|to change|in place|impossible)' <<<"$out" |
        awk '{n += $1} END {print n}')" "one line for each resource"
    is "$(lines | sed -E 's/^. //; s/ {2,}.*//' | sort | uniq -d)" '' "each a different one"
    unlike "$out" $'\n!' "none is impossible"
    is "$(line 'file /etc/hosts')" '~ file /etc/hosts (other content)' "a file that changes"
    is "$(line 'mount /opt')" '+ mount /opt (after directory /data/opt)' "a mount that comes"
    same_forms plan "${all[@]}"

    diag "apply"
    traced -f -e trace="$changing" -- apply "${all[@]}"
    is "$status" 0 "apply: exit code 0"
    like "$(changes)" 'mount\(.*mkdir|mkdir.*mount\(' "control: strace sees mounts and directories"
    like "$(changes)" 'renameat.*' "control: and renames"
    like "$(changes)" 'sendmsg\(' "control: and netlink"
    like "$out" $'\napply: [0-9]+ done, [0-9]+ in place, 0 failed, 0 blocked, in [0-9.]+ (ms|s)$' "it sums up"
    is "$(different | grep -vcE '^\+ .* [0-9.]+ (us|ms|s)$')" 0 "every line tells how long it took"

    diag "what is there now"
    is "$(stat -c '%F %a %U' /data/etc/docker /data/opt /data/var/edge /etc/docker | sort -u)" 'directory 755 root' \
        "directories"
    is "$(mounted /mnt/f2fs FSTYPE)" "$BOARD_CARD_TYPE" "the card is mounted by its label"
    is "$(stat -c %d /mnt/f2fs)" "$((0x$(stat -c %t "$BOARD_CARD") * 256 + 0x$(stat -c %T "$BOARD_CARD")))" "and no other device"
    like ",$(mounted /mnt/f2fs VFS-OPTIONS)," ',noatime,' "with its option"
    is "$(stat -c '%d %i' /etc/docker)" "$(stat -c '%d %i' /data/etc/docker)" "/etc/docker is the inode that it binds"
    is "$(stat -c '%d %i' /opt)" "$(stat -c '%d %i' /data/opt)" "so is /opt"
    is "$(mounted /sys/fs/cgroup FSTYPE)" tmpfs "a tmpfs on the root of cgroups"
    like ",$(mounted /sys/fs/cgroup FS-OPTIONS)," ',size=1024k,' "of its size"
    for controller in $BOARD_CONTROLLERS; do
        target=/sys/fs/cgroup/$controller
        if ! like "$(mounted "$target" FSTYPE),$(mounted "$target" OPTIONS),end" \
            "^cgroup,(.*,)?nosuid,nodev,noexec,(.*,)?$controller," "controller $controller"; then
            diag "$(mounted "$target" OPTIONS)"
        fi
    done
    like "$(mounted /sys/fs/cgroup/systemd OPTIONS)," '^.*nosuid,nodev,noexec,.*name=systemd,' "the named hierarchy"
    is "$(</etc/hosts)" $'::1 ip6-localhost\n10.0.0.1 unfinished line\n127.0.0.1 localhost' \
        "the line is in /etc/hosts, after a line without an end"
    ok "daemon.json: merged, what was there stays" same_json /etc/docker/daemon.json <<<'{"debug": false,
        "labels": ["a=b"], "storage-driver": "overlay2", "data-root": "/mnt/f2fs/docker",
        "exec-opts": ["native.cgroupdriver=cgroupfs"], "live-restore": true}' ||
        diag "$(</etc/docker/daemon.json)"
    is "$(json '[c["Controller"] + " " + c["Path"] for c in d["Cgroups"]][0:2]' /etc/cgroups.json)" \
        "$(json 'd' <<<'["cpu /sys/fs/cgroup/cpu", "cpuacct /sys/fs/cgroup/cpuacct"]')" "the descriptor's order and paths"
    is "$(json 'd["Cgroups"][0]' /etc/cgroups.json)" "$(json d <<<'{"UID": "root", "GID": "root", "Mode": "0755",
        "Path": "/sys/fs/cgroup/cpu", "Controller": "cpu"}')" "one entry of it"
    is "$(json 'd["Cgroups2"]' /etc/cgroups.json)" "$(json d <<<'{"UID": "root", "GID": "root", "Mode": "0600",
        "Path": "/dev/cg2_bpf"}')" "its entry for cgroup2"
    is "$(</proc/sys/net/ipv4/ip_forward)" 1 "ip_forward"
    is "$(ip rule | sed -n '2,3s/\s\+/ /gp')" $'1: from all lookup main\n2: from all lookup default' "rules 1 and 2"
    is "$(find / -xdev -name '*.edgeinit-new' 2>/dev/null)" '' "no temporary is left"

    diag "again"
    state >"$work/state"
    before=$(</proc/self/mountinfo)
    edge plan "${all[@]}"
    is "$status" 0 "plan: exit code 0"
    is "$(different)" '' "it is empty"
    like "$out" 'plan: 0 to create, 0 to change, [0-9]+ in place, 0 impossible' "and says so"
    traced -f -e trace="$changing" -- apply "${all[@]}"
    is "$status" 0 "apply: exit code 0"
    is "$(changes)" '' "it makes no system call that changes anything"
    is "$(different)" '' "and has nothing to report"
    is "$(</proc/self/mountinfo)" "$before" "no mount has come or gone"
    is "$(diff "$work/state" <(state))" '' "nothing is different"
    edge apply "${all[@]}" --json
    is "$status" 0 "apply --json: exit code 0"
    is "$(json 'd["summary"]["applied"], d["summary"]["in place"], {r["state"] for r in d["resources"]} == {"in place"}' <<<"$out" |
        tr -d '[]')" "0, $(lines_of_plan), true" "it says that all is in place"

    diag "drift"
    rmdir /data/var/edge
    mended 'a directory' '+ directory /data/var/edge'
    umount /opt
    mended 'a bind' '+ mount /opt'
    umount /mnt/f2fs
    mended 'the card' '+ mount /mnt/f2fs'
    mount -o remount,bind,atime,relatime /mnt/f2fs
    mended 'an option of the card' '~ mount /mnt/f2fs'
    umount /sys/fs/cgroup/systemd
    mended 'a hierarchy' '+ cgroup /sys/fs/cgroup/systemd'
    sed -i 's|cpuacct|cpuacct2|' /etc/cgroups.json
    mended 'the descriptor' '~ file /etc/cgroups.json'
    sed -i '/127.0.0.1/d' /etc/hosts
    mended 'a line of a file' '~ file /etc/hosts'
    sed -i 's|overlay2|vfs|' /etc/docker/daemon.json
    mended 'a key of a JSON file' '~ file /etc/docker/daemon.json'
    echo 0 >/proc/sys/net/ipv4/ip_forward
    mended 'a sysctl' '~ sysctl net.ipv4.ip_forward'
    ip rule del pref 2
    mended 'a rule' '+ rule ipv4 2 table default'
    ip rule del pref 1
    ip rule add pref 1 from all lookup 100
    edge plan "${all[@]}"
    is "$(different)" '+ rule ipv4 1 table main' "drift, a rule with another table: seen"
    ip rule del pref 1
    mended 'a rule that is gone' '+ rule ipv4 1 table main'
}

lines_of_plan()
{
    "$EDGEINIT" plan "${all[@]}" 2>/dev/null | grep -cE '^[-+~=!] '
}

kinds()
{
    manifest kinds <<EOF2
{
  "version": 1,
  "host": {
    "directories": [
      {"path": "/srv/private", "mode": "0700", "owner": "nobody", "group": "daemon"},
      {"path": "/srv/sticky", "mode": "1777"},
      {"path": "/srv/number", "owner": "1234", "group": "4321"},
      "/srv/plain", "/srv/deep/er/and/deeper"
    ],
    "mounts": [
      {"target": "/mnt/path", "source": "/dev/block/mmcblk0p1", "type": "$BOARD_CARD_TYPE", "options": "nosuid,nodev"},
      {"target": "/mnt/uuid", "source": "UUID=ed9eca2d-0000-4000-8000-0000ed9eca2d"},
      {"target": "/mnt/label", "source": "LABEL=edgecard", "type": "auto", "options": "noexec"},
      {"target": "/mnt/tmp", "type": "tmpfs", "options": "size=1M,mode=0700,nosuid"},
      {"target": "/mnt/file", "source": "/srv/plain.text", "type": "bind"},
      {"target": "/mnt/ro", "source": "/srv/plain", "type": "bind", "options": "ro"}
    ],
    "cgroups": {
      "controllers": [${object}],
      "named": ["systemd", "edgeinit"],
      "descriptor": "/srv/cgroups.json"
    },
    "files": [
      {"path": "/srv/plain.text", "text": "one\ntwo\n", "mode": "0640", "owner": "nobody", "group": "daemon"},
      {"path": "/srv/new/lines", "lines": ["a", "b"]},
      {"path": "/srv/old/lines", "lines": ["first", "last", "new"]},
      {"path": "/srv/config.yaml", "yaml": {"kind": "EdgeCore", "list": [1, "two", true], "empty": {}, "yes": "no"},
       "mode": "0600"},
      {"path": "/srv/exists.json", "json": {"set": {"deep": 2}, "gone": null, "list": [1]}},
      {"path": "/srv/broken.json", "json": {"a": 1}},
      {"path": "/srv/first.json", "json": {"a": 1}, "when": "absent"},
      {"path": "/srv/kept.json", "json": {"a": 1}, "when": "absent"},
      {"path": "/srv/link.json", "json": {"through": "link"}},
      {"path": "/srv/dangling.json", "json": {"through": "dangling"}},
      {"path": "/mnt/label/on-card.json", "json": {"on": "card"}},
      {"path": "/proc/sys/net/ipv4/conf/lo/forwarding", "write": "0"}
    ],
    "sysctls": {"net.ipv4.conf.all.rp_filter": "2", "net/ipv6/conf/all/forwarding": "1",
                "net.ipv4.ping_group_range": "0 1000"},
    "rules": [
      {"priority": 10, "table": 100, "from": "10.1.0.0/16", "to": "10.2.0.1"},
      {"priority": 10, "table": 100, "from": "10.1.0.0/16", "to": "10.2.0.2"},
      {"priority": 11, "table": "main", "iif": "lo", "fwmark": 4660, "fwmask": 65535},
      {"priority": 12, "table": 1000, "oif": "lo"},
      {"priority": 13, "table": "main", "family": "ipv6"},
      {"priority": 14, "table": 200, "family": "ipv6", "from": "fd00:1::/32"}
    ],
    "selinux": "permissive"
  }
}
EOF2
}

stage_kinds()
{
    local object='' all=() v1=''
    [[ " $BOARD_CONTROLLERS " != *" cpuacct "* ]] || v1=yes
    [[ -z $v1 ]] || object='{"name": "cpuacct", "path": "/dev/cpuacct", "uid": "nobody", "gid": "daemon", "mode": "0555"}'
    kinds
    all=(--manifest "$work/kinds.json")
    mkdir -p /srv/old /srv/real /srv/plain
    touch /srv/plain/inside
    printf 'first\nlast' >/srv/old/lines
    chmod 0604 /srv/old/lines
    echo '{"keep": [1, {"x": null}], "set": {"deep": 1, "else": 3}, "gone": 1, "list": [1, 2]}' >/srv/exists.json
    chown nobody:daemon /srv/exists.json
    echo '{"half": ' >/srv/broken.json
    echo '{"mine": true}' >/srv/kept.json
    echo '{"there": 1}' >/srv/real/target.json
    ln -s real/target.json /srv/link.json
    ln -s ../srv/real/second.json /srv/hop.json
    ln -s hop.json /srv/dangling.json
    edge apply "${all[@]}"
    is "$status" 0 "apply: exit code 0" || diag "$out"

    diag "directories"
    is "$(stat -c '%a %U:%G' /srv/private)" '700 nobody:daemon' "mode, owner and group"
    is "$(stat -c '%a' /srv/sticky)" '1777' "a mode with the sticky bit"
    is "$(stat -c '%u:%g' /srv/number)" '1234:4321' "owner and group as numbers"
    is "$(stat -c '%a %U' /srv/deep/er/and /srv/deep/er/and/deeper | sort -u)" '755 root' "parents"

    diag "mounts"
    is "$(stat -c %d /mnt/path)" "$(stat -c %d /mnt/uuid)" "by path and by UUID the same file system"
    is "$(stat -c %d /mnt/path)" "$(stat -c %d /mnt/label)" "and by label"
    like ",$(mounted /mnt/path VFS-OPTIONS)," ',nosuid,nodev,' "options"
    like ",$(mounted /mnt/label VFS-OPTIONS)," ',noexec,' "another's options"
    is "$(mounted /mnt/tmp FSTYPE) $(stat -c %a /mnt/tmp)" 'tmpfs 700' "tmpfs with its mode"
    like ",$(mounted /mnt/tmp OPTIONS)," ',size=1024k,' "and its size"
    is "$(stat -c '%d %i' /mnt/file)" "$(stat -c '%d %i' /srv/plain.text)" "a file is bound on a file"
    like "$(touch /mnt/ro/x 2>&1)" 'Read-only' "a bind that is read-only"
    ok "and its source is not" touch /srv/plain/x

    diag "cgroups"
    if [[ $v1 ]]; then
        is "$(mounted /dev/cpuacct FSTYPE) $(stat -c '%a %U:%G' /dev/cpuacct)" 'cgroup 555 nobody:daemon' \
            "a controller at its own path, with mode and owner"
        like ",$(mounted /dev/cpuacct OPTIONS)," ',nosuid,nodev,noexec,.*cpuacct,' "with the options of all"
        is "$(stat -c %i /dev/cpuacct)" "$(stat -c %i /sys/fs/cgroup/cpuacct)" "and below the root"
        is "$(json 'd["Cgroups"]' /srv/cgroups.json)" "$(json d <<<'[{"UID": "nobody", "GID": "daemon", "Mode": "0555",
            "Path": "/dev/cpuacct", "Controller": "cpuacct"}]')" "its entry in the descriptor"
    else
        skip "no cgroup v1 on this host" 4
    fi
    like "$(mounted /sys/fs/cgroup/edgeinit OPTIONS)," ',name=edgeinit,' "a second named hierarchy"

    diag "files"
    is "$(stat -c '%a %U:%G' /srv/plain.text) $(</srv/plain.text)" $'640 nobody:daemon one\ntwo' "text, mode, owner"
    is "$(</srv/new/lines)" $'a\nb' "lines of a new file, its directory made"
    is "$(</srv/old/lines)" $'first\nlast\nnew' "lines: only what is missing, in order"
    is "$(tail -c 1 /srv/old/lines | od -An -c | tr -d ' ') $(stat -c %a /srv/old/lines)" '\n 604' \
        "ended by a newline; the mode stays"
    is "$(</srv/config.yaml)" $'kind: EdgeCore\nlist:\n  - 1\n  - two\n  - true\nempty: {}\n"yes": "no"' "yaml" ||
        diag "$(</srv/config.yaml)"
    is "$(stat -c %a /srv/config.yaml)" 600 "its mode"
    ok "json: merged as RFC 7396 says" same_json /srv/exists.json \
        <<<'{"keep": [1, {"x": null}], "set": {"deep": 2, "else": 3}, "list": [1]}' || diag "$(</srv/exists.json)"
    is "$(stat -c '%U:%G' /srv/exists.json)" nobody:daemon "the owner stays"
    ok "json over something that is not JSON" same_json /srv/broken.json <<<'{"a": 1}'
    is "$(</srv/broken.json.broken)" '{"half": ' "which is kept aside"
    ok "when absent: written" same_json /srv/first.json <<<'{"a": 1}'
    ok "when absent: left alone" same_json /srv/kept.json <<<'{"mine": true}'
    is "$(readlink /srv/link.json)" real/target.json "a symlink stays a symlink"
    ok "its target is merged into" same_json /srv/real/target.json <<<'{"there": 1, "through": "link"}'
    is "$(readlink /srv/dangling.json)$(readlink /srv/hop.json)" hop.json../srv/real/second.json \
        "so do two that lead nowhere"
    ok "and the last target is made" same_json /srv/real/second.json <<<'{"through": "dangling"}'
    ok "a file on the card" same_json /mnt/label/on-card.json <<<'{"on": "card"}'
    is "$(</proc/sys/net/ipv4/conf/lo/forwarding)" 0 "a write to a kernel file"
    is "$(find /srv /mnt -name '.*edgeinit*')" '' "no temporary is left"

    diag "sysctls, rules, SELinux"
    is "$(cat /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv6/conf/all/forwarding)" $'2\n1' "sysctls"
    is "$(</proc/sys/net/ipv4/ping_group_range)" $'0\t1000' "one of two words"
    is "$(ip rule | sed -n 's/\s\+/ /g; /^1[0-9]:/p')" '10: from 10.1.0.0/16 to 10.2.0.1 lookup 100
10: from 10.1.0.0/16 to 10.2.0.2 lookup 100
11: from all fwmark 0x1234/0xffff iif lo lookup main
12: from all oif lo lookup 1000' "rules with selectors, twice the same priority" || diag "$(ip rule)"
    is "$(ip -6 rule | sed -n 's/\s\+/ /g; /^1[0-9]:/p')" '13: from all lookup main
14: from fd00:1::/32 lookup 200' "IPv6" || diag "$(ip -6 rule)"

    diag "again, and drift"
    state >"$work/state"
    edge plan "${all[@]}"
    is "$status $(different)" '0 ' "the plan is empty"
    [[ -e /sys/fs/selinux/enforce ]] || like "$(line 'selinux permissive')" 'without SELinux' "no SELinux is permissive enough"
    same_forms plan "${all[@]}"
    traced -f -e trace="$changing" -- apply "${all[@]}"
    is "$status $(changes)" '0 ' "apply does nothing at all"
    chmod 0755 /srv/private
    mended 'mode of a directory' '~ directory /srv/private'
    chown root /srv/private
    mended 'owner of a directory' '~ directory /srv/private'
    umount /mnt/tmp
    mended 'a tmpfs' '+ mount /mnt/tmp'
    umount /mnt/file
    mended 'a bound file' '+ mount /mnt/file'
    mount -o remount,bind,rw /mnt/ro
    mended 'a bind that has become writable' '~ mount /mnt/ro'
    if [[ $v1 ]]; then
        chmod 0755 /dev/cpuacct
        mended "a hierarchy's mode" '~ cgroup /dev/cpuacct'
        umount /dev/cpuacct
        mended "a hierarchy's second place" '+ cgroup /dev/cpuacct'
    else
        skip "no cgroup v1 on this host" 6
    fi
    chmod 0644 /srv/config.yaml
    mended 'mode of a file' '~ file /srv/config.yaml'
    rm /srv/config.yaml
    mended 'a file that is gone' '+ file /srv/config.yaml'
    echo 'more: 1' >>/srv/config.yaml
    mended 'a file with something added' '~ file /srv/config.yaml'
    rm /srv/real/second.json
    mended "a symlink's target" '+ file /srv/dangling.json'
    echo 1 >/proc/sys/net/ipv4/conf/lo/forwarding
    mended 'a kernel file' '~ file /proc/sys/net/ipv4/conf/lo/forwarding'
    ip -6 rule del pref 14
    mended 'an IPv6 rule' '+ rule ipv6 14 from fd00:1::/32 table 200'
    ip rule del pref 10 to 10.2.0.2
    mended 'one of two rules of a priority' '+ rule ipv4 10 from 10.1.0.0/16 to 10.2.0.2 table 100'
    echo '0 999' >/proc/sys/net/ipv4/ping_group_range
    mended 'one word of a sysctl' '~ sysctl net.ipv4.ping_group_range'
    echo '{ "set":{"deep":2},   "list":[1], "else": "users key" }' >/srv/exists.json
    edge plan "${all[@]}"
    is "$(different)" '' "other layout and other keys of a JSON file are no drift"
}

# Without --manifest: what the image says, then what its conf.d says in the order of the names, then that of the state directory.
stage_usual()
{
    local of_image=/system/etc/edgeinit ttl=/proc/sys/net/ipv4/ip_default_ttl

    # says VALUE FILE
    says()
    {
        echo '{"host": {"sysctls": {"net.ipv4.ip_default_ttl": "'"$1"'"}}}' >"$2"
    }
    mkdir -p $of_image/conf.d "$work/state/conf.d"
    echo '{"version": 1, "host": {"sysctls": {"net.ipv4.ip_default_ttl": "70"}}}' >$of_image/edgeinit.json
    edge apply --state-dir "$work/state"
    is "$status $(<$ttl)" "0 70" "no --manifest: the image's"
    says 72 $of_image/conf.d/9.json
    says 71 $of_image/conf.d/10.json
    echo '{' >$of_image/conf.d/.hidden.json
    says 74 $of_image/conf.d/aside.json.bak
    says 75 $of_image/conf.d/json
    says 76 $of_image/conf.d/x.jso
    edge apply --state-dir "$work/state"
    is "$status $(<$ttl)" "0 72" "conf.d: the last name wins, and what does not end in .json, or begins with a dot, is nothing"
    says 81 "$work/state/conf.d/1.json"
    says 80 "$work/state/conf.d/0.json"
    edge apply --state-dir "$work/state"
    is "$status $(<$ttl)" "0 81" "then the state directory's"
}

# Whoever starts it without them: what it opens next would get their numbers, and be written into.
stage_descriptors()
{
    local -x ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # the leak checker is a tracer itself
    strace -qq -o "$work/trace" -e trace=open,openat bash -c 'exec "$0" --version <&- >&- 2>&-' "$EDGEINIT"
    is "$(grep -oE '"/dev/null", O_RDWR.* = [0-9]+$' "$work/trace" | sed 's/.* //' | paste -sd' ')" '0 1 2' \
        "descriptors 0 to 2 that are closed are /dev/null"
    strace -qq -o "$work/trace" -e trace=open,openat bash -c 'exec "$0" --version </proc/version 2>&-' "$EDGEINIT" >"$work/out"
    is "$(grep -oE '"/dev/null", O_RDWR.* = [0-9]+$' "$work/trace" | sed 's/.* //' | paste -sd' ') $(<"$work/out")" \
        "2 $("$EDGEINIT" --version)" "and no others"
}

on_board shipped
on_board kinds
on_board usual
on_board descriptors
done_testing
