#!/bin/bash
# Runs all that this machine can of a kit that scripts/gpu-kit.sh packed, without a network. About ten
# minutes; every step has its own limit, and one that fails or is left out stops no other.
#
#   run.sh [--out DIR] [--only STEP ...] [--limit SECONDS] [--python PROGRAM]
#
#   --out DIR         for the results (default: results, beside this file)
#   --only STEP       only this step, repeatable
#   --limit SECONDS   no step takes longer than this, whatever its own limit
#   --python PROGRAM  Python whose torch the training programs are built against (default: python3)
#
# | step      | what                                                              | leaves              |
# |-----------|-------------------------------------------------------------------|---------------------|
# | machine   | device, driver, processor                                         | machine.txt         |
# | parity    | cuda_test: the device against the processor                       | parity.json         |
# | engine    | cuda_engine_test: whole predictions, likewise                     | engine.json         |
# | memcheck  | the same under compute-sanitizer, where it is at hand             | memcheck.txt        |
# | racecheck | likewise                                                          | racecheck.txt       |
# | bench     | cuda_bench                                                        | bench.json          |
# | server    | the server on the device under load, each bundle                  | server-BUNDLE-N.json |
# | training  | built here against this machine's torch: parity and training steps | training/           |
#
# summary.json has the state of each step (passed, failed, timed out, left out), its seconds and why. The
# exit status is 0 where no step failed.
set -uo pipefail
kit="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

fail() {
  echo "run: $1" >&2
  exit "${2:-2}"
}

arguments=("$@")
out="$kit/results"
python=python3
only=()
limit=100000
while (($#)); do
  case "$1" in
    --out | --only | --limit | --python)
      [[ -n "${2:-}" ]] || fail "$1: expected a value"
      case "$1" in
        --out) out="$2" ;;
        --only) only+=("$2") ;;
        --limit) limit="$2" ;;
        --python) python="$2" ;;
      esac
      shift 2
      ;;
    -h | --help) sed -n '2,27s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) fail "unknown option '$1'; --help lists them" ;;
  esac
done
STEPS=(machine parity engine memcheck racecheck bench server training)
for step in "${only[@]}"; do
  [[ " ${STEPS[*]} " == *" $step "* ]] || fail "--only: found '$step', expected one of ${STEPS[*]}"
done
[[ "$limit" =~ ^[1-9][0-9]{0,5}$ ]] || fail "--limit: found '$limit', expected whole seconds, 1 or more"
mkdir -p "$out" && out="$(cd "$out" && pwd)" || fail "--out: '$out' cannot be made"

# The kit's libraries come after the machine's: a driver or cuBLAS of the machine must win. cuBLAS of CUDA
# 13 is looked for where toolkits and Python's wheels put it.
cublas_folder() {
  local wheels
  wheels="$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' 2>/dev/null || true)"
  local folder
  for folder in "${CUDA_HOME:-/usr/local/cuda}"/{lib64,lib} /usr/local/cuda*/lib64 /usr/local/cuda*/targets/*/lib \
    "$wheels/nvidia/cu13/lib" /opt/conda/lib /usr/lib/x86_64-linux-gnu; do
    if [[ -e "$folder/libcublas.so.13" ]]; then
      echo "$folder"
      return
    fi
  done
}
cublas="$(cublas_folder)"
libraries="${cublas:+$cublas:}$kit/lib"

# with_kit COMMAND...: with the kit's libraries.
with_kit() { LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$@"; }

SKIPPED=100  # a step's status where the machine lacks something; its last line says what
skip() {
  echo "$1"
  return "$SKIPPED"
}
needs_cublas() {
  [[ -n "$cublas" ]] || skip "found no libcublas.so.13; CUDA_HOME names the folder of CUDA 13"
}

# Where parity found no device, no other step has one.
needs_device() {
  needs_cublas || return
  ! grep -qs '"result": "SKIPPED"' "$out/parity.json" || skip "found no CUDA device"
}

step_machine() {
  uname -srm
  grep -m 1 'model name' /proc/cpuinfo
  nproc
  command -v nvidia-smi >/dev/null || { skip "found no nvidia-smi"; return; }
  nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,memory.total --format=csv
}

step_parity() {
  needs_cublas || return
  with_kit "$kit/bin/cuda_test" --gtest_output="json:$out/parity.json" || return
  # Without a device every test is left out, and says so.
  ! grep -q '"result": "SKIPPED"' "$out/parity.json" || skip "found no CUDA device"
}

step_engine() {
  needs_device || return
  with_kit "$kit/bin/cuda_engine_test" --gtest_output="json:$out/engine.json"
}

sanitized() {
  needs_device || return
  local sanitizer
  sanitizer="$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -n 1)"
  [[ -n "$sanitizer" ]] || { skip "found no compute-sanitizer"; return; }
  with_kit "$sanitizer" --tool "$1" --error-exitcode 9 "$kit/bin/cuda_test" \
    --gtest_filter='*GraphsOfEveryShape*:*WalkTheSamePath*:*AgreeWithTheCpu*'
}
step_memcheck() { sanitized memcheck; }
step_racecheck() { sanitized racecheck; }

step_bench() {
  needs_device || return
  # Debian's Google Benchmark, which the kit carries, takes a number without a unit.
  with_kit "$kit/bin/cuda_bench" --benchmark_min_time=0.2 --benchmark_out="$out/bench.json" \
    --benchmark_out_format=json --benchmark_counters_tabular=true
}

# At 1 and 8 callers, of 1 and 100 cells a call.
step_server() {
  needs_device || return
  local bundle name process ready status=0
  for bundle in "$kit"/bundles/*/; do
    [[ -d "$bundle" ]] || { skip "the kit holds no bundle"; return; }
    name="$(basename "$bundle")"
    # Not with_kit, whose process would be a shell around the server.
    HDF5_USE_FILE_LOCKING=FALSE LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
      "$kit/bin/unlasting-server" --bundle "$name=$bundle" --device cuda --max-batch 256 \
      --listen 127.0.0.1:50951 --admin-listen 127.0.0.1:50952 &
    process=$!
    ready=false
    for _ in {1..60}; do
      if with_kit "$kit/bin/unlasting" health --server 127.0.0.1:50951 >/dev/null 2>&1; then
        ready=true
        break
      fi
      kill -0 "$process" 2>/dev/null || break
      sleep 1
    done
    if $ready; then
      for load in 1:1 1:100 8:100 32:100; do
        with_kit "$kit/bin/unlasting" load --server 127.0.0.1:50951 --concurrency "${load%:*}" \
          --cells "${load#*:}" --duration 10 --json >"$out/server-$name-$load.json" || status=1
      done
    else
      echo "the server did not become ready"
      status=1
    fi
    kill "$process" 2>/dev/null
    wait "$process" 2>/dev/null
  done
  return "$status"
}

step_training() {
  local program
  for program in cmake ninja g++ nvcc; do
    command -v "$program" >/dev/null || { skip "found no $program"; return; }
  done
  "$python" -c 'import torch, sys; sys.exit(not torch.version.cuda)' 2>/dev/null ||
    { skip "$python has no torch with CUDA"; return; }
  mkdir -p "$out/training"
  "$kit/sources/scripts/gpu-bench.sh" --python "$python" --packages "$kit/packages" --build "$kit/build" \
    --out "$out/training"
}

# This script again, for one step.
if [[ -n "${KIT_STEP:-}" ]]; then
  "step_$KIT_STEP"
  exit
fi

declare -A LIMITS=([machine]=30 [parity]=120 [engine]=60 [memcheck]=240 [racecheck]=240 [bench]=180 [server]=180 [training]=480)
summary=""
failed=0
for step in "${STEPS[@]}"; do
  if ((${#only[@]})) && [[ " ${only[*]} " != *" $step "* ]]; then continue; fi
  start=$SECONDS
  echo "== $step"
  # timeout gives the step a process group of its own, and its signal reaches all that the step started.
  KIT_STEP="$step" timeout --kill-after=10 "$((LIMITS[$step] < limit ? LIMITS[$step] : limit))" \
    "$BASH" "${BASH_SOURCE[0]}" "${arguments[@]}" >"$out/$step.txt" 2>&1
  status=$?
  case "$status" in
    0) state=passed ;;
    "$SKIPPED") state="left out" ;;
    124 | 137) state="timed out"; failed=1 ;;
    *) state=failed; failed=1 ;;
  esac
  reason=""
  if [[ "$state" != passed ]]; then reason="$(tail -n 1 "$out/$step.txt" | tr -d '\\"' | tr '\t' ' ')"; fi
  echo "   $state after $((SECONDS - start)) s${reason:+: $reason}"
  summary+="$(printf ',\n  "%s": {"state": "%s", "seconds": %d, "reason": "%s"}' \
    "$step" "$state" $((SECONDS - start)) "$reason")"
done
printf '{\n  "commit": "%s"%s\n}\n' "$(cat "$kit/commit" 2>/dev/null)" "$summary" >"$out/summary.json"
echo "run: $out/summary.json"
exit "$failed"
