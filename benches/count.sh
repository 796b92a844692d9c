#!/usr/bin/env bash
# Instructions that one request takes, counted by callgrind: benches/count.sh [KIND...]
#
# Each kind is run 500 and 1,500 times, so that the start of the program cancels out. Making the
# Environ, which is the server's work, is subtracted. Valgrind's processor has no SHA instructions: a
# /counter takes some 13,000 instructions more here than it really does, by hand just the same.
set -euo pipefail
cd "$(dirname "$0")/.."
count="${COUNT:-}"
if [ -z "$count" ]; then
    count=$(cargo bench --bench count --no-run --message-format=json ${CARGO_ARGS:-} |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -1)
fi

total() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$count" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
each() {
    echo $((($(total "$1" 1500) - $(total "$1" 500)) / 1000))
}

if [ $# = 0 ]; then
    set -- hello_without_secret_key hello hello_by_hand counter counter_by_hand
fi
for kind in "$@"; do
    printf '%-26s %7d\n' "$kind" $(($(each "$kind") - $(each "${kind%%_*}_environ")))
done
