# shellcheck shell=bash
# Sourced after common.sh by scripts that build against an official LibTorch in place of Debian's.
#
# use_libtorch wheel         LibTorch, nvcc and CUDA's libraries from PyPI, in build/libtorch: about 5 GB,
#                            made once. Building needs no device, and neither does what computes on the CPU.
# use_libtorch DIR           an unpacked LibTorch, or the folder of an installed torch. Where it has CUDA,
#                            nvcc and CUDA's libraries are the machine's own, on PATH or named by CUDACXX.
# use_libtorch FILE|URL      the archive of one, unpacked to build/libtorch-archive. A URL needs the
#                            archive's SHA-256 in LIBTORCH_SHA256; a file is checked where there is one.
#
# Each sets libtorch_settings, arguments of `cmake`, and what it needs in the environment. LIBTORCH_FOLDER
# replaces build/libtorch.

LIBTORCH_WHEELS=('torch==2.15.0' 'nvidia-cuda-nvcc==13.2.*' 'nvidia-cuda-crt==13.2.*' 'nvidia-nvvm==13.2.*')
LIBTORCH_FOLDER="${LIBTORCH_FOLDER:-$repository/build/libtorch}"

libtorch_settings=()

libtorch_fail() {
  echo "--libtorch: $1" >&2
  exit "${2:-1}"
}

use_libtorch() {
  local given="$1" folder="$1" found="" below
  if [[ "$given" == wheel ]]; then
    install_libtorch_wheels
    folder="$(echo "$LIBTORCH_FOLDER"/lib/python3.*/site-packages/torch)"
  elif [[ "$given" == *://* || -f "$given" ]]; then
    unpack_libtorch "$given"
    folder="$LIBTORCH_FOLDER-archive"
  fi
  for below in . libtorch torch; do
    if [[ -f "$folder/$below/share/cmake/Torch/TorchConfig.cmake" ]]; then
      found="$(cd "$folder/$below" && pwd)"
      break
    fi
  done
  [[ -n "$found" ]] || libtorch_fail "found no share/cmake/Torch/TorchConfig.cmake in '$given', expected an \
unpacked LibTorch, its archive, the folder of an installed torch, or the word wheel"
  libtorch_settings=("-DCMAKE_PREFIX_PATH=$found")
  if [[ ! -e "$found/lib/libtorch_cuda.so" ]]; then
    libtorch_settings+=(-DUNLASTING_CUDA=OFF)
    return
  fi
  [[ -n "${CUDACXX:-}" ]] || command -v nvcc >/dev/null ||
    libtorch_fail "$found was built with CUDA, and there is no nvcc on PATH; name one with CUDACXX, take a \
LibTorch for the CPU, or take the word wheel, which brings nvcc"
  libtorch_settings+=(-DUNLASTING_CUDA=ON)
}

install_libtorch_wheels() {
  local wanted="${LIBTORCH_WHEELS[*]}" cuda library
  if [[ "$(cat "$LIBTORCH_FOLDER/wheels" 2>/dev/null)" != "$wanted" ]]; then
    echo "libtorch: installing $wanted into $LIBTORCH_FOLDER, about 5 GB" >&2
    if ! python3 -m venv --clear "$LIBTORCH_FOLDER" ||
      ! "$LIBTORCH_FOLDER/bin/pip" install --quiet --no-cache-dir "${LIBTORCH_WHEELS[@]}"; then
      libtorch_fail "the wheels could not be installed with python3-venv; give the folder of a LibTorch instead"
    fi
    # The wheels name their libraries as programs load them, and linkers look for the name without a number.
    for library in "$LIBTORCH_FOLDER"/lib/python3.*/site-packages/nvidia/cu13/lib/*.so.*; do
      ln -sfn "$(basename "$library")" "${library%%.so.*}.so"
    done
    echo "$wanted" >"$LIBTORCH_FOLDER/wheels"
  fi
  cuda="$(echo "$LIBTORCH_FOLDER"/lib/python3.*/site-packages/nvidia/cu13)"
  export CUDACXX="$cuda/bin/nvcc" CUDAToolkit_ROOT="$cuda" CUDA_PATH="$cuda" CUDA_HOME="$cuda"
}

unpack_libtorch() {
  local archive="$1" folder="$LIBTORCH_FOLDER-archive" wanted="${LIBTORCH_SHA256:-}" sum
  if [[ "$archive" == *://* ]]; then
    [[ -n "$wanted" ]] || libtorch_fail "$archive: found no LIBTORCH_SHA256, expected the archive's SHA-256" 2
    mkdir -p "$folder"
    curl --fail --location --silent --show-error --output "$folder/archive" "$archive" ||
      libtorch_fail "$archive: could not be fetched"
    archive="$folder/archive"
  fi
  if [[ -n "$wanted" ]]; then
    sum="$(sha256sum "$archive" | cut -d ' ' -f 1)"
    [[ "$sum" == "$wanted" ]] || libtorch_fail "$1: found SHA-256 $sum, expected $wanted (LIBTORCH_SHA256)"
  fi
  mkdir -p "$folder"
  archive="$(realpath "$archive")"
  # Official archives are ZIP files, which tar does not know and CMake does.
  (cd "$folder" && cmake -E tar xf "$archive") >/dev/null 2>&1 ||
    libtorch_fail "$1: could not be unpacked, expected a ZIP or tar archive"
  rm -f "$folder/archive"
}
