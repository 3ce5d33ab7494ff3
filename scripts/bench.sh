#!/bin/bash
# Measures speed on this machine: builds the programs under bench/, runs them one after the other and
# prints a table; every figure also lands as JSON in build/bench. Run it on a machine that does
# nothing else (docs/benchmarks.md says what was measured where).
#
#   scripts/bench.sh                     all
#   scripts/bench.sh engine              one program: edge_weights, engine, evaluate, h5ad, predict
#   scripts/bench.sh engine --benchmark_filter='Fused/5000' --benchmark_repetitions=5
#   UNLASTING_BENCH_THREADS=1 scripts/bench.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

case "${1:-}" in
  -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
program="${1:-all}"
shift || true

scripts/install-deps.sh --build-only
cmake --preset release -DUNLASTING_BENCH=ON >/dev/null
cmake --build --preset release --parallel "$(build_jobs)"

results=build/bench
mkdir -p "$results"
{
  echo "commit $(git describe --always --dirty)"
  echo "processor $(awk -F': ' '/^model name/ {print $2; exit}' /proc/cpuinfo), $(nproc) cores"
  echo "memory $(awk '/^MemTotal/ {printf "%.0f GB", $2 / 1e6}' /proc/meminfo)"
  echo "load before $(cut -d' ' -f1-3 /proc/loadavg)"
} | tee "$results/machine.txt"

ran=false
for path in build/release/bin/*_bench; do
  name="$(basename "$path" _bench)"
  [[ "$program" == all || "$program" == "$name" ]] || continue
  ran=true
  echo
  echo "== $name"
  # engine and evaluate are Google Benchmark's; the others take arguments of their own.
  arguments=(--benchmark_out="$results/$name.json" --benchmark_out_format=json)
  case "$name" in
    h5ad)
      arguments=(--file "$results/synthetic.h5ad")
      # Its first run makes the file and ends, so that making it is in no figure.
      [[ -f "$results/synthetic.h5ad" ]] || "$path" "${arguments[@]}" 2>/dev/null
      ;;
    edge_weights) arguments=(--file "$results/simulated.h5ad") ;;
    predict)
      arguments=()
      if (($# == 0)); then
        echo "needs a bundle: scripts/bench.sh predict --bundle DIR --cell-type TYPE --gene GENE"
        continue
      fi
      ;;
  esac
  "$path" "${arguments[@]}" "$@" 2>"$results/$name.log" | tee "$results/$name.txt" ||
    { tail -n 20 "$results/$name.log" >&2; exit 1; }
done
$ran || { echo "bench: no program '$program'; there are: $(cd build/release/bin && echo *_bench)" >&2; exit 2; }
