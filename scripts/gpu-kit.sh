#!/bin/bash
# Packs one file for a machine with a CUDA device and no network: parity, memory and race checks, speed,
# a server under load, and training against that machine's own PyTorch. Needs no device here.
#
#   scripts/gpu-kit.sh [--out FILE] [--bundle DIR] [--architectures LIST]
#
#   --out FILE            default build/unlasting-gpu-kit.tar.xz; below 45 MB
#   --bundle DIR          that the server is loaded with, repeatable (default: demo-out/thp1 where it is)
#   --architectures LIST  as CMAKE_CUDA_ARCHITECTURES, for the programs inside (default: 90)
#
# The programs are built here with nvcc from PyPI (scripts/libtorch.sh). There, one command runs all that
# the machine can and leaves JSON; kit/run.sh --help has its steps:
#
#   tar -xf unlasting-gpu-kit.tar.xz && unlasting-gpu-kit/run.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$(dirname "${BASH_SOURCE[0]}")/libtorch.sh"
cd "$repository"

fail() {
  echo "gpu-kit: $1" >&2
  exit "${2:-1}"
}

LARGEST=$((45 * 1000 * 1000))
# What scripts/gpu-bench.sh compiles with, of Debian 12, where that machine has no such packages.
PACKAGES=(libabsl-dev libabsl20220623 libhwy-dev libhwy1 nlohmann-json3-dev libssl-dev libssl3 libgtest-dev
  libgmock-dev googletest libbenchmark-dev libbenchmark1debian libeigen3-dev)
SOURCES=(CMakeLists.txt CMakePresets.json LICENSE cmake core bench/CMakeLists.txt bench/core/model
  tests/CMakeLists.txt tests/support tests/core/CMakeLists.txt tests/core/grn tests/core/diffusion
  tests/core/model scripts)

out=build/unlasting-gpu-kit.tar.xz
bundles=()
architectures=90
while (($#)); do
  case "$1" in
    --out | --bundle | --architectures)
      [[ -n "${2:-}" ]] || fail "$1: expected a value" 2
      case "$1" in
        --out) out="$2" ;;
        --bundle) bundles+=("$2") ;;
        --architectures) architectures="$2" ;;
      esac
      shift 2
      ;;
    -h | --help) sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) fail "unknown option '$1'; --help lists them" 2 ;;
  esac
done
if ((${#bundles[@]} == 0)) && [[ -d demo-out/thp1 ]]; then bundles=(demo-out/thp1); fi
for bundle in "${bundles[@]}"; do
  [[ -f "$bundle/manifest.json" ]] || fail "--bundle: $bundle: found no manifest.json, expected a bundle"
done

build=build/gpu-kit
kit="$build/unlasting-gpu-kit"
use_libtorch wheel
cmake --preset release -B "$build" -DBUILD_TESTING=ON -DUNLASTING_BENCH=ON \
  "-DCMAKE_CUDA_ARCHITECTURES=$architectures" "${libtorch_settings[@]}" >/dev/null
build_with_progress "$build" --target cuda_test cuda_engine_test cuda_bench unlasting-server unlasting

rm -rf "$kit"
mkdir -p "$kit"/{bin,lib,bundles,packages,sources}
cp "$build"/bin/{cuda_test,cuda_engine_test,cuda_bench,unlasting-server,unlasting} "$kit/bin"
strip "$kit"/bin/*
# Their libraries, but for glibc's, which belong to the machine, and cuBLAS, which is ten times the kit.
for program in "$kit"/bin/*; do ldd "$program"; done | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
  { grep -Ev '/(libc|libm|libdl|librt|libpthread|libresolv|libcublas|libcublasLt)\.so' || true; } |
  while IFS= read -r library; do cp -L "$library" "$kit/lib"; done
for bundle in "${bundles[@]}"; do
  cp -rL "$bundle" "$kit/bundles/$(basename "$bundle")"
done
git ls-files -z -- "${SOURCES[@]}" | tar --null --files-from=- -cf - | tar -C "$kit/sources" -xf -
download="$(mktemp -d)"
trap 'rm -rf "$download"' EXIT
# apt drops its rights for a download, and this folder is nobody else's.
(cd "$download" && apt-get -q -o APT::Sandbox::User=root download "${PACKAGES[@]}" >/dev/null) ||
  fail "the packages could not be fetched; run apt-get update"
for package in "$download"/*.deb; do dpkg-deb -x "$package" "$kit/packages"; done
rm -rf "$kit/packages/usr/share/doc" "$kit/packages/usr/share/man"
cp scripts/kit/run.sh "$kit/run.sh"
git rev-parse HEAD >"$kit/commit"
for program in "$kit"/bin/*; do
  LD_LIBRARY_PATH="$kit/lib" ldd "$program" | { grep 'not found' || true; } | { grep -v cublas || true; }
done

mkdir -p "$(dirname "$out")"
tar -C "$build" -cf - unlasting-gpu-kit | xz -T0 -6 >"$out"
size="$(stat -c %s "$out")"
((size <= LARGEST)) || fail "$out: $size bytes, expected at most $LARGEST; give a smaller --bundle"
echo "gpu-kit: wrote $out, $size bytes"
