#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh, daemon and took from services.sh
# shellcheck disable=SC2317 # functions called by wait_for
#
# The daemon and its services: order, readiness, output, restarts, limits, status, its control socket under bad clients,
# its own end, and that it does nothing while nothing happens. The services are small scripts made here.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"

# shellcheck source=services.sh
source "$edge_here/services.sh"

# up_anew MANIFEST-OPTION...: up, with an empty log
up_anew()
{
    : >"$work/log"
    up "$@"
}

# logged REGEX COUNT: are there at least so many such lines in the log? What a service writes goes through its keeper and the
# daemon, which may have told of its end before.
logged()
{
    (($(grep -acE "$1" "$work/log") >= $2))
}

# Bring-up is over: its worker has ended.
has_applied()
{
    [[ $("$EDGEINIT" status --json | json 'd["applying"]') == false ]]
}

# Nothing is asked of the daemon, and the work of having been asked is over, sooner or later. One that looks for something again
# and again never sleeps for so long.
sleeps_through()
{
    local calls
    timeout 3 strace -qq -p "$daemon" -o "$work/idle" 2>/dev/null
    calls=$(grep -oE '^[a-z_0-9]+\(' "$work/idle" | tr -d '(' | sed s/epoll_pwait/epoll_wait/)
    [[ $calls == epoll_wait ]]
}

# less_memory_than KILOBYTES: when it has come to rest
less_memory_than()
{
    (($(awk '/^VmRSS/ {print $2}' "/proc/$daemon/status") < $1))
}

doctor_says()
{
    grep -E "$2" <<<"$("$EDGEINIT" doctor --manifest "$1")"
}

usual_programs()
{
    # A service that says when it starts and ends, and is ready when a file is there.
    program notifier <<'EOF2'
#!/usr/bin/python3 -I
import os, signal, socket, sys, time
name = sys.argv[1]
note = lambda what: open("/tmp/work/order", "a").write(f"{name} {what}\n")
def end(*_):
    note("ends")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
note("starts")
while not os.path.exists(f"/tmp/work/{name}.go"):
    time.sleep(0.01)
note("ready")
tell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
tell.sendto(b"STATUS=soon\n", os.environ["NOTIFY_SOCKET"])
tell.sendto(b"STATUS=now\nREADY=1\n", os.environ["NOTIFY_SOCKET"])
signal.pause()
EOF2
    program plain <<'EOF2'
#!/bin/bash
trap 'echo "$1 ends" >>/tmp/work/order; exit 0' TERM
echo "$1 starts" >>/tmp/work/order
while :; do sleep 1000 & wait; done
EOF2
    program deaf <<'EOF2'
#!/bin/bash
trap '' TERM
echo "$1 starts" >>/tmp/work/order
while :; do sleep 1000 & wait; done
EOF2
    program talker <<'EOF2'
#!/usr/bin/python3 -I
import sys, time
print("one line", flush=True)
print("to stderr", file=sys.stderr, flush=True)
sys.stdout.write("two ")
sys.stdout.flush()
time.sleep(0.05)
print("halves\nand a third", flush=True)
print("x" * 5000, flush=True)
print("umlaut \u00e4\u00f6\u00fc", flush=True)
print("the end", flush=True)
time.sleep(1000)
EOF2
}

stage_services()
{
    local daemon took pid before calls
    usual_programs
    manifest usual <<EOF2
{
  "version": 1,
  "services": {
    "third": {"command": ["$work/deaf", "third"], "after": ["second"], "stop": {"timeout": "400ms"}},
    "second": {"command": ["$work/plain", "second"], "after": ["first"], "restart": {"delay": "500ms"}, "stop": {"timeout": "60s"}},
    "first": {"command": ["$work/notifier", "first"], "ready": {"notify": true}, "stop": {"timeout": "60s"}},
    "talker": {"command": ["$work/talker"]},
    "missing": {"command": ["/nonexistent/program"], "restart": {"delay": "1h"}},
    "fragile": {"command": ["/bin/sleep", "100000"], "restart": {"delay": "1h"}}
  }
}
EOF2
    edge status
    is "$status $err" '3 edgeinit: error: no edgeinit daemon answers at /run/edgeinit/control.sock; start it with "edgeinit daemon", '\
'or name its --run-dir' "without a daemon: exit code 3, and what to do"
    edge wait-ready
    is "$status" 3 "wait-ready too"
    up_anew --manifest "$work/usual.json"

    diag "order and readiness"
    wait_for 5 grep -q first "$work/order"
    sleep 0.2
    is "$(<"$work/order")" 'first starts' "only the first has started"
    is "$(service first state) $(service second state) $(service third state)" 'starting waiting waiting' "their states"
    edge wait-ready --timeout 200ms first
    is "$status $err" '1 edgeinit: error: the daemon has not answered in time; "edgeinit status" says what it waits for' "wait-ready gives up"
    edge wait-ready nosuch
    is "$status $err" '1 edgeinit: error: there is no service "nosuch" in the manifest' "wait-ready of an unknown service"
    (
        "$EDGEINIT" wait-ready --timeout 200s third
        echo "exit code $?" >"$work/waited"
    ) &
    pid=$!
    sleep 0.2
    ok "wait-ready waits" test ! -e "$work/waited"
    touch "$work/first.go"
    wait "$pid"
    is "$(<"$work/waited")" 'exit code 0' "and returns when the service is ready"
    wait_for 5 grep -q third "$work/order"
    wait_for 5 grep -q second "$work/order"
    is "$(head -n 2 "$work/order") $(sort "$work/order" | tail -n 2)" $'first starts\nfirst ready second starts\nthird starts' \
        "the others start when the first is ready"
    is "$(grep -oE '^edgeinit: (first|second|third): ready' "$work/log")" \
        $'edgeinit: first: ready\nedgeinit: second: ready\nedgeinit: third: ready' "each after the one before"
    edge wait-ready --timeout 300ms
    is "$status" 1 "wait-ready of all of them: one cannot be started"

    diag "status"
    wait_for 5 has_applied
    wait_for 5 service_is missing state parked
    edge status
    like "$out" $'(^|\n)first +ready +for [0-9.]+ (ms|s|min), pid [0-9]+, 0 restarts' "a service that is ready" || diag "$out"
    like "$out" $'\nmissing +parked +for .*, 0 restarts: its program is missing: /nonexistent/program: No such file or directory' \
        "one that cannot be started, and why" || diag "$out"
    like "$out" $'\nedgeinit: pid '"$daemon, up [0-9.]+ (ms|s|min)" "the daemon itself"
    "$EDGEINIT" status --json >"$work/status.json"
    is "$(json '[s["name"] for s in d["services"]]' "$work/status.json" | tr -d '[]" ')" 'first,second,third,talker,missing,fragile' \
        "status --json has them in their order" || diag "$(<"$work/status.json")"
    is "$(json 'd["ok"], d["applying"], d["daemon"]["pid"]' "$work/status.json")" "[true, false, $daemon]" "and the daemon"
    is "$(json 'sorted(d["services"][4])' "$work/status.json" | tr -d '[]" ')" \
        'cause,keeper,last_end,name,pid,reason,restarts,since_ms,state' "and all keys"
    like "$(TERM=xterm script -qec "$EDGEINIT status" /dev/null)" $'\033\\[3' "colour on a terminal"
    unlike "$(NO_COLOR=1 TERM=xterm script -qec "$EDGEINIT status" /dev/null)" $'\033' "none with NO_COLOR"
    unlike "$(TERM=dumb script -qec "$EDGEINIT status" /dev/null)" $'\033' "none on a dumb terminal"
    unlike "$out" $'\033' "none in a pipe"

    diag "output"
    ok "it was all passed on" wait_for 5 grep -q '^talker: the end$' "$work/log"
    is "$(grep -a '^talker: ' "$work/log" | grep -v xxx | grep -vE '^talker: (ready|starting)')" 'talker: one line
talker: to stderr
talker: two halves
talker: and a third
talker: umlaut äöü
talker: the end' "line by line, with the name, whole lines also if they came in pieces"
    is "$(grep -a '^talker: x*$' "$work/log" | tr -dc x | wc -c)" 5000 "no byte of a long line is lost"
    ok "a line is not longer than it may be" test "$(grep -a '^talker: x*$' "$work/log" | awk '{print length}' | sort -n | tail -n 1)" -le 4010

    diag "a service that dies"
    kill -KILL "$(service fragile pid)"
    wait_for 5 service_is fragile state delayed
    edge status
    like "$out" $'\nfragile +delayed +for .*, 0 restarts, next try in [0-9.]+ (s|min|h): killed by signal 9 \(Killed\)' "status: why, and when again" ||
        diag "$out"
    pid=$(service second pid)
    before=${EPOCHREALTIME/./}
    kill -KILL "$pid"
    ok "it comes back" wait_for 5 restarted second 1
    wait_for 5 service_is second state ready
    ok "not before its delay, a fifth of which is jitter" test $(((${EPOCHREALTIME/./} - before) / 1000)) -ge 400
    is "$(service second state restarts) $(service first restarts)$(service third restarts)" 'ready 1 00' "counted, and the others let be"
    ok "it is another process" test "$(service second pid)" != "$pid"
    ok "nothing is left unreaped" wait_for 5 no_zombies "$daemon"
    # It is asked to end below: by then it has to mind that.
    second_started_again()
    {
        (($(grep -c '^second starts$' "$work/order") == 2))
    }
    wait_for 5 second_started_again
    kill -TERM "$(service first pid)"
    wait_for 5 restarted first 1
    wait_for 5 service_is first state ready
    is "$(service first state)" ready "one that notifies is ready again after it has said so again"

    diag "who may talk to it"
    "$EDGEINIT" daemon --manifest "$work/usual.json" >"$work/second" 2>&1
    is "$? $(tail -n 1 "$work/second")" '1 edgeinit: error: another edgeinit daemon holds '\
"/run/edgeinit/daemon.lock: pid $daemon; see \"edgeinit status\"" "a second daemon is refused"
    edge status
    is "$status" 0 "and the first has not noticed"
    is "$(stat -c %a /run/edgeinit/control.sock)" 600 "the socket's mode"
    setpriv --reuid nobody --clear-groups "$EDGEINIT" status >"$work/nobody" 2>&1
    is "$? $(<"$work/nobody")" '1 edgeinit: error: connect to /run/edgeinit/control.sock: Permission denied; '\
'only root may ask the daemon, and whom the manifest names in "control"' "another user is refused"
    chmod 666 /run/edgeinit/control.sock
    setpriv --reuid nobody --clear-groups "$EDGEINIT" status >"$work/nobody" 2>&1
    ok "also when the socket's mode would let them" test $? -ne 0
    chmod 600 /run/edgeinit/control.sock

    diag "idle"
    sleep 0.3
    ok "three seconds are one epoll_wait" wait_for 5 sleeps_through || diag "$(<"$work/idle")"

    diag "stop"
    : >"$work/order"
    down
    is "$status" 0 "SIGTERM: exit code 0"
    # The third ignores it, and says nothing.
    is "$(<"$work/order")" $'second ends\nfirst ends' "the others are asked"
    is "$(grep -E ': (stopping|ended:.* stopped)' "$work/log" | grep -oE '(first|second|third): (stopping|ended)' | uniq)" 'third: stopping
third: ended
second: stopping
second: ended
first: stopping
first: ended' "in reverse order, each when the one that comes after it is gone"
    like "$(<"$work/log")" 'third: does not stop within 400 ms, killed' "who ignores SIGTERM is killed"
    ok "not before its time is over" test "$took" -ge 400
    ok "and not much later" test "$took" -lt 30000
    ok "no service is left" wait_for 5 processes "^(/bin/bash|/usr/bin/python3 -I) $work/" 0
    # A keeper that gets no processor is not waited for.
    wait_for 5 processes edgeinit-keeper 0
    is "$(ls -I track /run/edgeinit /run/edgeinit/services/first | tr '\n' ' ')" '/run/edgeinit: daemon.lock services timeline  /run/edgeinit/services/first: log ' \
        "nothing is left but the logs and the timeline"
}

stage_blocked()
{
    local daemon took
    usual_programs
    manifest blocked <<EOF2
{
  "version": 1,
  "host": {
    "mounts": [{"target": "/mnt/c", "source": "/dev/block/none", "type": "tmpfs", "wait": "300ms"}],
    "directories": ["/data/fine", "/mnt/c/below"]
  },
  "services": {
    "free": {"command": ["$work/plain", "free"], "needs": ["/data/fine"]},
    "stuck": {"command": ["$work/plain", "stuck"], "needs": ["/mnt/c/below"]},
    "behind": {"command": ["$work/plain", "behind"], "after": ["stuck"]}
  }
}
EOF2
    up_anew --manifest "$work/blocked.json"
    edge wait-ready --timeout 60s free
    is "$status" 0 "a service that needs nothing of it is up"
    wait_for 5 grep -q free "$work/order"
    edge wait-ready --timeout 60s stuck
    is "$status $err" '1 edgeinit: error: stuck is blocked: a resource that it needs failed: mount /mnt/c failed; '\
'mend it, then "edgeinit reload"; "edgeinit status" and "edgeinit logs stuck" say more' "wait-ready: blocked, and by what"
    edge status
    like "$out" $'\nstuck +blocked +for .*: mount /mnt/c failed' "status says it" || diag "$out"
    like "$out" $'(^|\n)! mount /mnt/c +find device /dev/block/none|(^|\n)~ mount /mnt/c' "and what is wrong with the board" || diag "$out"
    like "$out" $'\nbehind +waiting ' "what comes after it waits"
    like "$(<"$work/log")" 'edgeinit: error: mount /mnt/c +gave up after' "the log says it" || diag "$(<"$work/log")"
    is "$(<"$work/order")" 'free starts' "only the free one was started"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

stage_limits()
{
    local daemon took pid
    usual_programs
    if [[ " $BOARD_CONTROLLERS " != *" memory "* ]]; then
        skip "no cgroup v1 memory controller on this host" 12
        return
    fi
    manifest limits <<EOF2
{
  "version": 1,
  "host": {"cgroups": {"controllers": ["memory", "pids"]}},
  "services": {
    "limited": {"command": ["$work/plain", "limited"], "cgroup": {"memory.limit_in_bytes": "64M", "pids.max": "10"},
                "oom_score_adj": 500, "rlimits": {"nofile": 123, "core": 0}, "environment": {"SAID": "a b", "PATH": "/bin"},
                "needs": ["/sys/fs/cgroup"]},
    "signals": {"command": ["/bin/grep", "-hE", "^Sig(Blk|Ign)", "/proc/self/status"], "restart": {"delay": "1h"}},
    "impossible": {"command": ["$work/plain", "impossible"], "cgroup": {"memory.limit_in_bytes": "much"}, "restart": {"delay": "1h"},
                   "needs": ["/sys/fs/cgroup"]}
  }
}
EOF2
    up_anew --manifest "$work/limits.json"
    edge wait-ready --timeout 60s limited
    is "$status" 0 "it runs" || diag "$(<"$work/log")"
    wait_for 5 grep -q limited "$work/order"
    pid=$(service limited pid)
    is "$(cat /sys/fs/cgroup/{memory/edgeinit-limited/memory.limit_in_bytes,pids/edgeinit-limited/pids.max})" $'67108864\n10' "limits are set"
    like " $(tr '\n' ' ' </sys/fs/cgroup/memory/edgeinit-limited/cgroup.procs)" " $pid " "its process is in the group of memory"
    like " $(tr '\n' ' ' </sys/fs/cgroup/pids/edgeinit-limited/cgroup.procs)" " $pid " "and in that of pids"
    is "$(<"/proc/$pid/oom_score_adj")" 500 "oom_score_adj"
    is "$(awk '/Max (open files|core file)/ {print $(NF - 2), $(NF - 1)}' "/proc/$pid/limits")" $'0 0\n123 123' "rlimits" ||
        diag "$(<"/proc/$pid/limits")"
    is "$(tr '\0' '\n' <"/proc/$pid/environ" | grep -E '^(SAID|PATH)=' | sort)" $'PATH=/bin\nSAID=a b' "environment"
    is "$(readlink "/proc/$pid/fd/0")" /dev/null "stdin is /dev/null"
    wait_for 5 logged '^signals: Sig' 2
    is "$(grep -E '^signals: Sig' "$work/log" | tr -s '\t ' ' ')" $'signals: SigBlk: 0000000000000000\nsignals: SigIgn: 0000000000000000' \
        "no signal is blocked or ignored"
    wait_for 5 service_is impossible state delayed
    like "$(<"$work/log")" 'impossible: set up cgroup edgeinit-impossible: ' "a limit that the kernel refuses is said"
    ok "and the service not started without it" test ! "$(grep impossible "$work/order")"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

stage_no_resource()
{
    local daemon took
    usual_programs
    manifest high <<EOF2
{"version": 1, "services": {"high": {"command": ["$work/plain", "high"], "oom_score_adj": -500, "rlimits": {"nofile": 9000000}}}}
EOF2
    up_anew --manifest "$work/high.json"
    edge wait-ready --timeout 60s high
    is "$status" 0 "a service starts although its limits cannot be set"
    ok "said in its log" wait_for 5 grep -q '^high: edgeinit: cannot set oom_score_adj to -500: Permission denied$' "$work/log" || diag "$(<"$work/log")"
    ok "said of the rlimit too" wait_for 5 grep -q '^high: edgeinit: cannot set limit nofile: Operation not permitted$' "$work/log"
    down
}

bad_clients()
{
    /usr/bin/python3 -I - "$1" <<'EOF2'
import os, random, socket, sys, time
PATH = "/run/edgeinit/control.sock"
random.seed(7)

def connect():
    client = socket.socket(socket.AF_UNIX)
    client.connect(PATH)
    client.settimeout(100)
    return client

def ask(data):
    """What the daemon answers, "" when it only closes."""
    client = connect()
    try:
        client.sendall(data)
        answer = b""
        while True:
            part = client.recv(65536)
            if not part:
                return answer.decode().strip()
            answer += part
    except (ConnectionError, BrokenPipeError):
        return ""

def garbage():
    for data in (b"{}\n", b"[]\n", b"null\n", b"\n", b"\0\0\0\n", b'{"verb": 1}\n', b'{"verb": "status', b'{"verb": "eat"}\n', b"a" * 4096,
                 b'{"verb": "wait-ready", "service": "' + b"x" * 200 + b'"}\n', b'{"verb": "wait-ready", "service": 5',
                 b"[" * 4000 + b"\n", b"\xff\xfe\xfd\n", b'{"verb": "status"}\n' + b"more" * 500):
        if not data.endswith((b"\n", b"a" * 4096, b"more")):
            client = connect()
            try:
                client.sendall(data)
            except OSError:
                pass
            client.close()
        else:
            ask(data)
    for _ in range(300):
        client = connect()
        try:
            client.sendall(random.randbytes(random.randrange(1, 3000)) + b"\n")
        except OSError:
            pass
        client.close()
    print(ask(b'{"verb": "eat"}\n'))
    print(ask(b"no json\n"))
    print(ask(b"a" * 4096))

def hang():
    """Sixteen that say nothing: they are told to go, others are let in again."""
    began = time.monotonic()
    clients = [connect() for _ in range(16)]
    for client in clients:
        answer = client.recv(1000).decode().strip()
    print(answer, 4 < time.monotonic() - began)

def unread():
    """Ask and never read; half a request; go away while the answer is made."""
    kept = []
    for _ in range(12):
        client = connect()
        client.sendall(b'{"verb": "status"}\n')
        kept.append(client)
    for client in kept[6:]:
        client.close()
    print("asked")

def flood():
    for _ in range(3000):
        try:
            connect().close()
        except OSError:
            time.sleep(0.001)
    for _ in range(100):
        client = connect()
        try:
            client.sendall(b'{"verb": "wait-ready", "service": "first"}\n')
        except OSError:
            pass  # sent away: so many others have gone and are not noticed yet
        client.close()
    print("flooded")

globals()[sys.argv[1]]()
EOF2
}

stage_clients()
{
    local daemon took fds began memory
    usual_programs
    manifest one <<EOF2
{"version": 1, "services": {"first": {"command": ["$work/notifier", "first"], "ready": {"notify": true}}}}
EOF2
    up_anew --manifest "$work/one.json"
    wait_for 5 test -s "$work/order"
    taken_over
    wait_for 5 has_applied
    fds=$(least_descriptors "$daemon")
    memory=$(awk '/^VmRSS/ {print $2}' "/proc/$daemon/status")
    is "$(bad_clients garbage)" '{"ok":false,"error":"unknown verb; known: status, wait-ready, start, stop, restart, reload"}
{"ok":false,"error":"the request is no JSON object"}
{"ok":false,"error":"the request is longer than 4096 bytes"}' "garbage is answered with what is wrong"
    is "$(bad_clients unread)" asked "clients that ask and do not read"
    is "$(bad_clients flood)" flooded "thousands that come and go"
    began=${EPOCHREALTIME/./}
    edge status
    is "$status" 0 "status is answered all the same"
    ok "at once" test $(((${EPOCHREALTIME/./} - began) / 1000)) -lt 20000
    is "$(bad_clients hang)" '{"ok":false,"error":"no request came in time"} True' "those that say nothing are sent away after their time"
    edge status
    is "$status" 0 "status is answered after them"
    touch "$work/first.go"
    edge wait-ready --timeout 60s first
    is "$status" 0 "and the service has not suffered"
    like "$(</run/edgeinit/ready)" '^[0-9]+$' "when everything was ready is noted"
    ok "and doctor tells it" wait_for 5 doctor_says "$work/one.json" 'yes +boot.ready +everything was in place and ready [0-9.]+ (s|min|h|d) after the boot'
    ok "no child is left" wait_for 12 no_zombies "$daemon"
    ok "no descriptor is left" wait_for 5 descriptors_are_back "$daemon" "$fds"
    is_sanitized || ok "no memory to speak of" wait_for 5 less_memory_than $((memory + 1024))
    # A second reader at the notify socket's door: only the service itself is believed.
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

stage_ends()
{
    local daemon took fds pids count
    usual_programs
    program short <<<$'#!/bin/busybox sh\necho begins'
    manifest churn <<EOF2
{
  "version": 1,
  "services": {
    "short": {"command": ["$work/short"], "restart": {"delay": "1ms", "max_delay": "1ms"}},
    "notifier": {"command": ["$work/notifier", "pretender"], "ready": {"notify": true}}
  }
}
EOF2
    up_anew --manifest "$work/churn.json"
    wait_for 5 grep -q pretender "$work/order"
    # Both have been started, and the daemon has heard of it: what it holds of each, it holds now.
    wait_for 10 restarted short 5
    taken_over
    wait_for 5 has_applied
    fds=$(least_descriptors "$daemon")
    ok "200 restarts in a short time" wait_for 30 restarted short 200
    ok "no descriptor is left of them" wait_for 5 descriptors_are_back "$daemon" "$fds"
    ok "no zombie" wait_for 5 no_zombies "$daemon"
    ok "each has been heard" wait_for 5 logged '^short: begins$' 200
    # Another process speaks for the service: it is not believed.
    /usr/bin/python3 -I -c 'import socket
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", "/run/edgeinit/services/notifier/notify")'
    sleep 0.1
    is "$(service notifier state)" starting "nobody else can say that a service is ready"

    diag "the daemon killed"
    pids=$(service notifier pid)
    count=$(service short restarts)
    kill_daemon
    sleep 0.3
    is "$(pgrep -f "$work/notifier")" "$pids" "its services outlive it"
    touch "$work/pretender.go"
    up_anew --manifest "$work/churn.json"
    edge wait-ready --timeout 60s notifier
    is "$status" 0 "the next one goes on with them"
    is "$(service notifier pid) $(service notifier restarts)" "$pids 0" "as they were"
    ok "and counts on" restarted short "$count"

    diag "SIGTERM at once"
    ended()
    {
        [[ -z $(pgrep -f "$work/(notifier|short)") ]]
    }
    down
    is "$status" 0 "SIGTERM while one of them comes and goes all the time: exit code 0"
    "$EDGEINIT" daemon --manifest "$work/churn.json" >"$work/log" 2>&1 </dev/null &
    daemon=$!
    down
    # Before its handler is there the signal just ends it.
    like "$status" '^(0|143)$' "SIGTERM right after its start"
    ok "no service is left" wait_for 5 ended
    manifest wrong <<<'{"version": 1, "services": {"a": {"command": ["/bin/a"], "after": ["b"]}, "b": {"command": ["/bin/b"], "after": ["a"]}}}'
    "$EDGEINIT" daemon --manifest "$work/wrong.json" >"$work/log" 2>&1
    like "$? $(<"$work/log")" '^1 .*wait for each other: a after b after a' "a circle of services: refused, and named"
}

stage_explained()
{
    local daemon took
    program engine <<'EOF2'
#!/bin/busybox sh
echo 'time="2026-11-22T08:00:00Z" level=info msg="Starting up"'
echo "failed to start daemon: Devices cgroup isn't mounted" >&2
exit 1
EOF2
    program silent <<<$'#!/bin/busybox sh\nexit 1'
    manifest explained <<EOF2
{
  "version": 1,
  "services": {
    "engine": {"command": ["$work/engine"], "restart": {"delay": "1h"}},
    "silent": {"command": ["$work/silent"], "restart": {"delay": "1h"}},
    "absent": {"command": ["$work/absent"]}
  }
}
EOF2
    up_anew --manifest "$work/explained.json"
    ok "a service that fails is explained by its last words" wait_for 10 grep -q '^edgeinit: warning: engine: why, by its last words: cgroup.devices: ' "$work/log" ||
        diag "$(<"$work/log")"
    like "$(service engine explanation)" "^cgroup.devices: \"failed to start daemon: Devices cgroup isn't mounted\"; ." "status --json has it"
    edge status
    like "$out" $'\n    why: cgroup.devices: ' "and status"
    ok "what doctor finds at the start is logged" wait_for 5 grep -q "^edgeinit: warning: doctor: program.absent: .*: it is not there; ." "$work/log"
    is "$(service silent explanation)" '' "nothing is made up about one that said nothing"
    ok "no child is left" wait_for 5 no_zombies "$daemon"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

on_board services --card none
on_board explained --card none
on_board blocked --card none
on_board limits --card none
on_board no_resource --card none --drop-cap cap_sys_resource
on_board clients --card none
on_board ends --card none
done_testing
