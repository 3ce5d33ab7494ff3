# shellcheck shell=bash
# Sourced by the scripts beside it.

# shellcheck disable=SC2034
repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# Parallel compilations that fit: at most one a core, and 1.6 GB each, which is what a translation
# unit with LibTorch takes. UNLASTING_JOBS overrides.
build_jobs() {
  if [[ -n "${UNLASTING_JOBS:-}" ]]; then
    echo "$UNLASTING_JOBS"
    return
  fi
  local cores megabytes limit jobs
  cores="$(nproc)"
  megabytes="$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)"
  limit="$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)"
  if [[ "$limit" =~ ^[0-9]+$ ]] && ((limit / 1048576 < megabytes)); then
    megabytes=$((limit / 1048576))
  fi
  jobs=$((megabytes / 1600))
  ((jobs > cores)) && jobs=$cores
  ((jobs < 1)) && jobs=1
  echo "$jobs"
}
