#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A manifest decides what root does: refused is what others can write, and what is no file. (The program: EDGEINIT.)
# shellcheck source=tests/manifest/lib.sh
. "$(dirname "$0")/lib.sh"
cd "${scratch:?}" || exit

refused()
{
    local name=$1 wanted=$2
    shift 2
    validate "$@"
    is "$code $(cat err)" "1 $wanted" "$name"
}

echo '{"version": 1}' >good.json
chmod 0644 good.json
validate good.json
is "$code" 0 'owned by the caller, writable by nobody else: accepted'
chmod 0600 good.json
validate good.json
is "$code" 0 'a secret one: accepted'
ln -s good.json link.json
validate link.json
is "$code" 0 'through a symlink: accepted'

for mode in 0664 0646 0666 0620 0602; do
    echo '{"version": 1}' >"$mode.json"
    chmod "$mode" "$mode.json"
    refused "mode $mode" "$mode.json: can be written by others than its owner; chmod go-w $mode.json" "$mode.json"
done
ln -s 0666.json bad-link.json
refused 'a symlink to one that others can write' \
    'bad-link.json: can be written by others than its owner; chmod go-w bad-link.json' bad-link.json
refused 'the second of a stack' '0666.json: can be written by others than its owner; chmod go-w 0666.json' \
    good.json 0666.json
"$edgeinit" validate 0666.json >/dev/null 2>&1
is $? 1 'the exit code is 1'

if [[ $(id -u) == 0 ]]; then
    echo '{"version": 1}' >foreign.json
    chmod 0600 foreign.json
    chown 12345 foreign.json
    refused 'owned by another user' \
        'foreign.json: belongs to user 12345, who could then decide what root does; chown root:root foreign.json' foreign.json
else
    skip 'only root can give a file away' 1
fi

refused 'a missing file' 'missing.json: No such file or directory; name a file that exists' missing.json
refused 'a directory' '.: is not a regular file; name a file that holds a manifest' .
mkfifo fifo.json
chmod 0600 fifo.json
refused 'a fifo, without waiting for its writer' 'fifo.json: is not a regular file; name a file that holds a manifest' fifo.json
refused 'a device' '/dev/null: is not a regular file; name a file that holds a manifest' /dev/null
refused 'two missing ones in one go' 'a.json: No such file or directory; name a file that exists
b.json: No such file or directory; name a file that exists' a.json b.json
if [[ $(id -u) != 0 ]]; then
    echo '{"version": 1}' >closed.json
    chmod 0 closed.json
    refused 'one that may not be read' 'closed.json: Permission denied' closed.json
else
    skip 'root may read everything' 1
fi

# The other verbs refuse the same.
for verb in plan apply; do
    "$edgeinit" "$verb" --manifest 0666.json --run-dir "$scratch/run" --state-dir "$scratch/state" >out 2>err
    is "$? $(head -1 err)" '1 0666.json: can be written by others than its owner; chmod go-w 0666.json' "$verb refuses it as well"
done
ok 'and leaves nothing behind' test ! -e run -a ! -e state

done_testing
