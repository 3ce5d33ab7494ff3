#!/bin/bash
# Checks the layout of every C++ file against .clang-format (version 14); exits 1 when one differs.
#
#   scripts/format.sh          check
#   scripts/format.sh --fix    rewrite the files that differ
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

formatter="$(command -v clang-format-14 || command -v clang-format || true)"
if [[ -z "$formatter" ]]; then
  echo "format: no clang-format found; scripts/install-deps.sh --all installs it" >&2
  exit 1
fi
if ! "$formatter" --version | grep -q 'version 14\.'; then
  echo "format: found $("$formatter" --version), expected version 14: others lay code out" \
    "differently" >&2
  exit 1
fi

case "${1:-}" in
  "") mode=(--dry-run --Werror) ;;
  --fix) mode=(-i) ;;
  *) echo "format: unknown option '$1'; expected --fix or none" >&2; exit 2 ;;
esac

# Tracked files and new ones that git does not ignore; deleted ones are passed over.
git ls-files -z --cached --others --exclude-standard -- '*.cc' '*.h' '*.cu' '*.cuh' |
  while IFS= read -r -d '' file; do if [[ -f "$file" ]]; then printf '%s\0' "$file"; fi; done |
  xargs -0 --no-run-if-empty "$formatter" --style=file "${mode[@]}"
