#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh, daemon from services.sh
# shellcheck disable=SC2317 # functions called by wait_for and on_board
#
# edgecore's preparation, by the real daemon: its configuration, the token from the manifest to the day when it is used up,
# leftovers of a power cut, and all that it waits for. The edgecore here is a few lines of Python that do what the real one
# does with its configuration and its certificates; how the real one fails is another test's subject.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"

config=/etc/kubeedge/config/edgecore.yaml
state=/data/service/el1/public/edgeinit/edge
certificates=/etc/kubeedge/certs

# Three tokens, of a real one's form.
token_1=5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e.eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjQxMDI0NDQ4MDB9.AAAAfirstsignatureAAAA
token_2=${token_1/first/other}
token_3=${token_1/first/third}

# edgecore: notes "start NAME TOKEN|none" in $work/starts. It joins (writes certificates) when it has a token and the cloud
# ($work/cloud) is there; without certificates and cloud it ends with 1.
edgecore()
{
    program edgecore <<'EOF2'
#!/usr/bin/python3 -I
import os, re, signal, sys
if sys.argv[1:] == ["--version"]:
    print("KubeEdge v1.9.1")
    sys.exit(0)
text = open(next(a for a in sys.argv if a.startswith("--config="))[9:]).read()
value = lambda key: re.search(r"\b%s: \"?([^\"\n]*)" % key, text).group(1)
with open("/tmp/work/starts", "a") as file:
    file.write("start %s %s\n" % (value("hostnameOverride"), value("token")[-12:] or "none"))
pem = "-----BEGIN X-----\nAAAA\n-----END X-----\n"
paths = [value("tlsPrivateKeyFile"), value("tlsCertFile")]
if not all(os.path.exists(path) and "END" in open(path).read() for path in paths):
    if not value("token") or not os.path.exists("/tmp/work/cloud"):
        print("F1122 12:00:00.000000 %d certmanager.go:93] Error: token credentials are in the wrong format" % os.getpid())
        sys.exit(1)
    for path in paths:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w").write(pem)
signal.pause()
EOF2
}

# with EDGE-SECTION [SERVICE-KEYS]: the manifest $work/edge.json; edgecore reads $reads, or $config
with()
{
    local section=''
    [[ ! $1 ]] || section=", \"edge\": {$1}"
    manifest edge <<EOF2
{
  "version": 1,
  "services": {
    "edgecore": {"command": ["$work/edgecore", "--config=${reads:-$config}"], "profile": "edgecore",
                 "restart": {"delay": "100ms", "max_delay": "200ms"}${2:+, $2}}
  }$section
}
EOF2
}

# parked CODE: is the service parked for that reason?
parked()
{
    [[ $(service edgecore state cause) == "parked $1" ]]
}

# waits CODE NAME [REASON-REGEX]
waits()
{
    wait_for 10 parked "$1"
    tap_result $? "$2: $1" || diag "$("$EDGEINIT" status)" "$(tail -n 5 "$work/log")"
    [[ ! ${3:-} ]] || like "$(service edgecore reason remedy)" "$3" "$2: what was seen, and what to do"
}

# runs NAME
runs()
{
    wait_for 10 service_is edgecore state ready
    tap_result $? "$1" || diag "$("$EDGEINIT" status)" "$(tail -n 5 "$work/log")"
}

# started WORDS NAME: with these words was its last start; who runs has not said yet how
started()
{
    # shellcheck disable=SC2317 # called by wait_for
    last_start_is()
    {
        [[ $(tail -n 1 "$work/starts") == "$1" ]]
    }
    wait_for 10 last_start_is "$1"
    is "$(tail -n 1 "$work/starts")" "$1" "$2"
}

# again: stop the service and start it
again()
{
    "$EDGEINIT" stop edgecore >/dev/null
    "$EDGEINIT" start --no-wait edgecore >/dev/null
}

# with a manifest like that, and the daemon that reads it
load()
{
    with "$@"
    if [[ ! ${daemon:-} ]]; then
        up --manifest "$work/edge.json"
    else
        # Not by SIGHUP: what is asked for next must not be done with the manifest before.
        "$EDGEINIT" reload >/dev/null
    fi
}

logged()
{
    grep -qE -e "$1" "$work/log"
}

token_in_config()
{
    sed -n 's/^    token: "\(.*\)"$/\1/p' "$config"
}

# Every place of the board that the token could have got to: files, logs, what processes were started with.
where_is()
{
    grep -rlaF "$1" /data /etc /run /var /dev/shm "$work" 2>/dev/null | grep -v "^$0\$"
    grep -laF "$1" /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null
    "$EDGEINIT" status | grep -qF "$1" && echo status
    "$EDGEINIT" status --json | grep -qF "$1" && echo status --json
    "$EDGEINIT" logs edgecore 2>/dev/null | grep -qF "$1" && echo logs
}

# only FILE TOKEN: is it there, and nowhere else?
only()
{
    [[ $(where_is "$2") == "$1" ]]
}

nowhere()
{
    [[ ! $(where_is "$1") ]]
}

joined()
{
    [[ -e $state/joined && ! -e $state/joining ]]
}

here='"cloud": "10.0.0.5", "node": "edge-07", "address": "127.0.0.1", "token_file": "/data/token"'

stage_token()
{
    local text
    edgecore
    load ''
    waits not-configured 'without an "edge" section' 'add "edge": \{"cloud"'
    load "$here"
    waits token-missing "without a token" '/data/token holds no token run "keadm gettoken"'
    is "$(stat -c %a "$state")" 700 "what is known of the join is for nobody else's eyes"
    ok "nothing is written before it is started" test ! -e "$config"
    printf 'no token\n' >/data/token
    wait_for 10 parked token-malformed
    like "$(service edgecore reason)" '^/data/token does not hold a token' "a file with something else"

    diag "the join"
    install -m 0600 /dev/null /data/token.new
    printf '%s\n' "$token_1" >/data/token.new
    mv /data/token.new /data/token
    wait_for 10 test -s "$work/starts"
    started "start edge-07 ${token_1: -12}" "the token's file is written: edgecore is started with it"
    wait_for 10 parked token-malformed # the cloud says so here, by the words of edgecore's log
    is "$(token_in_config) $(stat -c %a "$config")" "$token_1 600" "the token is in the configuration, for root alone"
    is "$(where_is "$token_1")" $'/data/token\n'"$config" "and nowhere else but in its own file"
    touch "$work/cloud"
    "$EDGEINIT" start --no-wait edgecore >/dev/null
    wait_for 10 joined
    runs "the cloud is there: it runs"
    wait_for 10 nowhere "$token_1"
    is "$(where_is "$token_1")" '' "it has joined: the token is nowhere any more"
    is "$(<"$state/joined")" edge-07 "the name is remembered"
    ok "the token's file is gone" test ! -e /data/token
    ok "the log says both" wait_for 10 logged '/data/token removed'
    like "$(<"$work/log")" 'the node has joined as edge-07'$'\n''.*/data/token removed' "in that order"
    is "$(token_in_config)" '' "no token in the configuration"
    text=$(<"$config")
    again
    runs "it starts without a token"
    started "start edge-07 none" "it was not given one"
    is "$(<"$config")" "$text" "the configuration is the same"

    diag "the certificates are lost"
    rm "$certificates/server.key"
    install -m 0600 /dev/null /data/token
    printf '%s\n' "$token_1" >/data/token
    again
    waits token-used "the token comes back" 'run "keadm gettoken" on the cloud and write the new token to /data/token'
    is "$(token_in_config)" '' "a token that was used is never written again"
    : >"$certificates/server.crt"
    printf '%s\n' "$token_2" >/data/token
    runs "a new token: it joins again"
    started "start edge-07 ${token_2: -12}" "with that"
    wait_for 10 nowhere "$token_2"
    is "$(where_is "$token_2")" '' "and this one is nowhere, too"

    diag "another name"
    load "${here/edge-07/edge-08}"
    again
    waits name-changed "the name is not the join's" 'joined as edge-07, and is to be edge-08 now give it its name back'
    load "$here"
    again
    runs "the name comes back"
    load "${here/edge-07/edge-08}"
    again
    wait_for 10 parked name-changed
    printf '%s\n' "$token_3" >/data/token
    chmod 0644 /data/token
    runs "or a new token comes: it joins under the new name"
    started "start edge-08 ${token_3: -12}" "with that"
    wait_for 10 nowhere "$token_3"
    wait_for 10 joined
    # shellcheck disable=SC2012 # names are ours
    is "$(<"$state/joined") $(ls "$certificates" | tr '\n' ' ')" \
        'edge-08 server.crt server.crt.old.1 server.key server.key.old.1 ' "the old certificates are put aside"
    like "$(<"$work/log")" 'others than its owner may read the token; chmod 600' "a token's file that is open to all is told"

    diag "in the manifest itself"
    rm -r "$state" "$certificates"
    with "${here/\"token_file\": \"\/data\/token\"/\"token\": \"$token_1\"}"
    chmod 0600 "$work/edge.json"
    "$EDGEINIT" reload >/dev/null
    again
    runs "it joins with a token of the manifest"
    wait_for 10 joined
    rm "$certificates/server.crt"
    wait_for 10 only "$work/edge.json" "$token_1"
    is "$(where_is "$token_1")" "$work/edge.json" "which is in the manifest alone, then"
    down
}

stage_file()
{
    mkdir -p "$certificates"
    printf -- '-----BEGIN X-----\nAAAA\n-----END X-----\n' | tee "$certificates/server.key" >"$certificates/server.crt"
    edgecore
    load "$here"
    runs "a node that joined before edgeinit came"
    is "$(<"$state/joined")" edge-07 "its name is taken over"
    local text
    text=$(<"$config")

    diag "what others do to the configuration"
    sed -i "s/heartbeat.*//; s/^    token: .*/    token: \"$token_1\"/; \$a # by hand" "$config"
    again
    wait_for 10 test -e "$config.edited"
    runs "changed by hand"
    is "$(<"$config")" "$text" "it is written anew"
    like "$(<"$config.edited")" '# by hand$' "and what was there is kept"
    is "$(where_is "$token_1") $(stat -c %a "$config.edited")" " 600" "without its token"
    like "$(<"$work/log")" "$config was changed by somebody else: kept as $config.edited" "the log says so"
    head -c 300 "$config" >"$work/torn" && cat "$work/torn" >"$config"
    again
    runs "torn"
    is "$(<"$config")" "$text" "a torn one is whole again"
    load "$here, \"labels\": {\"site\": \"hall-2\"}, \"merge\": {\"modules\": {\"edgeHub\": {\"heartbeat\": 30}}}"
    rm "$config.edited"
    again
    runs "with labels and keys of its own"
    like "$(<"$config")" 'site: hall-2.*heartbeat: 30' "they are in it"
    ok "the manifest's change is nobody's edit" test ! -e "$config.edited"

    diag "what a power cut leaves"
    mkdir -p /var/lib/edged /var/lib/kubeedge /var/lib/dockershim/sandbox
    : >/var/lib/edged/cpu_manager_state
    echo garbage >/var/lib/kubeedge/edgecore.db
    : >/var/lib/dockershim/sandbox/0123456789abcdef
    printf '{"version":"v1","checksum":1}' >/var/lib/dockershim/sandbox/good
    again
    runs "with leftovers"
    # shellcheck disable=SC2012 # names are ours
    is "$(ls /var/lib/edged /var/lib/kubeedge /var/lib/dockershim /var/lib/dockershim/sandbox | tr '\n' ' ')" \
        "/var/lib/dockershim: sandbox sandbox-0123456789ab.broken.1  /var/lib/dockershim/sandbox: good  /var/lib/edged: cpu_manager_state.broken.1  /var/lib/kubeedge: edgecore.db.broken.1 " \
        "each is put aside, and what is good stays"
    is "$(grep -c 'put aside as' "$work/log")" 3 "and named in the log"

    diag "where the configuration cannot be"
    mkdir -p /srv/ro
    mount -t tmpfs -o ro tmpfs /srv/ro
    reads=/srv/ro/edge/edgecore.yaml load "$here, \"config\": \"/srv/ro/edge/edgecore.yaml\""
    again
    waits config-unwritable "on a read-only file system" 'bind a writable directory over /srv/ro/edge'
    load "$here, \"config\": \"/data/other.yaml\""
    again
    waits config-elsewhere "edgecore would read another file" 'let --config .* name the same file'
    down
}

stage_board()
{
    local holder
    mkdir -p "$certificates"
    printf -- '-----BEGIN X-----\nAAAA\n-----END X-----\n' | tee "$certificates/server.key" >"$certificates/server.crt"
    edgecore
    puppet
    load "$here"
    runs "a joined node"

    diag "ports"
    "$work/puppet" other serve=10350 >/dev/null &
    holder=$!
    wait_for 10 sh -c 'ss -ltn | grep -q 127.0.0.1:10350'
    again
    waits port-taken "10350 is taken" "pid $holder \(puppet\) listens at port 10350 end pid $holder"
    kill "$holder"
    wait "$holder" 2>/dev/null
    wait_for 20 service_is edgecore state ready
    runs "free again: it is tried without anybody's hand"
    "$work/puppet" other serve=10550 >/dev/null &
    holder=$!
    wait_for 10 sh -c 'ss -ltn | grep -q 127.0.0.1:10550'
    again
    waits port-taken "10550 is taken" "listens at port 10550"
    kill "$holder"

    diag "names"
    again
    runs "and free"
    cp /etc/hosts "$work/hosts"
    echo '10.1.1.1 elsewhere' >/etc/hosts
    again
    waits localhost "localhost has no address" '/etc/hosts has no address of localhost add the line'
    cat "$work/hosts" >/etc/hosts
    grep -q localhost /etc/hosts || echo '127.0.0.1 localhost' >>/etc/hosts
    runs "/etc/hosts is written: at once"
    load "${here/\"node\": \"edge-07\", /}"
    hostname localhost
    again
    waits no-name "a board that is called localhost" 'name the node: "edge": \{"node"'
    hostname edge-07
    again
    runs "the host name is the node's"

    diag "address"
    ip link add test0 type veth peer name test1
    ip link set test1 up
    ip link set test0 up
    load "${here/\"address\": \"127.0.0.1\"/\"interface\": \"test0\"}"
    again
    waits no-address "the interface has none" 'test0 has no address connect test0'
    ip addr add 10.77.0.2/24 dev test0
    runs "it comes: at once"
    is "$(sed -n 's/^    customInterfaceName: //p' "$config")" test0 "edgecore is told the interface"
    load "${here/\"address\": \"127.0.0.1\", /}"
    again
    waits no-route "neither interface nor address, and no route" 'connect the board, or name "interface"'
    ip route add default via 10.77.0.1
    runs "the route comes: at once"
    is "$(grep -c nodeIP "$config")" 0 "edgecore finds the address itself"
    ip route del default
    ip route add default via 10.77.0.1 table 77
    ip rule add priority 10 table 77
    again
    runs "a route in a table of its own, as OpenHarmony has them"
    is "$(sed -n 's/^    nodeIP: //p' "$config")" '"10.77.0.2"' "which edgecore would not see: it is told the address"

    diag "programs"
    load "$here" '"environment": {"PATH": "/nowhere"}'
    again
    waits helper-missing "no uname" 'uname is in none of /nowhere install uname'
    load "$here, \"merge\": {\"modules\": {\"edged\": {\"cgroupDriver\": \"systemd\"}}}" \
        '"after": ["dockerd"]}, "dockerd": {"command": ["/usr/bin/sleep", "1000"], "profile": "none"'
    again
    runs "docker's cgroup driver is not known where there is no dockerd"
    program dockerd <<<$'#!/bin/sh\nexec sleep 1000'
    load "$here, \"merge\": {\"modules\": {\"edged\": {\"cgroupDriver\": \"systemd\"}}}" \
        "\"after\": [\"dockerd\"]}, \"dockerd\": {\"command\": [\"$work/dockerd\"]"
    again
    waits cgroup-driver "two cgroup drivers" "edgecore's cgroup driver is systemd, docker's is cgroupfs"
    load "$here"
    printf '#!/bin/sh\nexit 3\n' >"$work/edgecore"
    again
    waits version-unknown "a program that does not tell its version" 'write it into the manifest: "edge": \{"version"'
    edgecore
    runs "another program: at once"
    down
}

# The preparation and the settling killed right before each call that puts a file in its place or takes one away, in turn, and
# the daemon with them; then another daemon. In the end the node has joined, the token is nowhere, and no file is half.
stage_kill()
{
    local n kept tracer half=0 left=0 many=0 lost=0 killed=0
    edgecore
    touch "$work/cloud"
    with "$here"
    mkdir -p "$state" "${config%/*}" "$certificates"
    for ((n = 1; n <= 12; n++)); do
        rm -rf "${state:?}"/* "${certificates:?}"/* "$config" "$work/starts" "$work/trace"
        install -m 0600 /dev/null /data/token
        printf '%s\n' "$token_1" >/data/token
        # Counted for each process by itself; the paths keep the daemon and the keeper out of it.
        ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -f -q -o "$work/trace" \
            -P "$state" -P "${config%/*}" -P /data/token -P "$state/joining" -e trace=renameat,unlink,unlinkat \
            -e "inject=renameat,unlink,unlinkat:signal=KILL:when=$n" \
            "$EDGEINIT" daemon --manifest "$work/edge.json" >>"$work/log" 2>&1 </dev/null &
        tracer=$!
        wait_for 20 sh -c "grep -q 'killed by SIGKILL' $work/trace || test -e $state/joined -a ! -e $state/joining -a ! -e /data/token && ! grep -q ${token_1: -12} $config"
        kept=$(grep -c 'killed by SIGKILL' "$work/trace")
        daemon=$("$EDGEINIT" status --json | json 'd["daemon"]["pid"]')
        kill -KILL "$daemon" "$tracer"
        wait "$tracer" 2>/dev/null
        wait_for 10 gone "$daemon" # which is not ours, and holds the place until it has ended
        killed=$((killed + (kept > 0)))
        [[ ! -e $config || $(tail -n 1 "$config") == '      enable: true' ]] || half=$((half + 1))
        "$EDGEINIT" daemon --manifest "$work/edge.json" >>"$work/log" 2>&1 </dev/null &
        daemon=$!
        wait_for 20 joined || lost=$((lost + 1))
        wait_for 20 nowhere "$token_1" || left=$((left + 1))
        # Handed out again only as long as there were no certificates.
        (($(grep -c "${token_1: -12}" "$work/starts") <= 2)) || many=$((many + 1))
        kill -TERM "$daemon"
        wait "$daemon"
        ((kept > 0)) || break
    done
    ok "$killed times killed, each time one call later" test "$killed" -ge 4
    is "$half $lost $left $many" '0 0 0 0' "no configuration is half, each joins, no token is left, none is handed out too often"
}

on_board token
on_board file
on_board board
on_board kill
done_testing
