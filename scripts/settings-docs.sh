#!/bin/bash
# Writes the tables of settings in docs anew, from the built programs.
#
#   scripts/settings-docs.sh             with the programs in build/release/bin
#   scripts/settings-docs.sh BIN_FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=${1:-build/release/bin}

# replace PROGRAM FILE: what stands between the marks in FILE becomes PROGRAM's table.
replace() {
  local program=$1 file=$2 table new
  local begin="<!-- settings of $program: begin -->" end="<!-- settings of $program: end -->"
  grep -qxF "$begin" "$file" && grep -qxF "$end" "$file" ||
    { echo "settings-docs: $file: expected the lines '$begin' and '$end'" >&2; exit 1; }
  table=$(mktemp) new=$(mktemp)
  "$bin/$program" --settings-table >"$table"
  sed "/^$begin\$/,/^$end\$/ { /^$begin\$/ { p; r $table
       }; /^$end\$/ p; d }" "$file" >"$new"
  cat "$new" >"$file"
  rm "$table" "$new"
}

replace unlasting-train docs/settings.md
replace unlasting-server docs/operations.md
