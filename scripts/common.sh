# shellcheck shell=bash
# Sourced by the scripts beside it.

# shellcheck disable=SC2034
repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# Builds in the folder $1; further arguments go to cmake --build. Every five to ten seconds, and at the
# end, prints a line such as "[120/482] 25% after 1m40s" on standard output, and whatever is neither
# ninja's progress nor blank, such as a compiler's warnings, at once.
build_with_progress() {
  local folder="$1"
  shift
  NINJA_STATUS='[%f/%t] ' cmake --build "$folder" --parallel "$(build_jobs)" "$@" 2>&1 |
    show_progress
}
# Reads a build's output; see build_with_progress. A compiler that is silent for long gets a line too.
show_progress() {
  local start=$SECONDS last=$SECONDS line="" count="" status
  while true; do
    status=0
    IFS= read -r -t 5 line || status=$?
    if ((status == 0)); then
      if [[ "$line" =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
        count="[${BASH_REMATCH[1]}/${BASH_REMATCH[2]}] $((100 * BASH_REMATCH[1] / BASH_REMATCH[2]))%"
      elif [[ -n "${line// /}" ]]; then
        printf '%s\n' "$line"
      fi
    elif ((status <= 128)); then
      break  # the build has ended; above 128 is read's time-out
    fi
    if ((SECONDS - last >= 5)) && [[ -n "$count" ]]; then
      show_count "$count" "$start"
      last=$SECONDS
    fi
  done
  if [[ -n "$count" ]]; then show_count "$count" "$start"; fi
}
show_count() {  # show_count COUNT START
  local seconds=$((SECONDS - $2))
  printf '      %s after %dm%02ds\n' "$1" $((seconds / 60)) $((seconds % 60))
}

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
