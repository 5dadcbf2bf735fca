#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What OpenHarmony would refuse fails here too: each line of `violations`, compiled with the policy, breaks the rule of
# base/neverallow that it names, and each rule of that table has such a line. Those of a release are compiled at once, for
# secilc tells of every broken rule who broke it.
# shellcheck source=tests/sepolicy/lib.sh
. "$(dirname "$0")/lib.sh"

grep -v '^#' "$here/violations" | tr -s ' ' >"$scratch/all"
while read -r release; do
    sed -n "s/^[^|]*| $release | //p" "$scratch/all" >"$scratch/injected.te"
    ! build "$release" user "$scratch/policy" "$scratch/injected.te" >"$scratch/broken" 2>"$scratch/log"
    result $? "$release: refused with what is injected"
    while IFS='|' read -r name _ rule; do
        # the domain that the rule gives something to
        domain=$(sed 's/.*allow \([^ ]*\) .*/\1/' <<<"$rule")
        grep -qE "^BROKEN ${name% }( .*)? $domain( |$)" "$scratch/broken"
        result $? "$release: ${name% } refuses$rule" "$scratch/broken"
    done < <(grep -F "| $release |" "$scratch/all")
done < <(sed 's/[^|]*| \([0-9.]*\) |.*/\1/' "$scratch/all" | sort -u)

# Two lines with one rule and one domain could stand for each other.
sed 's/^\([^|]*| [0-9.]* \)|.*allow \([^ ]*\) .*/\1\2/' "$scratch/all" | sort | uniq -d >"$scratch/log"
[ ! -s "$scratch/log" ]
result $? "each line is told from the others" "$scratch/log"
comm -23 <(grep -v '^#' "$here/base/neverallow" | sed -n 's/ |.*//p' | sort -u) \
    <(sed 's/ |.*//' "$scratch/all" | sort -u) >"$scratch/log"
[ ! -s "$scratch/log" ]
result $? "every rule of the table has been seen to bite" "$scratch/log"
echo "1..$number"
