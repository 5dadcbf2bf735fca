# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What bring-up makes of the root of a lap, as text by which contestants are compared; for busybox sh in that root.
# JSON is compared without its blanks; the numbers of mounts and devices are left out, and so is edgeinit's run directory.

while read -r _ _ _ root target options line; do
    echo "mount $target $root $options ${line#*- }"
done </proc/self/mountinfo | sort

find /data /dev /etc /mnt /opt /run /sys/fs/cgroup /tmp /usr /var \
    -path '/dev/edgeinit' -prune -o -path '/dev/*/*.*' -prune -o -path '/sys/fs/cgroup/*/*' -prune -o \
    -path '/data/service' -prune -o -type d -exec stat -c 'dir %n %a %u:%g' {} + | sort
for file in /etc/hosts /etc/cgroups.json /etc/docker/daemon.json /usr/lib/os-release; do
    stat -c 'file %n %a %u:%g' "$file"
    case $file in
    *.json) tr -d ' \n' <"$file" && echo ;;
    *) cat "$file" ;;
    esac
done
ls -A /etc /etc/docker /data/etc/docker /usr/lib
ip rule
ip -6 rule
cat /proc/sys/net/ipv4/ip_forward
[ ! -e /dev/cpuset/background ] || cat /dev/cpuset/background/cpuset.mems
