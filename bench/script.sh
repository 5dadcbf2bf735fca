# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# The tutorial's script (KubeEdge on OpenHarmony, section 7, and what its other sections write) for busybox sh, completed
# in its own style so that it leaves the state that `edgeinit apply` leaves: the cgroup mounts below /dev with their
# owners, as cgroups.json describes them; flags and sizes as in the manifest. What a fresh board does not need (remounting
# / read-write, rm -rf /data/var/run) is left out. It is as careless as the tutorial's: no fsync, no check.
# bench/on-board deletes the lines that end in "# CONTROLLER" for controllers that this PC cannot show.

# mkdir on /system
if [ ! -d "/system/etc/docker" ]; then
    mkdir /system/etc/docker
fi

# mkdir on /data
if [ ! -d "/data/var" ]; then
    mkdir /data/var
    mkdir /data/var/run
fi
if [ ! -d "/data/run" ]; then
    mkdir /data/run
fi
if [ ! -d "/data/tmp" ]; then
    mkdir /data/tmp
fi
if [ ! -d "/data/opt" ]; then
    mkdir /data/opt
fi
if [ ! -d "/data/etc" ]; then
    mkdir /data/etc
    mkdir /data/etc/docker
fi
if [ ! -d "/data/usr" ]; then
    mkdir /data/usr
fi
if [ ! -d "/data/bin" ]; then
    mkdir /data/bin
fi
if [ ! -d "/data/root" ]; then
    mkdir /data/root
fi
if [ ! -d "/mnt/f2fs" ]; then
    mkdir /mnt/f2fs
fi

mount -t CARD_TYPE /dev/block/mmcblk0p1 /mnt/f2fs

mount tmpfs /sys/fs/cgroup -t tmpfs -o nodev,noexec,nosuid,mode=755,size=1G
if [ ! -d "/sys/fs/cgroup/systemd" ]; then
    mkdir /sys/fs/cgroup/blkio # blkio
    mkdir /sys/fs/cgroup/cpu # cpu
    mkdir /sys/fs/cgroup/cpuacct # cpuacct
    mkdir /sys/fs/cgroup/cpuset # cpuset
    mkdir /sys/fs/cgroup/devices # devices
    mkdir /sys/fs/cgroup/freezer # freezer
    mkdir /sys/fs/cgroup/hugetlb # hugetlb
    mkdir /sys/fs/cgroup/memory # memory
    mkdir /sys/fs/cgroup/net_cls # net_cls
    mkdir /sys/fs/cgroup/net_prio # net_prio
    mkdir /sys/fs/cgroup/perf_event # perf_event
    mkdir /sys/fs/cgroup/pids # pids
    mkdir /sys/fs/cgroup/rdma # rdma
    mkdir /sys/fs/cgroup/schedtune # schedtune
    mkdir /sys/fs/cgroup/systemd
fi

# mount --bind
mount --bind /data/etc/docker /etc/docker
mount --bind /data/var /var
mount --bind /data/run /run
mount --bind /data/tmp /tmp
mount --bind /data/opt /opt
mount --bind /data/usr /usr
mount -t tmpfs -o nosuid,nodev,mode=0755,size=16M tmpfs /var/run

mount -t cgroup -o none,name=systemd,nodev,noexec,nosuid cgroup /sys/fs/cgroup/systemd
mount -t cgroup -o blkio,nodev,noexec,nosuid cgroup /sys/fs/cgroup/blkio # blkio
mount -t cgroup -o cpu,nodev,noexec,nosuid cgroup /sys/fs/cgroup/cpu # cpu
mount -t cgroup -o cpuacct,nodev,noexec,nosuid cgroup /sys/fs/cgroup/cpuacct # cpuacct
mount -t cgroup -o cpuset,nodev,noexec,nosuid cgroup /sys/fs/cgroup/cpuset # cpuset
mount -t cgroup -o devices,nodev,noexec,nosuid cgroup /sys/fs/cgroup/devices # devices
mount -t cgroup -o freezer,nodev,noexec,nosuid cgroup /sys/fs/cgroup/freezer # freezer
mount -t cgroup -o hugetlb,nodev,noexec,nosuid cgroup /sys/fs/cgroup/hugetlb # hugetlb
mount -t cgroup -o memory,nodev,noexec,nosuid cgroup /sys/fs/cgroup/memory # memory
mount -t cgroup -o net_cls,nodev,noexec,nosuid cgroup /sys/fs/cgroup/net_cls # net_cls
mount -t cgroup -o net_prio,nodev,noexec,nosuid cgroup /sys/fs/cgroup/net_prio # net_prio
mount -t cgroup -o perf_event,nodev,noexec,nosuid cgroup /sys/fs/cgroup/perf_event # perf_event
mount -t cgroup -o pids,nodev,noexec,nosuid cgroup /sys/fs/cgroup/pids # pids
mount -t cgroup -o rdma,nodev,noexec,nosuid cgroup /sys/fs/cgroup/rdma # rdma
mount -t cgroup -o schedtune,nodev,noexec,nosuid cgroup /sys/fs/cgroup/schedtune # schedtune

# what cgroups.json says is mounted as well
mkdir /dev/blkio # blkio
mkdir /dev/cpu # cpu
mkdir /dev/cpuacct # cpuacct
mkdir /dev/cpuset # cpuset
mkdir /dev/memcg # memory
mkdir /dev/stune # schedtune
mkdir /dev/devices # devices
mkdir /dev/freezer # freezer
mkdir /dev/hugetlb # hugetlb
mkdir /dev/net_cls # net_cls
mkdir /dev/net_prio # net_prio
mkdir /dev/perf_event # perf_event
mkdir /dev/pids # pids
mkdir /dev/rdma # rdma
mount -t cgroup -o blkio,nodev,noexec,nosuid cgroup /dev/blkio # blkio
mount -t cgroup -o cpu,nodev,noexec,nosuid cgroup /dev/cpu # cpu
mount -t cgroup -o cpuacct,nodev,noexec,nosuid cgroup /dev/cpuacct # cpuacct
mount -t cgroup -o cpuset,nodev,noexec,nosuid cgroup /dev/cpuset # cpuset
mount -t cgroup -o memory,nodev,noexec,nosuid cgroup /dev/memcg # memory
mount -t cgroup -o schedtune,nodev,noexec,nosuid cgroup /dev/stune # schedtune
mount -t cgroup -o devices,nodev,noexec,nosuid cgroup /dev/devices # devices
mount -t cgroup -o freezer,nodev,noexec,nosuid cgroup /dev/freezer # freezer
mount -t cgroup -o hugetlb,nodev,noexec,nosuid cgroup /dev/hugetlb # hugetlb
mount -t cgroup -o net_cls,nodev,noexec,nosuid cgroup /dev/net_cls # net_cls
mount -t cgroup -o net_prio,nodev,noexec,nosuid cgroup /dev/net_prio # net_prio
mount -t cgroup -o perf_event,nodev,noexec,nosuid cgroup /dev/perf_event # perf_event
mount -t cgroup -o pids,nodev,noexec,nosuid cgroup /dev/pids # pids
mount -t cgroup -o rdma,nodev,noexec,nosuid cgroup /dev/rdma # rdma
chown system:system /dev/blkio # blkio
chown system:system /dev/cpu # cpu
chown system:system /dev/cpuset # cpuset
chown system:system /dev/memcg # memory
chown system:system /dev/stune # schedtune
chown system:system /dev/devices # devices
chown system:system /dev/freezer # freezer
chown system:system /dev/hugetlb # hugetlb
chown system:system /dev/net_cls # net_cls
chown system:system /dev/net_prio # net_prio
chown system:system /dev/perf_event # perf_event
chown system:system /dev/pids # pids
chown system:system /dev/rdma # rdma
chmod 0755 /dev/blkio # blkio
chmod 0755 /dev/cpu # cpu
chmod 0555 /dev/cpuacct # cpuacct
chmod 0755 /dev/cpuset # cpuset
chmod 0755 /dev/memcg # memory
chmod 0755 /dev/stune # schedtune
chmod 0755 /dev/devices # devices
chmod 0755 /dev/freezer # freezer
chmod 0755 /dev/hugetlb # hugetlb
chmod 0755 /dev/net_cls # net_cls
chmod 0755 /dev/net_prio # net_prio
chmod 0755 /dev/perf_event # perf_event
chmod 0755 /dev/pids # pids
chmod 0755 /dev/rdma # rdma

# ip route
ip rule add pref 1 from all lookup main
ip rule add pref 2 from all lookup default

cat >/etc/cgroups.json <<'END'
{"Cgroups": [
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/blkio", "Controller": "blkio"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/cpu", "Controller": "cpu"},
{"Mode": "0555", "Path": "/dev/cpuacct", "Controller": "cpuacct"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/cpuset", "Controller": "cpuset"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/memcg", "Controller": "memory"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/stune", "Controller": "schedtune"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/devices", "Controller": "devices"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/freezer", "Controller": "freezer"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/hugetlb", "Controller": "hugetlb"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/net_cls", "Controller": "net_cls"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/net_prio", "Controller": "net_prio"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/perf_event", "Controller": "perf_event"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/pids", "Controller": "pids"},
{"UID": "system", "GID": "system", "Mode": "0755", "Path": "/dev/rdma", "Controller": "rdma"}
], "Cgroups2": {"UID": "root", "GID": "root", "Mode": "0600", "Path": "/dev/cg2_bpf"}}
END

# setup dns nameserver and docker images registry
echo "{\"registry-mirrors\":[\"https://docker.mirrors.ustc.edu.cn\"],\"experimental\":false,\"storage-driver\":\"overlay2\",\"data-root\":\"/mnt/f2fs\",\"live-restore\":true,\"log-level\":\"warn\"}" >/etc/docker/daemon.json

echo "127.0.0.1 localhost" >>/etc/hosts
echo "1" >/proc/sys/net/ipv4/ip_forward
mkdir /dev/cpuset/background # cpuset
echo "0" >/dev/cpuset/background/cpuset.mems # cpuset
mkdir /usr/lib
echo "NAME=OpenHarmony
ID=openharmony
PRETTY_NAME=\"OpenHarmony 3.1\"" >/usr/lib/os-release
if [ -e /sys/fs/selinux/enforce ]; then
    echo 0 >/sys/fs/selinux/enforce
fi
