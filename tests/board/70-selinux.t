#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The policy of sepolicy/ over the reduced base, enforcing from the first moment on: the shipped manifests, dockerd and
# containers, without one denial in the kernel log; then what is refused, and how edgeinit tells.

# shellcheck disable=SC2154 # dir, patience and their like come from lib.sh
set -uo pipefail
# shellcheck source=lib.sh
source "$(dirname "$(readlink -f "$0")")/lib.sh"

card=/dev/block/mmcblk0p1
content=u:object_r:edge_content_file:s0
shipped dayu200
cp "$board_root/out/board/image.tar" "$dir/data/local/tmp/"

domain()
{
    on "tr -d '\\000' </proc/$1/attr/current"
}

label()
{
    on "getfattr --absolute-names -h --only-values -n security.selinux $1 | tr -d '\\000'"
}

# apply JSON: as edgeinit, from a manifest of its own, where it may read one
manifest=/data/service/el1/public/edgeinit/other.json
apply()
{
    on "cat >$manifest <<'END'
$1
END
chmod 600 $manifest; edgeinit apply --manifest $manifest --run-dir /dev/edgeinit/other; echo code \$?"
}

ok "boot, enforcing" enforcing --append 'board.docker enforcing=1' || console
ok "dockerd is ready" on edgeinit wait-ready --timeout "${patience}s" dockerd || console
is "$(resources_left)" '' "all of the manifests is in place"
is "$(on cat /sys/fs/selinux/enforce)" 1 "enforcing"
is "$(on 'docker info --format "{{.Driver}} {{.CgroupVersion}} {{.DockerRootDir}} {{index .DriverStatus 0}}"')" \
    'overlay2 1 /mnt/f2fs [Backing Filesystem f2fs]' "dockerd uses what was made for it: overlay2 on f2fs"
is "$(on "cat /proc/$(service dockerd pid)/oom_score_adj")" -500 "dockerd's oom_score_adj"

diag "domains by transition, labels by file_contexts and by who made it"
is "$(domain 1)" u:r:init:s0 "init"
is "$(domain "$(on pidof edgeinit)")" u:r:edgeinit:s0 "edgeinit"
is "$(domain "$(on pidof edgeinit-keeper)")" u:r:edge_keeper:s0 "its keeper"
is "$(domain "$(service dockerd pid)")" u:r:edge_runtime:s0 "dockerd"
is "$(domain "$(on pidof containerd)")" u:r:edge_runtime:s0 "containerd"
is "$(label /)" u:object_r:rootfs:s0 "label of /"
is "$(label /data)" u:object_r:data_file:s0 "of /data"
is "$(label /data/service/el1/public/edgeinit)" u:object_r:edgeinit_data_file:s0 "of the state directory"
is "$(label /data/var)" $content "of /data/var"
is "$(label /dev/edgeinit)" u:object_r:edge_run_file:s0 "of the run directory"
is "$(label /mnt/f2fs)" $content "of the card"
is "$(label /etc/hosts)" u:object_r:edge_etc_file:s0 "of the staged /etc/hosts"
like "$(on grep f2fs /proc/mounts)" "context=$content" "the card is mounted with context="

diag "containers"
ok "docker import" on 'docker import /data/local/tmp/image.tar busybox'
# One container for as much as fits: to start one takes an emulated board longer than all that is done in it.
seen=$(on 'docker run --rm -v kept:/v busybox sh -c "cat /proc/self/attr/current; echo; echo x >/v/y; ls /v; \
    ping -c 1 127.0.0.1 && echo x >/dev/shm/x && mv /bin/id /bin/moved && cp /bin/busybox /bin/new && rm /bin/new && \
    cat /sys/class/net/eth0/address"' | tr -d '\0')
is "$(head -n 2 <<<"$seen")" $'u:r:edge_container:s0\ny' "a container's domain, a volume" || diag "$seen"
like "$(tail -n 1 <<<"$seen")" '^02:42' "network, shared memory, files of its own and of its image" || diag "$seen"
on 'docker run -d --init --name web -m 32m -p 8080:80 busybox sh -c "echo page >/tmp/index.html; httpd -f -p 80 -h /tmp"' >/dev/null
ok "a published port" wait_for "$patience" on 'wget -qO- http://127.0.0.1:8080/ | grep -q page'
like "$(on 'docker exec web ps')" 'docker-init' "docker exec, --init"
for what in pause unpause "kill -s HUP" "stop -t 2" rm; do
    ok "docker $what" on docker "$what" web
done
like "$(on 'docker run --rm --network host --read-only --tmpfs /t:exec --security-opt no-new-privileges -u 1000 --cap-drop ALL busybox \
    sh -c "cp /bin/busybox /t/busybox; /t/busybox echo ran; cat /proc/self/attr/current"' | tr -d '\0')" \
    'ran.*u:r:edge_container:s0' "no_new_privs, another user, no capabilities, a program on a tmpfs" 
dockerd=$(service dockerd pid restarts)
on 'kill -9 $(pidof edgeinit)'
ok "edgeinit is killed, and back" wait_for "$patience" on edgeinit wait-ready dockerd
is "$(service dockerd pid restarts)" "$dockerd" "dockerd did not notice"
denials=$(denied)
is "$denials" '' "not one denial: $(grep -c . <<<"$denials") of them"

diag "the card is pulled out, and put back"
card out
ok "dockerd is stopped" wait_for "$patience" service_is dockerd state waiting || diag "$(on edgeinit status; console | tail -20)"
card in
ok "it is ready again" wait_for "$patience" service_is dockerd state ready || diag "$(on edgeinit status; console | tail -20)"
is "$(denied)" '' "without a denial"

diag "two walls, which OpenHarmony has built for everybody"
seen=$(on 'docker run --rm busybox sh -c "rm /bin/cat 2>&1; echo code \$?; echo new >/bin/cat && mv /bin/ls /bin/dir && echo done"')
like "$seen" 'Permission denied.*code 1' "an image's file cannot be removed"
like "$seen" $'\ndone$' "but changed and renamed"
denials=$(denied)
like "$denials" 'denied +\{ rename \}.*scontext=u:r:edge_runtime:s0.*tclass=chr_file' "the runtime may not move the mark into place"
is "$(grep -v '{ rename }.*tclass=chr_file' <<<"$denials")" '' "without another denial"

like "$(on edgeinit doctor)" 'yes +selinux.dockerd +dockerd gets the domain u:r:edge_runtime:s0.*no +selinux.setfcap.*no +selinux.remove' \
    "doctor knows both walls" || diag "$(on edgeinit doctor)"
is "$(denied | grep -v '{ rename }.*tclass=chr_file')" '' "and tries the one, and has no other denial"

diag "what edgeinit says to a refusal"
like "$(apply '{"version": 1, "host": {"selinux": "permissive"}}')" 'does not allow setenforce.*code 1' "permissive: not here"
is "$(on cat /sys/fs/selinux/enforce)" 1 "still enforcing"
like "$(denied)" 'denied +\{ setenforce \}' "the policy refused it"
like "$(apply '{"version": 1, "host": {"mounts": [{"target": "/mnt/f2fs", "source": "'$card'", "type": "f2fs", "options": "context=u:object_r:edge_tmpfs_file:s0"}]}}')" \
    'its label cannot change.*umount /mnt/f2fs.*code 1' "another label on what is mounted"
like "$(apply '{"version": 1, "host": {"mounts": [{"target": "/mnt/new", "type": "tmpfs", "options": "context=u:object_r:nothing:s0"}]}}')" \
    'the loaded policy has no label u:object_r:nothing:s0.*code 1' "a label that the policy does not know"
denied >/dev/null

diag "a file that is written anew keeps its label"
on "echo '{}' >/data/var/kept.json; setfattr -n security.selinux -v u:object_r:edge_etc_file:s0 /data/var/kept.json"
like "$(apply '{"version": 1, "host": {"files": [{"path": "/data/var/kept.json", "json": {"a": 1}}]}}')" 'code 0' "written"
is "$(on cat /data/var/kept.json | tr -d ' \n')" '{"a":1}' "it is the new one"
is "$(label /data/var/kept.json)" u:object_r:edge_etc_file:s0 "with the old one's label"
is "$(denied)" '' "without a denial"

diag "defcontext=, for releases before 6.0"
on edgeinit stop dockerd
ok "the card is free" wait_for "$patience" on "umount /mnt/f2fs"
denied >/dev/null
like "$(apply '{"version": 1, "host": {"mounts": [{"target": "/mnt/f2fs", "source": "'$card'", "type": "f2fs", "options": "defcontext='$content'"}]}}')" \
    'code 0' "mounted"
is "$(label /mnt/f2fs)" $content "files without a label have it"
is "$(denied)" '' "without a denial"

is "$(on 'dmesg | grep -c "avc:.*granted"')" 0 "and nobody was permissive: no denial was let through"
done_testing
