#!/bin/bash
# Asks one server for the same prediction in several languages and compares the profiles bit by bit.
#
#   scripts/interop.sh             Debian's Python, Node and `unlasting`: what is tested in CI
#   scripts/interop.sh --all       also Python with other versions of grpcio and protobuf (PyPI), Go, curl
#                                  through the gateway, R, Java and tritonclient; what is not there is said
#
# UNLASTING_BIN is the folder of the programs (default build/release/bin), BUNDLE a model of gene knockouts
# (default: a small one that the tests write). Exit status 1 where two profiles differ or a call fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export UNLASTING_BIN="${UNLASTING_BIN:-$PWD/build/release/bin}" UNLASTING_PROTO="$PWD/proto"
exec /usr/bin/python3 -B -W ignore tests/clients/interop.py "$@"
