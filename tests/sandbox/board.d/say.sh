# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the board says to people: always on stderr, remarks only without --quiet.

say()
{
    [[ ${BOARD_QUIET:-} ]] || printf 'board: %s\n' "$1" >&2
}

say_error()
{
    printf 'board: %s\n' "$1" >&2
}

die()
{
    say_error "$1"
    exit 125
}
