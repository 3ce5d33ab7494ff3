#!/bin/bash
# Installs what is missing, builds everything and runs every test; the last line is ctest's.
#
#   scripts/test.sh [--libtorch wheel|DIR] [CTEST_ARGUMENT ...]     e.g. scripts/test.sh -R anndata -V
#   scripts/test.sh --libtorch wheel         with the LibTorch of PyPI's torch, and CUDA built with its nvcc,
#                                            in place of Debian's; --libtorch DIR: with an unpacked LibTorch
#   UNLASTING_PRESET=asan-ubsan scripts/test.sh
#   UNLASTING_JOBS=1 scripts/test.sh         one compilation and one test at a time
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$(dirname "${BASH_SOURCE[0]}")/libtorch.sh"
cd "$repository"

preset="${UNLASTING_PRESET:-release}"
build="build/$preset"
jobs="$(build_jobs)"
libtorch=""
if [[ "${1:-}" == --libtorch ]]; then
  [[ -n "${2:-}" ]] || libtorch_fail "expected the word wheel or a folder" 2
  libtorch="$2"
  build="build/$preset-libtorch"
  shift 2
fi

# A report of a sanitizer fails its test.
case "$preset" in
  asan-ubsan)
    # Tests ask for memory that there is not, and are to be told so.
    export ASAN_OPTIONS="${ASAN_OPTIONS:-allocator_may_return_null=1}"
    export UBSAN_OPTIONS="${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"
    ;;
  tsan)
    # The distribution's libraries are not instrumented: what they do among themselves is not judged.
    export TSAN_OPTIONS="${TSAN_OPTIONS:-ignore_noninstrumented_modules=1:suppressions=$repository/cmake/tsan/suppressions}"
    ;;
esac

scripts/install-deps.sh
if [[ -n "$libtorch" ]]; then use_libtorch "$libtorch"; fi
cmake --preset "$preset" -B "$build" -DBUILD_TESTING=ON "${libtorch_settings[@]}"
build_with_progress "$build"
# Go and its modules are not Debian's; without them the gateway's tests say that they were skipped.
scripts/gateway.sh --build || echo "test: the gateway was not built; its tests are skipped"
exec ctest --test-dir "$build" --output-on-failure --no-tests=error --parallel "$jobs" "$@"
