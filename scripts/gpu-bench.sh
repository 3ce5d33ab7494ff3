#!/bin/bash
# Builds the engine and its measurements on a machine with a CUDA device, checks the device against
# the CPU and measures it. Takes LibTorch from a Python torch installation and fetches nothing.
#
#   scripts/gpu-bench.sh [OPTION ...]
#
#   --python PROGRAM      Python that imports torch (default python3)
#   --packages FOLDER     root of unpacked Debian packages, where the machine lacks some (see below)
#   --build FOLDER        default build/gpu
#   --out FOLDER          for the results, JSON (default: the build folder)
#   --architectures NUMBER  as CMAKE_CUDA_ARCHITECTURES, e.g. 90 (default: this machine's own)
#   --without-torch       core/model/cuda alone: parity and speed of the engine, no training operator
#   --build-only          no tests, no measurements: for machines without a device
#
# Needed: cmake, ninja, g++, nvcc, torch built with CUDA, and of Debian 12
#   libabsl-dev libhwy-dev libeigen3-dev nlohmann-json3-dev libssl-dev libgtest-dev libgmock-dev
#   libbenchmark-dev
#   (with libhwy1 libbenchmark1debian libgtest and their kind, as `apt-get download` names them)
# To carry those to a machine without a network, on one that has it:
#   apt-get download libabsl-dev libabsl20220623 libhwy-dev libhwy1 nlohmann-json3-dev libssl-dev \
#     libssl3 libgtest-dev libgmock-dev googletest libbenchmark-dev libbenchmark1debian libeigen3-dev
#   for package in *.deb; do dpkg-deb -x "$package" packages; done
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

fail() {
  echo "gpu-bench: $1" >&2
  exit "${2:-1}"
}

python=python3
packages=""
build=build/gpu
out=""
architectures=native
with_torch=true
run=true
while (($# > 0)); do
  case "$1" in
    --python | --packages | --build | --out | --architectures)
      (($# > 1)) || fail "$1: expected a value" 2
      declare "${1#--}=$2"
      shift 2
      ;;
    --without-torch) with_torch=false; shift ;;
    --build-only) run=false; shift ;;
    -h | --help) sed -n '2,26s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) fail "unknown option '$1'; --help lists them" 2 ;;
  esac
done
out="${out:-$build}"
for program in cmake ninja nvcc; do
  command -v "$program" >/dev/null || fail "$program: not found"
done

settings=(
  -DCMAKE_BUILD_TYPE=Release
  -DUNLASTING_ONLY_ENGINE=ON
  -DUNLASTING_CUDA=ON
  -DUNLASTING_BENCH=ON
  "-DCMAKE_CUDA_ARCHITECTURES=$architectures"
)
prefixes=""
if [[ -n "$packages" ]]; then
  packages="$(cd "$packages" && pwd)" || fail "--packages: no such folder"
  prefixes="$packages/usr"
  libraries="$packages/usr/lib/$(uname -m)-linux-gnu"
  settings+=("-DOPENSSL_ROOT_DIR=$packages/usr" "-DCMAKE_LIBRARY_ARCHITECTURE=$(uname -m)-linux-gnu")
  headers="$packages/usr/include:$packages/usr/include/$(uname -m)-linux-gnu"
  export CPATH="$headers${CPATH:+:$CPATH}"
  export LIBRARY_PATH="$libraries${LIBRARY_PATH:+:$LIBRARY_PATH}"
  export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
targets=(cuda_test cuda_bench)
if $with_torch; then
  torch="$("$python" - <<'PYTHON'
import torch

print(torch.utils.cmake_prefix_path)
print(torch.version.cuda or "")
print("cxx11" if torch.compiled_with_cxx11_abi() else "old")
print(".".join(torch.__version__.split(".")[:2]))
PYTHON
)" || fail "$python: cannot import torch"
  { read -r prefix; read -r cuda; read -r abi; read -r version; } <<<"$torch"
  [[ -n "$cuda" ]] || fail "torch $version of $python: built without CUDA"
  [[ "$abi" == cxx11 ]] || fail "torch $version of $python: built for the C++ ABI of GCC 4, as the
packages it would be linked with are not; take a torch of version 2.6 or later"
  echo "gpu-bench: torch $version, CUDA $cuda"
  prefixes="$prefix${prefixes:+;$prefixes}"
  targets+=(model_test cuda_operator_test engine_bench cuda_training_bench)
  # LibTorch's own list would add flags for devices that this machine has not.
  if [[ "$architectures" =~ ^[0-9]+$ ]]; then
    export TORCH_CUDA_ARCH_LIST="${architectures%?}.${architectures: -1}"
  fi
else
  settings+=(-DUNLASTING_WITHOUT_TORCH=ON)
fi
cmake -S . -B "$build" -G Ninja "${settings[@]}" "-DCMAKE_PREFIX_PATH=$prefixes"
cmake --build "$build" --parallel "$(build_jobs)" --target "${targets[@]}"
$run || exit 0

mkdir -p "$out"
nvidia-smi --query-gpu=name,driver_version,clocks.sm,memory.total --format=csv || true
"$build/bin/cuda_test"
if $with_torch; then
  "$build/bin/cuda_operator_test"
fi
bench() {
  "$build/bin/$1" --benchmark_out="$out/$1.json" --benchmark_out_format=json \
    --benchmark_counters_tabular=true "${@:2}"
}
bench cuda_bench
if $with_torch; then
  bench cuda_training_bench
fi
