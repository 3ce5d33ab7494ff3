#!/bin/bash
# Proves that a build depends on nothing but its sources and the packages that are installed: builds
# and installs the programs twice from the last commit, in two folders whose names differ in length,
# in two time zones and languages and with another number of jobs, and compares all files byte by byte.
#
#   scripts/reproducible-build.sh           exits with 1 where a file differs, and names it
#   scripts/reproducible-build.sh --keep    leave both folders for a look
#
# Takes two whole builds without ccache, which would hide a difference, and 2 GB under TMPDIR (/tmp).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

keep=false
case "${1:-}" in
  "") ;;
  --keep) keep=true ;;
  -h | --help) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
  *) echo "reproducible-build: unknown argument '$1'; see --help" >&2; exit 2 ;;
esac

root="$(mktemp -d "${TMPDIR:-/tmp}/unlasting-reproducible.XXXXXX")"
clean_up() {
  if $keep; then
    echo "reproducible-build: left $root"
  else
    rm -rf "$root"
  fi
}
trap clean_up EXIT
targets=(unlasting unlasting-server unlasting-train unlasting-train-torch unlasting_torchscript)

# build_in FOLDER JOBS TIME_ZONE LANGUAGE
build_in() {
  git clone --quiet --shared "$repository" "$1"
  (
    cd "$1"
    export CCACHE_DISABLE=1 UNLASTING_JOBS="$2" TZ="$3" LC_ALL="$4"
    cmake --preset release -DBUILD_TESTING=OFF >/dev/null
    build_with_progress build/release --target "${targets[@]}"
    cmake --install build/release --prefix "$1/installed" >/dev/null
    cd installed
    find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  )
}

jobs="$(build_jobs)"
echo "== first build, $jobs jobs"
build_in "$root/a" "$jobs" UTC C.UTF-8 | tee "$root/a.log"
echo "== second build"
build_in "$root/another-folder" "$((jobs > 1 ? jobs - 1 : 1))" Asia/Tokyo C | tee "$root/b.log"
grep -E '^[0-9a-f]{64} ' "$root/a.log" >"$root/a.sums"
grep -E '^[0-9a-f]{64} ' "$root/b.log" >"$root/b.sums"

if ! diff "$root/a.sums" "$root/b.sums" >"$root/differences"; then
  echo "reproducible-build: these files differ between two builds of the same sources:" >&2
  cat "$root/differences" >&2
  exit 1
fi
echo "reproducible-build: $(wc -l <"$root/a.sums") files of two builds are the same bytes"
