#!/bin/bash
# Makes the Go code of the API: stubs for clients/go and the gateway, the gateway's handlers and its OpenAPI
# file. Plugins are built by Go into build/go-tools, of the versions below; nothing made here is in git.
#
#   scripts/go-stubs.sh     needs Go 1.26 or later and protoc
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export GOBIN="$PWD/build/go-tools"
for tool in google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12 \
  google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2 \
  github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway@v2.33.0 \
  github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2@v2.33.0; do
  name="${tool##*/}"
  [[ -x "$GOBIN/${name%@*}" ]] || go install "$tool"
done

mapfile -t protos < <(cd proto && find unlasting -name '*.proto' | LC_ALL=C sort)
stubs=github.com/unlasting/unlasting/clients/go
rm -rf clients/go/unlasting gateway/gen
mkdir -p gateway/gen
PATH="$GOBIN:$PATH" protoc -I proto/third_party -I proto \
  --go_out=clients/go --go_opt=module="$stubs" \
  --go-grpc_out=clients/go --go-grpc_opt=module="$stubs" \
  --grpc-gateway_out=gateway/gen --grpc-gateway_opt=paths=source_relative \
  --grpc-gateway_opt=grpc_api_configuration=gateway/api.yaml \
  --grpc-gateway_opt=standalone=true \
  --openapiv2_out=gateway/gen --openapiv2_opt=grpc_api_configuration=gateway/api.yaml \
  --openapiv2_opt=allow_merge=true,merge_file_name=unlasting,openapi_naming_strategy=simple \
  "${protos[@]}"
