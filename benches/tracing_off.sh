#!/usr/bin/env bash
# What tracing costs while nobody listens: the instructions of a request with Carafe's spans in it and no
# subscriber, against the same program with the spans compiled out. The goal is 2 percent.
set -euo pipefail
cd "$(dirname "$0")/.."

kinds="hello counter"
with=$(benches/count.sh $kinds)
without=$(CARGO_ARGS="--features tracing/max_level_off --target-dir target/tracing_off" benches/count.sh $kinds)
echo "kind        spans in   spans out   difference"
paste <(echo "$with") <(echo "$without") |
    awk '{ printf "%-9s %10d %11d %11.1f%%\n", $1, $2, $4, ($2 / $4 - 1) * 100 }'
