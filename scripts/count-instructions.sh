#!/bin/bash
# Instructions of one evaluation of one cell, by callgrind, with the processor's AVX2 code (valgrind
# knows no AVX-512): the same on any machine, so a change that costs instructions shows. Needs
# valgrind. docs/benchmarks.md holds the counts of the last change.
#
#   scripts/count-instructions.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"
command -v valgrind >/dev/null || { echo "count-instructions: needs valgrind: apt-get install valgrind" >&2; exit 1; }
cmake --preset release -DUNLASTING_BENCH=ON >/dev/null
cmake --build --preset release --target one_evaluation --parallel "$(build_jobs)" >/dev/null

printf '%-8s %-7s %-7s %16s\n' genes degree inputs instructions
for case in "1000 20 paper" "2000 20 paper" "5000 20 paper" "5000 20 static"; do
  read -r genes degree inputs <<<"$case"
  log="$(mktemp)"
  valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
    --toggle-collect=EvaluateOnce build/release/bin/one_evaluation "$genes" "$degree" "$inputs" \
    >/dev/null 2>"$log"
  printf '%-8s %-7s %-7s %16s\n' "$genes" "$degree" "$inputs" \
    "$(awk '/Collected/ {print $NF}' "$log")"
  rm -f "$log"
done
