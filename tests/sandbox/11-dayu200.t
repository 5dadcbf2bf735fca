#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
#
# cfg/boards/dayu200.json does to a board what the KubeEdge tutorial for the DAYU200 does. The kernel and the programs are
# a PC's, so this much is other than there: the card's file system, the user "system" (which Debian lacks), what cgroup2 or
# the kernel withholds; the PC's /usr is put below /data first, because the bind hides it.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"

# The file of the tutorial, word for word.
tutorial()
{
    cat <<'EOF2'
{
  "Cgroups": [
    {"UID": "system", "GID": "system", "Mode": "0755", "Controller": "blkio", "Path": "/dev/blkio"},
    {"UID": "system", "GID": "system", "Mode": "0755", "Controller": "cpu", "Path": "/dev/cpu"},
    {"Mode": "0555", "Path": "/dev/cpuacct", "Controller": "cpuacct"},
    {"UID": "system", "GID": "system", "Mode": "0755", "Controller": "cpuset", "Path": "/dev/cpuset"},
    {"UID": "system", "GID": "system", "Mode": "0755", "Controller": "memory", "Path": "/dev/memcg"},
    {"UID": "system", "GID": "system", "Mode": "0755", "Controller": "schedtune", "Path": "/dev/stune"},
    {"GID": "system", "UID": "system", "Mode": "0755", "Controller": "devices", "Path": "/dev/devices"},
    {"GID": "system", "UID": "system", "Mode": "0755", "Controller": "freezer", "Path": "/dev/freezer"},
    {"GID": "system", "UID": "system", "Mode": "0755", "Controller": "hugetlb", "Path": "/dev/hugetlb"},
    {"GID": "system", "UID": "system", "Mode": "0755", "Controller": "net_cls", "Path": "/dev/net_cls"},
    {"GID": "system", "UID": "system", "Mode": "0755", "Controller": "net_prio", "Path": "/dev/net_prio"},
    {"GID": "system", "UID": "system", "Mode": "0755", "Controller": "perf_event", "Path": "/dev/perf_event"},
    {"GID": "system", "UID": "system", "Mode": "0755", "Controller": "pids", "Path": "/dev/pids"},
    {"GID": "system", "UID": "system", "Mode": "0755", "Controller": "rdma", "Path": "/dev/rdma"}
  ],
  "Cgroups2": {"UID": "root", "GID": "root", "Mode": "0600", "Path": "/dev/cg2_bpf"}
}
EOF2
}

# The differences above as one more overlay, made from the shipped one.
overlay()
{
    /usr/bin/python3 -I - "$edge_root/cfg/boards/dayu200.json" "$BOARD_CARD_TYPE" "$BOARD_CONTROLLERS" <<'EOF2'
import json, re, sys
host = json.loads(re.sub(r"^\s*//.*$", "", open(sys.argv[1]).read(), flags=re.M))["host"]
shown = sys.argv[3].split()
for mount in host["mounts"]:
    if mount["target"] == "/mnt/f2fs":
        mount["type"] = sys.argv[2]
known = [line.split()[0] for line in open("/proc/cgroups")]
for controller in host["cgroups"]["controllers"]:
    if controller["name"] not in shown and controller["name"] not in known:
        controller["optional"] = True
print(json.dumps({"version": 1, "host": {"mounts": host["mounts"], "cgroups": {"controllers": host["cgroups"]["controllers"]}}}))
EOF2
}

stage_tutorial()
{
    local all name place target source
    local -A places=([memory]=memcg [schedtune]=stune)
    for name in blkio cpu cpuacct cpuset memory devices freezer pids; do
        if [[ " $BOARD_CONTROLLERS " != *" $name "* ]]; then
            skip "the tutorial's cgroups need controllers that this PC does not give: $name" 1
            return
        fi
    done
    echo 'system:x:1000:1000::/:/bin/false' >>/etc/passwd
    echo 'system:x:1000:' >>/etc/group
    # /dev is what no bind covers: the manifest, the program and what the test notes go there.
    work=/dev/work
    mkdir -p "$work" /data/usr
    cp "$EDGEINIT" "$work/edgeinit"
    EDGEINIT=$work/edgeinit
    cp -r "$edge_root/cfg" "$edge_root/tests" "$work"
    edge_root=$work
    cd /
    overlay >"$work/pc.json"
    mount --rbind /usr /data/usr
    # The DAYU200 has plain directories there. Lazily: the project, and so this script, may lie in one of them.
    umount --recursive --lazy /run /tmp
    all=(--run-dir /dev/edgeinit --manifest "$edge_root/cfg/edgeinit.json" --manifest "$edge_root/cfg/boards/dayu200.json"
        --manifest "$work/pc.json")
    edge plan "${all[@]}"
    is "$status" 2 "plan: exit code 2" || diag "$out" "$err"
    edge apply "${all[@]}"
    is "$status" 0 "apply: exit code 0" || diag "$(different)"

    diag "directories and binds"
    is "$(stat -c %F /data/{bin,etc,etc/docker,opt,root,run,tmp,usr,var} /mnt/f2fs | sort -u)" directory "the tutorial's directories"
    for target in etc/docker var run tmp opt usr; do
        is "$(stat -c '%d %i' "/$target")" "$(stat -c '%d %i' "/data/$target")" "/$target is /data/$target"
    done
    is "$(findmnt --noheadings --output FSTYPE,SOURCE /mnt/f2fs | tr -s ' ')" "$BOARD_CARD_TYPE $BOARD_CARD" "the card on /mnt/f2fs"
    is "$(ls -A /var/run/ | wc -l)" 0 "/var/run is empty"
    is "$(ls /usr/bin/env)" /usr/bin/env "control: programs are still there"

    diag "cgroups"
    ok "/etc/cgroups.json equals the tutorial's, all 14 entries" same_json /etc/cgroups.json < <(tutorial) || diag "$(</etc/cgroups.json)"
    is "$(json '[c["Controller"] for c in d["Cgroups"]]' /etc/cgroups.json)" "$(tutorial | json '[c["Controller"] for c in d["Cgroups"]]')" \
        "in its order"
    like ",$(findmnt --noheadings --output FSTYPE,OPTIONS /sys/fs/cgroup | tr -s ' ')," '^,tmpfs .*size=1048576k' "tmpfs of 1G on /sys/fs/cgroup"
    for name in blkio cpu cpuacct cpuset devices freezer hugetlb memory net_cls net_prio perf_event pids rdma schedtune; do
        place=/dev/${places[$name]:-$name}
        if [[ " $BOARD_CONTROLLERS " != *" $name "* ]]; then
            skip "this kernel has no controller $name" 2
            continue
        fi
        like "$(findmnt --noheadings --output FSTYPE,OPTIONS "/sys/fs/cgroup/$name" | tr -s ' '),end" \
            "^cgroup .*nosuid,nodev,noexec,.*[, ]$name," "$name below /sys/fs/cgroup"
        source='755 1000:1000'
        [[ $name != cpuacct ]] || source='555 0:0'
        is "$(findmnt --noheadings --output FSTYPE "$place") $(stat -c '%a %u:%g' "$place")" "cgroup $source" "and at $place, as the descriptor says"
    done
    like ",$(findmnt --noheadings --output OPTIONS /sys/fs/cgroup/systemd)," ',name=systemd,' "the named hierarchy"
    is "$(cat /dev/cpuset/background/cpuset.mems /sys/fs/cgroup/cpuset/background/cpuset.mems)" $'0\n0' "cpuset.mems of background is 0"

    diag "files, rules, sysctl"
    ok "daemon.json: the tutorial's, and what lets containers live on" same_json /etc/docker/daemon.json <<<'{
        "registry-mirrors": ["https://docker.mirrors.ustc.edu.cn"], "experimental": false, "storage-driver": "overlay2",
        "data-root": "/mnt/f2fs", "live-restore": true, "log-level": "warn"}' || diag "$(</etc/docker/daemon.json)"
    ok "and it is on /data, to stay" test -s /data/etc/docker/daemon.json
    ok "127.0.0.1 localhost in /etc/hosts" grep -qx '127.0.0.1 localhost' /etc/hosts
    is "$(ip rule | sed -n '2,3s/\s\+/ /gp')" $'1: from all lookup main\n2: from all lookup default' "rules 1 and 2"
    is "$(</proc/sys/net/ipv4/ip_forward)" 1 "ip_forward"

    diag "again"
    edge plan "${all[@]}"
    is "$status $(different)" '0 ' "the plan is empty"
    traced -f -e trace="$changing" -- apply "${all[@]}"
    is "$status $(changes)" '0 ' "apply changes nothing"
}

on_board tutorial
done_testing
