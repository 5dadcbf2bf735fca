# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # work comes from edge.sh
#
# For tests of the daemon and its services, beside edge.sh: the daemon in the background, what it says about its services,
# and "puppet", a service that does what its command line tells it.

# program NAME <TEXT: an executable of the board, $work/NAME
program()
{
    cat >"$work/$1"
    chmod +x "$work/$1"
}

# up MANIFEST-OPTION...: the daemon in the background, its pid in $daemon, its log in $work/log
up()
{
    "$EDGEINIT" daemon "$@" >>"$work/log" 2>&1 </dev/null &
    daemon=$!
    wait_for 10 "$EDGEINIT" status || diag "the daemon does not answer: $(<"$work/log")"
}

# down: SIGTERM; its exit status in $status, how long it took in $took (milliseconds)
down()
{
    local began=${EPOCHREALTIME/./} guard
    kill -TERM "$daemon"
    # One that hangs is a failure, not the end of the test.
    (sleep 120 && kill -KILL "$daemon") &
    guard=$!
    wait "$daemon"
    # shellcheck disable=SC2034 # for the tests
    status=$?
    kill "$guard"
    # shellcheck disable=SC2034
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
}

# kill_daemon: as OpenHarmony's init does
kill_daemon()
{
    kill -KILL "$daemon"
    wait "$daemon" 2>/dev/null
}

# service NAME KEY...: of status --json, "" for what is not there. A key may be last_end.cause. run_dir names another daemon's.
service()
{
    "$EDGEINIT" status --json ${run_dir:+--run-dir "$run_dir"} 2>/dev/null | "$edge_root/out/item" services "$@"
}

# service_is NAME KEY WANTED
service_is()
{
    [[ $(service "$1" "$2") == "$3" ]]
}

# service_shows WORDS NAME KEY...: is that what `service NAME KEY...` says?
service_shows()
{
    local wanted=$1
    shift
    [[ $(service "$@") == "$wanted" ]]
}

# Has the daemon heard from the keeper of everything that is up?
knows_all()
{
    "$EDGEINIT" status --json ${run_dir:+--run-dir "$run_dir"} 2>/dev/null | /usr/bin/python3 -I -c '
import json, sys
up = [item for item in json.load(sys.stdin)["services"] if item["state"] in ("starting", "ready", "stopping")]
sys.exit(any(item["pid"] == 0 or item["keeper"] == 0 for item in up))'
}

# taken_over: a daemon answers before all keepers have told it which processes they have
taken_over()
{
    wait_for 10 knows_all || diag "the daemon has not heard from all keepers: $("$EDGEINIT" status)"
}

# up_again MANIFEST-OPTION...: the next daemon, which has taken over what runs
up_again()
{
    up "$@"
    taken_over
}

# restarted NAME COUNT
restarted()
{
    (($(service "$1" restarts) >= $2))
}

# descriptors PID
descriptors()
{
    # shellcheck disable=SC2012 # names are numbers
    ls "/proc/$1/fd" | wc -l
}

# The least of some looks at them: what a moment needs is not counted.
least_descriptors()
{
    local least=1000000 now
    for _ in {1..20}; do
        now=$(descriptors "$1")
        ((least <= now)) || least=$now
        sleep 0.05
    done
    echo "$least"
}

# descriptors_are PID COUNT, descriptors_are_back PID COUNT: those of a moment are not waited for in vain, a leak stays
descriptors_are()
{
    (($(descriptors "$1") == $2))
}

descriptors_are_back()
{
    (($(descriptors "$1") <= $2))
}

# processes PATTERN COUNT: are there so many with such a command line? What forks has its parent's for a moment.
processes()
{
    [[ $(pgrep -c -f "$1") == "$2" ]]
}

# no_zombies [PID]: of all, or among its children
no_zombies()
{
    local whose=(-e)
    [[ -z ${1:-} ]] || whose=(--ppid "$1")
    [[ -z $(ps "${whose[@]}" -o stat= | awk '/^Z/') ]]
}

# gone PID: has it ended?
gone()
{
    [[ ! -e /proc/$1 || $(awk '/^State/ {print $2}' "/proc/$1/status") == Z ]]
}

# Private dirty memory of a process, kB.
private_dirty()
{
    awk '/^Private_Dirty/ {sum += $2} END {print sum + 0}' "/proc/$1/smaps_rollup"
}

is_sanitized()
{
    grep -qa __asan_init "$EDGEINIT"
}

# $work/puppet NAME DOING...: notes "NAME PID" in $work/starts, then does one thing after the other, at last "wait":
#   note=WORDS print=WORDS sleep=SECONDS exit=CODE raise=SIGNAL deaf spin      wait
#   say=TEXT, childsay=TEXT            to the notify socket, itself or by a child
#   fork, forkmain                     go on in a child, the parent ends (after MAINPID=)
#   leave=FILE                         start a process that has left by setsid and double fork; its pid into FILE
#   await=FILE                         until it is there
#   flood=LINES                        as fast as it can
#   every=SECONDS:TEXT                 say that for ever
#   serve=PORT, hang=PORT              answer HTTP there; take connections and say nothing
puppet()
{
    program puppet <<'EOF2'
#!/usr/bin/python3 -I
import os, signal, socket, sys, time

def say(text):
    path = os.environ.get("NOTIFY_SOCKET", f"/run/edgeinit/services/{sys.argv[1]}/notify")
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(text.encode().decode("unicode_escape").encode(), path)

def note(text):
    with open("/tmp/work/notes", "a") as file:
        file.write(f"{sys.argv[1]} {text}\n")

def do_leave(name):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            with open(name + ".new", "w") as file:
                file.write(str(os.getpid()))
            os.rename(name + ".new", name)
            time.sleep(10000)
        os._exit(0)
    os.wait()
    while not os.path.exists(name):
        time.sleep(0.005)

def do_fork(_):
    if os.fork() > 0:
        os._exit(0)
    os.setsid()
    note(f"goes on as {os.getpid()}")

def do_forkmain(_):
    father = os.getpid()
    child = os.fork()
    if child > 0:
        say(f"MAINPID={child}")
        os._exit(0)
    while os.getppid() == father:
        time.sleep(0.005)
    os.setsid()

def do_childsay(text):
    if os.fork() == 0:
        say(text)
        os._exit(0)
    os.wait()

def do_await(name):
    while not os.path.exists(name):
        time.sleep(0.005)

def do_flood(lines):
    block = b"".join(b"flood %d\n" % i for i in range(1000))
    for _ in range(int(lines) // 1000):
        sys.stdout.buffer.write(block)
    sys.stdout.flush()

def do_every(words):
    pause, text = words.split(":", 1)
    while True:
        try:
            say(text)
        except ConnectionError:
            pass  # there is no keeper at the moment
        time.sleep(float(pause))

def do_spin(seconds):
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        pass

def listen(port):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(port)))
    server.listen(5)
    return server

def do_serve(port):
    server = listen(port)
    while True:
        client, _ = server.accept()
        try:
            client.recv(1000)
            good = not os.path.exists("/tmp/work/sick")
            client.send(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % (b"200 OK" if good else b"503 Sick"))
        except ConnectionError:
            pass  # who asked does not wait any more
        client.close()

def do_hang(port):
    server = listen(port)
    kept = []
    while True:
        kept.append(server.accept())

def do_raise(number):
    os.kill(os.getpid(), int(number))

def do_wait(_):
    while True:
        signal.pause()

doings = {
    "note": note, "print": lambda text: print(text, flush=True), "sleep": lambda text: time.sleep(float(text)),
    "exit": lambda code: os._exit(int(code)), "deaf": lambda _: signal.signal(signal.SIGTERM, signal.SIG_IGN), "say": say,
}
with open("/tmp/work/starts", "a") as file:
    file.write(f"{sys.argv[1]} {os.getpid()} {time.monotonic():.3f}\n")
for doing in sys.argv[2:]:
    word, _, value = doing.partition("=")
    (doings.get(word) or globals()["do_" + word])(value)
EOF2
}

# starts NAME: how often the puppet was started
starts()
{
    grep -c "^$1 " "$work/starts"
}
