#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
# shellcheck disable=SC2317 # called by wait_for
#
# What the profile "dockerd" puts right before a start, what it waits for instead, and what it says of an end: each with the
# real dockerd, and each as a power cut, a person or a failing board leaves it.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"
# shellcheck source=docker.sh
source "$edge_here/docker.sh"

state_dir=/data/service/el1/public/edgeinit
quick='{"version": 1, "services": {"dockerd": {"restart": {"delay": "50ms", "max_delay": "1s"}}}}'

# woken COMMAND...: it brings dockerd, and soon
woken()
{
    local began=${EPOCHREALTIME/./}
    "$@"
    wait_for 30 on_its_way || return 1
    diag "started after $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
    wait_for 30 state_is ready
}

on_its_way()
{
    [[ $(service dockerd state) =~ ^(starting|ready)$ ]]
}

# impostor PID: a program called dockerd that has this number, which must be free; in the background, its pid in $stranger
impostor()
{
    /usr/bin/python3 -I - "$1" "$work/bin/dockerd" <<'EOF2'
import ctypes, os, sys
number = ctypes.c_int(int(sys.argv[1]))
# struct clone_args: only set_tid and its size (clone3(2), Linux 5.5)
words = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 0, 0, 0, 0, ctypes.addressof(number), 1, 0)
pid = ctypes.CDLL(None, use_errno=True).syscall(435, ctypes.byref(words), ctypes.sizeof(words))
if pid == 0:
    os.setsid()
    os.execl(sys.argv[2], "dockerd", "1000")
sys.exit(pid < 0)
EOF2
    stranger=$1
    wait_for 10 grep -qsx dockerd "/proc/$stranger/comm"
}

# note_field NUMBER VALUE: in the note of who wrote docker.pid
note_field()
{
    awk -v field="$1" -v value="$2" '{ $field = value; print }' "$state_dir/dockerd/pid" >"$work/note"
    cat "$work/note" >"$state_dir/dockerd/pid"
}

# The number in docker.pid is that of a living dockerd: is it the one that wrote it?
stage_numbers()
{
    local pid boot before
    docker_manifests <<<"$quick" || return
    up_docker
    mkdir "$work/bin"
    cp /bin/sleep "$work/bin/dockerd"
    boot=$(</proc/sys/kernel/random/boot_id)
    pid=$(</var/run/docker.pid)
    ok "who wrote docker.pid is noted" wait_for 10 grep -qs "^$pid [1-9][0-9]* $boot " "$state_dir/dockerd/pid" ||
        diag "$(cat "$state_dir/dockerd/pid")"
    before=$(<"$state_dir/dockerd/pid")

    # stop_docker would let dockerd remove its file.
    left_behind()
    {
        stop_docker
        echo -n "$pid" >/var/run/docker.pid
        touch --date="@${before##* }" /var/run/docker.pid
        printf '%s\n' "$before" >"$state_dir/dockerd/pid"
        note_field 4 "$(stat -c %i /var/run/docker.pid)"
    }

    diag "its number was given to a dockerd that was started later"
    left_behind
    impostor "$pid"
    is "$?" 0 "it has the number $pid" || diag "no program could be given that number"
    edge start dockerd
    is "$status" 0 "dockerd is ready all the same" || diag "$err" "$(service dockerd cause)"
    ok "which is told" logged "docker.pid was stale (who wrote it has ended; a dockerd that was started later has the number $pid)"
    ok "and the other one lives" kill -0 "$stranger"

    diag "the same, by somebody who writes docker.pid"
    left_behind
    touch /var/run/docker.pid
    try_docker
    ok "dockerd is parked" wait_for 10 parked docker-running || diag "$(service dockerd state cause)"
    is "$(</var/run/docker.pid)" "$pid" "docker.pid is left alone"
    ok "and the other one lives" kill -0 "$stranger"
    stop_docker

    diag "it is the dockerd that wrote it"
    left_behind
    note_field 2 "$(awk '{print $22}' "/proc/$stranger/stat")"
    try_docker
    ok "dockerd is parked" wait_for 10 parked docker-running || diag "$(service dockerd state cause)"

    diag "it looks like that, but there was a reboot"
    left_behind
    note_field 2 "$(awk '{print $22}' "/proc/$stranger/stat")"
    note_field 3 00000000-1111-2222-3333-444444444444
    edge start dockerd
    is "$status" 0 "dockerd is ready" || diag "$err" "$(service dockerd cause)"
    ok "which is told" logged "docker.pid was stale (it was written before a reboot, not by the dockerd that now has the number $pid)"
    ok "and the other one lives" kill -0 "$stranger"
    kill -KILL "$stranger"

    diag "it is that of a dockerd with a pid file of its own"
    stop_docker
    echo '{}' >"$work/other.json"
    dockerd --config-file "$work/other.json" --data-root /mnt/f2fs/other --exec-root /var/run/other --bridge none --iptables=false \
        --pidfile "$work/other.pid" -H unix:///var/run/other.sock >"$work/other" 2>&1 &
    stranger=$!
    ok "another dockerd runs" wait_for 30 docker_ping /var/run/other.sock || diag "$(tail -3 "$work/other")"
    echo -n "$stranger" >/var/run/docker.pid
    edge start dockerd
    is "$status" 0 "dockerd is ready beside it" || diag "$err" "$(service dockerd cause)"
    ok "which is told" logged "docker.pid was stale (another pid file is that of the dockerd with the number $stranger)"
    ok "and the other one still answers" docker_ping /var/run/other.sock
    kill -TERM "$stranger"
    wait "$stranger" 2>/dev/null
    down_docker
}

stage_leftovers()
{
    local pid stranger
    docker_manifests <<<"$quick" || return
    up_docker
    mkdir "$work/bin"
    cp /bin/sleep "$work/bin/dockerd"

    diag "docker.pid"
    stop_docker
    sleep 1000 &
    stranger=$!
    echo -n "$stranger" >/var/run/docker.pid
    edge start dockerd
    is "$status" 0 "with the number of a stranger" || diag "$err"
    ok "which is told" logged "docker.pid was stale (no dockerd has the number $stranger)"
    kill -0 "$stranger"
    is "$?" 0 "the stranger lives"
    stop_docker
    echo 'torn' >/var/run/docker.pid
    edge start dockerd
    is "$status" 0 "with no number in it"
    stop_docker
    unshare --pid --fork "$work/bin/dockerd" 1000 2>/dev/null &
    stranger=$!
    ok "another dockerd runs in a container" wait_for 10 pgrep -P "$stranger" -x dockerd
    pid=$(pgrep -P "$stranger" -x dockerd)
    echo -n "$pid" >/var/run/docker.pid
    edge start dockerd
    is "$status" 0 "whose number is another one there" || diag "$err"
    kill -KILL "$pid"
    is "$?" 0 "and lives"

    diag "another dockerd runs already"
    stop_docker
    echo '{}' >"$work/other.json"
    dockerd --config-file "$work/other.json" --data-root /mnt/f2fs/other --exec-root /var/run/other --bridge none --iptables=false \
        -H unix:///var/run/other.sock >"$work/other" 2>&1 &
    stranger=$!
    ok "it does" wait_for 30 docker_ping /var/run/other.sock || diag "$(tail -3 "$work/other")"
    is "$(</var/run/docker.pid)" "$stranger" "(and has written its number)"
    try_docker
    ok "ours is parked" wait_for 10 parked docker-running || diag "$(service dockerd state cause)"
    edge status
    like "$out" "docker-running: another dockerd runs already, with pid $stranger" "status says so"
    like "$out" "kill $stranger" "and what to do"
    ok "it ends, and ours is started" woken kill -TERM "$stranger"
    is "$(cat /var/run/docker.pid)" "$(service dockerd pid)" "docker.pid is ours"

    diag "containerd.pid"
    stop_docker
    sleep 1000 &
    stranger=$!
    echo -n "$stranger" >/var/run/docker/containerd/containerd.pid
    edge start dockerd
    is "$status $(service dockerd restarts)" "0 $(service dockerd restarts)" "with the number of a stranger" || diag "$err"
    unlike "$(<"$work/log")" 'timeout waiting for containerd' "it is not waited for"
    kill -0 "$stranger"
    is "$?" 0 "the stranger lives"
    stop_docker
    printf 'tor\0' >/var/run/docker/containerd/containerd.pid
    edge start dockerd
    is "$status" 0 "with no number in it"
    stop_docker
    setsid containerd --config /var/run/docker/containerd/containerd.toml >/dev/null 2>&1 &
    stranger=$!
    ok "with the containerd of a dead dockerd" wait_for 10 test -S /var/run/docker/containerd/containerd.sock
    echo -n "$stranger" >/var/run/docker/containerd/containerd.pid
    edge start dockerd
    is "$status" 0 "it is ready" || diag "$err"
    ok "that containerd is ended" wait_for 10 gone "$stranger"
    unlike "$(<"$work/log")" 'timeout waiting for containerd' "and none was waited for"

    diag "a directory in the socket's place"
    stop_docker
    rm -f /var/run/docker.sock
    mkdir /var/run/docker.sock
    edge start dockerd
    is "$status" 0 "an empty one goes" || diag "$err"
    stop_docker
    rm -f /var/run/docker.sock
    mkdir -p /var/run/docker.sock/precious
    try_docker
    ok "one with something in it stays" wait_for 20 cause_is socket-directory || diag "$(service dockerd state cause)"
    ok "(it does)" test -d /var/run/docker.sock/precious
    ok "without it dockerd is started" woken rmdir /var/run/docker.sock/precious
    down_docker
    is "$(grep -c 'could not be prepared' "$work/log")" 0 "no preparation failed"
}

stage_config()
{
    local whole
    docker_manifests <<<"$quick" || return
    up_docker
    # What a person adds.
    /usr/bin/python3 -I - "$config" <<'EOF2'
import json, sys
d = json.load(open(sys.argv[1]))
d["max-concurrent-downloads"] = 2
json.dump(d, open(sys.argv[1], "w"))
EOF2
    edge restart dockerd
    is "$status" 0 "a person adds something to daemon.json"
    whole=$(json d "$config")
    is "$(json d "$state_dir/good$config")" "$whole" "it is kept"

    diag "torn"
    truncate -s 20 "$config"
    edge restart dockerd
    is "$status" 0 "dockerd is ready all the same" || diag "$err"
    is "$(json d "$config")" "$whole" "daemon.json is what it was, with what the person added"
    is "$(stat -c %s "$config.broken")" 20 "the torn one is kept aside"
    ok "and named" logged "$config was no JSON .* kept as /etc/docker/daemon.json.broken"
    : >"$config"
    edge restart dockerd
    is "$status $(json d "$config")" "0 $whole" "empty"
    head -c 300 /dev/zero >"$config"
    edge restart dockerd
    is "$status $(json d "$config")" "0 $whole" "full of zeros"

    diag "torn before bring-up"
    down_docker
    truncate -s 30 "$config"
    edge plan "${shipped[@]}"
    like "$out" "~ file $config +\(is not JSON; kept aside" "plan tells"
    up_docker
    is "$(json d "$config")" "$whole" "what the person added is still there"

    diag "not torn, but wrong"
    echo '{"no-such-directive": 1, "data-root": "/mnt/f2fs/docker"}' >"$config"
    edge restart --no-wait dockerd
    ok "dockerd is parked" wait_for 20 parked config-invalid || diag "$(service dockerd state cause)"
    edge status
    like "$out" 'no-such-directive' "status names the key"
    is "$(json d "$config")" '{"data-root": "/mnt/f2fs/docker", "no-such-directive": 1}' "the file is left to whoever wrote it"
    ok "mended, it is started" woken eval "echo '$whole' >$config.new && mv $config.new $config"
    down_docker
}

stage_tcp()
{
    # Without -H: dockerd refuses hosts that are said in both places.
    docker_manifests <<'EOF2' || return
{"version": 1, "services": {"dockerd": {"command": ["/usr/sbin/dockerd", "--config-file", "/etc/docker/daemon.json"],
  "restart": {"delay": "50ms"}}}}
EOF2
    up_docker
    edge_add='import json, sys
d = json.load(open(sys.argv[1]))
d.update(json.loads(sys.argv[2]))
json.dump({k: v for k, v in d.items() if v is not None}, open(sys.argv[1], "w"))'

    diag "somebody opens a port"
    /usr/bin/python3 -I -c "$edge_add" "$config" '{"hosts": ["unix:///var/run/docker.sock", "tcp://127.0.0.1:2375"]}'
    edge restart --no-wait dockerd
    ok "dockerd is parked" wait_for 20 parked insecure-tcp || diag "$(service dockerd state cause)"
    unlike "$(awk '$4 == "0A" {print $2}' /proc/net/tcp)" ':0947' "and the port is closed"
    edge status
    like "$out" 'insecure-tcp: "tcp://127.0.0.1:2375" in /etc/docker/daemon.json' "status says where"
    sed -i 's/^.*$/{"version": 1, "services": {"dockerd": {"command": ["\/usr\/sbin\/dockerd", "--config-file", "\/etc\/docker\/daemon.json"], "restart": {"delay": "50ms"}, "insecure_tcp": true}}}/; 2,$d' "$work/overlay.json"

    diag "the manifest allows it"
    kill -HUP "$daemon"
    ok "dockerd is ready" wait_for 60 state_is ready || diag "$(tail -20 "$work/log")"
    like "$(awk '$4 == "0A" {print $2}' /proc/net/tcp)" ':0947' "and listens"
    ok "which is warned about" logged 'warning: dockerd: "tcp://127.0.0.1:2375" makes everybody root'
    is "$(service dockerd insecure_tcp)" 'tcp://127.0.0.1:2375' "status --json tells"
    edge status
    like "$out" $'\n    insecure: tcp://127.0.0.1:2375 makes everybody root who reaches that port\n' "and status"
    like "$(TERM=xterm script -qec "$EDGEINIT status" /dev/null)" $'\033\\[31m    insecure: ' "in red on a terminal"

    diag "with certificates"
    if ! command -v openssl >/dev/null; then
        skip "openssl is not installed" 6
        down_docker
        return
    fi
    mkdir "$work/tls"
    (
        cd "$work/tls" || exit
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=ca -keyout ca-key.pem -out ca.pem
        for name in server client; do
            openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout "$name-key.pem" -out "$name.csr"
            openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 30 -out "$name.pem" \
                -extfile <(echo "subjectAltName=IP:127.0.0.1"; echo "extendedKeyUsage=${name}Auth")
        done
    ) >/dev/null 2>&1
    manifest overlay <<EOF2
{"version": 1, "services": {"dockerd": {"command": ["/usr/sbin/dockerd", "--config-file", "/etc/docker/daemon.json"],
  "restart": {"delay": "50ms"}}}}
EOF2
    /usr/bin/python3 -I -c "$edge_add" "$config" "{\"hosts\": [\"unix:///var/run/docker.sock\", \"tcp://127.0.0.1:2376\"],
        \"tlsverify\": true, \"tlscacert\": \"$work/tls/ca.pem\", \"tlscert\": \"$work/tls/server.pem\", \"tlskey\": \"$work/tls/late.pem\"}"
    kill -HUP "$daemon"
    edge restart --no-wait dockerd
    ok "a file of it is not there yet: parked" wait_for 20 parked tls-files || diag "$(service dockerd state cause)"
    ok "it comes, and dockerd is started" woken mv "$work/tls/server-key.pem" "$work/tls/late.pem"
    is "$(service dockerd insecure_tcp)" '' "nothing is insecure"
    ok "who has a certificate is let in" docker --host tcp://127.0.0.1:2376 --tlsverify --tlscacert "$work/tls/ca.pem" \
        --tlscert "$work/tls/client.pem" --tlskey "$work/tls/client-key.pem" version
    ok "who has none is not" eval "! docker --host tcp://127.0.0.1:2376 --tls --tlscacert $work/tls/ca.pem version"
    down_docker
}

# unmount and mount, by hand
card()
{
    case $1 in
    away) umount --recursive /mnt/f2fs ;;
    back) mount "$BOARD_CARD" /mnt/f2fs ;;
    esac
}

stage_root()
{
    local note
    docker_manifests <<<"$quick" || return
    up_docker

    diag "the card is taken out"
    stop_docker
    ok "nothing holds it" wait_for 10 card away
    try_docker
    ok "dockerd is parked" wait_for 10 parked data-root-missing || diag "$(service dockerd state cause)"
    edge status
    like "$out" 'data-root-missing: nothing is mounted at /mnt/f2fs, where the data-root /mnt/f2fs/docker is to be' "status says why"
    is "$(ls -A /mnt/f2fs)" '' "nothing is written under the mount point"
    ok "it comes back, and dockerd is started" woken card back
    is "$(docker info --format '{{.DockerRootDir}}')" /mnt/f2fs/docker "with its data"

    diag "one that the manifest does not mount"
    down_docker
    mkdir -p /data/other
    mount -t tmpfs tmpfs /data/other
    manifest overlay <<'EOF2'
{"version": 1, "host": {"files": [{"path": "/etc/docker/daemon.json", "json": {"storage-driver": "overlay2",
  "data-root": "/data/other/docker", "exec-opts": ["native.cgroupdriver=cgroupfs"], "live-restore": true}}]}}
EOF2
    up_docker
    note=$state_dir/dockerd/data-root
    is "$(<"$note")" $'/data/other/docker\n/data/other' "what was mounted is remembered"
    stop_docker
    ok "it is unmounted" wait_for 10 umount --recursive /data/other
    try_docker
    ok "dockerd is parked" wait_for 10 parked data-root-missing || diag "$(service dockerd state cause)"
    is "$(ls -A /data/other)" '' "nothing is written under the mount point"
    ok "it comes back, and dockerd is started" woken mount -t tmpfs tmpfs /data/other
    stop_docker
    wait_for 10 umount --recursive /data/other
    try_docker
    wait_for 10 parked data-root-missing
    rm "$note"
    edge start dockerd
    is "$status" 0 "or it is meant so: without the note it is started" || diag "$err"
    is "$(<"$note")" $'/data/other/docker\n/data' "which is remembered then" || is "$(<"$note")" $'/data/other/docker\n/' "(no mount)"
    down_docker
}

# broken NAME FILE WHAT...: this database of docker's, spoilt by the command; it must be ready again, the file moved aside
spoilt()
{
    local code=$1 file=$2 what=$3 count
    shift 3
    stop_docker
    rm -f "$file".broken.*
    count=$(grep -c "$code" "$work/log")
    "$@"
    try_docker
    ok "$what: dockerd is ready" wait_for 60 state_is ready || diag "$(service dockerd state cause reason)" "$(tail -5 "$work/log")"
    ok "the file was moved aside" test -e "$file.broken.1"
    ok "which was told" test "$(grep -c "$code" "$work/log")" -gt "$count"
    rm -f "$file".broken.*
}

garbage()
{
    head -c 5000 /dev/urandom >"$1"
}

# A page in the middle that was never written.
zeros()
{
    dd if=/dev/zero of="$1" bs=4096 seek=2 count=6 conv=notrunc status=none
}

stage_databases()
{
    local root=/mnt/f2fs/docker container pid
    docker_manifests <<<"$quick" || return
    up_docker
    import_image
    container=$(docker create busybox sleep 1000)
    spoilt network-db-corrupt "$root/network/files/local-kv.db" "the networks' database is garbage" \
        garbage "$root/network/files/local-kv.db"
    spoilt network-db-corrupt "$root/network/files/local-kv.db" "it has holes" zeros "$root/network/files/local-kv.db"
    spoilt network-db-corrupt "$root/network/files/local-kv.db" "it is cut off" truncate -s 9000 "$root/network/files/local-kv.db"
    is "$(docker run --rm -p 8090:80 busybox echo works)" works "containers and their ports can be made"
    ok "the container that was there can be started" docker start "$container"
    pid=$(docker inspect --format '{{.State.Pid}}' "$container")
    spoilt build-cache-corrupt "$root/buildkit/cache.db" "the build cache's database is garbage" garbage "$root/buildkit/cache.db"
    spoilt build-cache-corrupt "$root/buildkit/containerdmeta.db" "another one" garbage "$root/buildkit/containerdmeta.db"

    diag "the networks' database while a container runs: docker would make no network at all"
    stop_docker
    garbage "$root/network/files/local-kv.db"
    try_docker
    ok "it is told" wait_for 30 cause_is network-db-corrupt || diag "$(service dockerd state cause reason)"
    # Between two tries it is "starting".
    ok "and what to do" wait_for 10 status_says 'reboot the board, or end its containers' || diag "$("$EDGEINIT" status)"
    ok "it is left alone" test ! -e "$root/network/files/local-kv.db.broken.1"
    is "$(cat "/proc/$pid/comm")" sleep "the container lives on"
    kill -KILL "$pid"
    ok "it ends, and dockerd is ready" wait_for 60 state_is ready || diag "$(service dockerd state cause reason)"
    is "$(docker run --rm busybox echo works)" works "and containers can be made"
    docker rm -f "$container" >/dev/null

    diag "one that cannot be made anew"
    stop_docker
    cp "$root/volumes/metadata.db" "$work/metadata.db"
    garbage "$root/volumes/metadata.db"
    try_docker
    ok "it is named" wait_for 20 cause_is metadata-corrupt || diag "$(service dockerd state cause)"
    ok "and left alone" test ! -e "$root/volumes/metadata.db.broken.1"
    cp "$work/metadata.db" "$root/volumes/metadata.db"
    ok "with a good one dockerd is ready" wait_for 30 state_is ready
    down_docker
}

stage_ends()
{
    local more=0
    docker_manifests <<<"$quick" || return
    up_docker

    diag "a file system that is read-only"
    stop_docker
    umount /mnt/f2fs/docker 2>/dev/null
    ok "nothing writes on it" wait_for 10 mount -o remount,ro /mnt/f2fs
    try_docker
    ok "is told" wait_for 20 parked data-root-readonly || diag "$(service dockerd state cause reason)" "$(tail -5 "$work/log")"
    mount -o remount,rw /mnt/f2fs
    edge start dockerd
    is "$status" 0 "a person starts it again"

    diag "a full one"
    stop_docker
    rm -rf /mnt/f2fs/docker/tmp
    head -c 10G /dev/zero >/mnt/f2fs/fill 2>/dev/null
    while mkdir -p "/mnt/f2fs/more/$((++more))" 2>/dev/null && ((more < 100000)); do :; done
    try_docker
    ok "is told" wait_for 20 cause_is no-space || diag "$(service dockerd state cause reason)" "$(tail -5 "$work/log")"
    ok "with room there is dockerd again" woken rm -rf /mnt/f2fs/fill /mnt/f2fs/more

    diag "no devices hierarchy"
    stop_docker
    umount /sys/fs/cgroup/devices
    try_docker
    ok "is told" wait_for 20 cause_is devices-cgroup || diag "$(service dockerd state cause reason)"
    mount -t cgroup -o devices cgroup /sys/fs/cgroup/devices
    ok "dockerd is ready" wait_for 30 state_is ready
    down_docker
}

on_board leftovers
on_board numbers
on_board config
on_board tcp
on_board root
on_board databases
on_board ends
done_testing
