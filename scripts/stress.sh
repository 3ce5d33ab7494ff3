#!/bin/bash
# Long fault tests against the built programs; prints a report in Markdown and exits 1 when rows
# were lost or memory grew. docs/reliability.md keeps reports.
#
#   scripts/stress.sh                           1,000 clients killed, 60 models replaced under load,
#                                               then 30 minutes of faults
#   scripts/stress.sh --kills 100 --reloads 10 --minutes 3
#   UNLASTING_STRESS_BUNDLE=DIR scripts/stress.sh --kills 0 --minutes 0    a real bundle is replaced
#   UNLASTING_PRESET=tsan scripts/stress.sh ... the build of another preset
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

preset="${UNLASTING_PRESET:-release}"
export UNLASTING_BIN="${UNLASTING_BIN:-$repository/build/$preset/bin}"
export UNLASTING_PROTO="$repository/proto"
for program in unlasting unlasting-server write_tiny_bundle; do
  if [[ ! -x "$UNLASTING_BIN/$program" ]]; then
    echo "stress: no $program in build/$preset/bin; build first (scripts/test.sh)" >&2
    exit 1
  fi
done

echo "- machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)," \
  "$(awk '/^MemTotal:/ {printf "%.0f GiB", $2 / 1048576}' /proc/meminfo)"
echo "- commit: $(git rev-parse --short HEAD 2>/dev/null || echo unknown), preset $preset"
echo "- command: scripts/stress.sh $*"
# The system's: Debian puts h5py there and nowhere else.
exec /usr/bin/python3 -B tests/stress/stress.py "$@"
