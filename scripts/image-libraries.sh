#!/bin/bash
# Copies what the programs and libraries below FOLDER load from outside the system's own folders, such
# as CUDA's libraries and an official LibTorch, to OUT, each under its own path: an image that has OUT as
# its root, and the system's packages, runs them. Used by Dockerfile.
#
#   scripts/image-libraries.sh FOLDER OUT          the libraries that are linked
#   scripts/image-libraries.sh --whole FOLDER OUT  all libraries of the folders where those lie: LibTorch
#                                                  opens some of its own while it runs
set -euo pipefail

whole=false
if [[ "${1:-}" == --whole ]]; then
  whole=true
  shift
fi
(($# == 2)) || { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
folder="$1"
mkdir -p "$2"
out="$(cd "$2" && pwd)"

linked() {
  find "$folder" -type f -print0 | while IFS= read -r -d '' file; do
    { ldd "$file" 2>/dev/null || true; } | awk '$2 == "=>" && $3 ~ /^\// {print $3}'
  done | sort -u | { grep -Ev '^(/usr)?/lib' || true; }
}

linked | while IFS= read -r library; do
  [[ "$library" != "$folder"/* ]] || continue
  if $whole; then
    find "$(dirname "$library")" -maxdepth 1 -name '*.so*' -not -name '*python*'
  else
    echo "$library"
  fi
done | sort -u | while IFS= read -r library; do
  # A link and what it names: programs ask for the one, and the other holds the bytes.
  mkdir -p "$out$(dirname "$library")"
  cp -P "$library" "$out$library"
  if [[ -L "$library" ]]; then
    target="$(readlink -f "$library")"
    mkdir -p "$out$(dirname "$target")"
    cp "$target" "$out$target"
  fi
done
