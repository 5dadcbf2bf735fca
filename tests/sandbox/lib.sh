# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# TAP for tests in bash, to be run by prove, and two helpers for waiting. An assertion prints its own diagnosis and
# returns its truth. done_testing, or plan at the start, makes a test that ends early a failed one.

tap_count=0
tap_failed=0
tap_plan=''

plan()
{
    tap_plan=$1
    printf '1..%d\n' "$1"
}

# Exit status 1 when an assertion failed, so that a test can also be run without prove.
done_testing()
{
    [[ $tap_plan ]] || printf '1..%d\n' "$tap_count"
    exit $((tap_failed > 0))
}

diag()
{
    printf '%s\n' "$*" | sed 's/^/# /' >&2
}

# tap_result STATUS NAME
tap_result()
{
    tap_count=$((tap_count + 1))
    if (($1 == 0)); then
        printf 'ok %d - %s\n' "$tap_count" "$2"
    else
        printf 'not ok %d - %s\n' "$tap_count" "$2"
        tap_failed=$((tap_failed + 1))
    fi
    return "$1"
}

# ok NAME COMMAND...: the command succeeds. What it prints is shown only when it does not.
ok()
{
    local name=$1 output status
    shift
    output=$("$@" 2>&1)
    status=$?
    tap_result $((status != 0)) "$name" || {
        diag "$* returned $status"$'\n'"$output"
        return 1
    }
}

# is GOT WANTED NAME
is()
{
    [[ $1 == "$2" ]]
    tap_result $? "$3" || {
        diag "got:    $1"$'\n'"wanted: $2"
        return 1
    }
}

# like GOT REGEX NAME
like()
{
    [[ $1 =~ $2 ]]
    tap_result $? "$3" || {
        diag "got:       $1"$'\n'"not like:  $2"
        return 1
    }
}

# unlike GOT REGEX NAME
unlike()
{
    [[ ! $1 =~ $2 ]]
    tap_result $? "$3" || {
        diag "got:        $1"$'\n'"but unlike: $2"
        return 1
    }
}

# skip WHY COUNT
skip()
{
    local i
    for ((i = 0; i < ${2:-1}; i++)); do
        tap_count=$((tap_count + 1))
        printf 'ok %d # SKIP %s\n' "$tap_count" "$1"
    done
}

skip_all()
{
    printf '1..0 # SKIP %s\n' "$1"
    exit 0
}

# wait_for SECONDS COMMAND...: until it succeeds; fails when six times as long is over, for a PC may have much else to do, and
# after some more looks, for it may have stood still meanwhile. Each look costs others their time: after some seconds fewer.
wait_for()
{
    local end=$((SECONDS + 6 * $1)) late=0 looks=0 pause=0.05
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end || ++late < 20)) || return 1
        ((++looks < 40)) || pause=0.1
        sleep "$pause"
    done
}

# docker_ping [SOCKET]: does the daemon answer?
docker_ping()
{
    docker --host "unix://${1:-/var/run/docker.sock}" version --format '{{.Server.Version}}'
}
