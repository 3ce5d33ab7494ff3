#!/bin/bash
# Installs what is missing, builds everything and runs every test; the last line is ctest's.
#
#   scripts/test.sh [CTEST_ARGUMENT ...]     e.g. scripts/test.sh -R anndata -V
#   UNLASTING_PRESET=asan-ubsan scripts/test.sh
#   UNLASTING_JOBS=1 scripts/test.sh         one compilation and one test at a time
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

preset="${UNLASTING_PRESET:-release}"
jobs="$(build_jobs)"

scripts/install-deps.sh
cmake --preset "$preset" -DBUILD_TESTING=ON
build_with_progress "$preset"
# Go and its modules are not Debian's; without them the gateway's tests say that they were skipped.
scripts/gateway.sh --build || echo "test: the gateway was not built; its tests are skipped"
exec ctest --preset "$preset" --output-on-failure --no-tests=error --parallel "$jobs" "$@"
