#!/bin/bash
# Writes the descriptor set of the API that the Python and Node clients ship: every proto of proto/
# with its imports, so that clients build their messages at run time.
#
#   scripts/client-descriptors.sh          rewrites the files in clients/
#   scripts/client-descriptors.sh --check  exit 1 where a file is not what protoc makes of the protos
#
# Run it after a change of proto/; the test clients.descriptors runs the check.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

made="$(mktemp)"
trap 'rm -f "$made"' EXIT
mapfile -t protos < <(cd proto && find unlasting -name '*.proto' | LC_ALL=C sort)
protoc -I proto/third_party -I proto --include_imports --descriptor_set_out="$made" \
  "${protos[@]}" google/rpc/status.proto google/rpc/error_details.proto grpc/health/v1/health.proto

status=0
for file in clients/python/unlasting/descriptors.binpb clients/node/src/descriptors.binpb; do
  [[ -d "$(dirname "$file")" ]] || continue
  if [[ "${1:-}" == --check ]]; then
    cmp -s "$made" "$file" || { echo "client-descriptors: $file differs from what protoc makes of \
proto/; run scripts/client-descriptors.sh" >&2; status=1; }
  else
    cp "$made" "$file"
    chmod 644 "$file"
  fi
done
exit $status
