#!/bin/bash
# Runs the Node client's tests against the built server; skipped (77) where there is no Node of version 18 or
# later, or where scripts/install-deps.sh could not reach npm's registry.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../clients/node"
if ! command -v node >/dev/null || [[ ! -d node_modules ]]; then
  echo "node or clients/node/node_modules is not there: npm ci --prefix clients/node"
  exit 77
fi
exec node --test test/
