#!/bin/bash
# Renders deploy/kustomize/base and checks what must not be lost from it. Exits 77 (skipped) where
# there is no kubectl.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

command -v kubectl >/dev/null || { echo "render-deploy: no kubectl, skipped"; exit 77; }
rendered="$(kubectl kustomize "$repository/deploy/kustomize/base")"

status=0
expect() {  # expect TEXT COUNT
  local found
  found="$(grep -c -F -- "$1" <<<"$rendered" || true)"
  if [[ "$found" != "$2" ]]; then
    echo "render-deploy: found '$1' $found times, expected $2" >&2
    status=1
  fi
}
expect "kind: Deployment" 1
expect "kind: Service" 1
expect "grpc:" 3
expect "runAsNonRoot: true" 1
expect "readOnlyRootFilesystem: true" 1
expect "terminationGracePeriodSeconds: 60" 1
expect "claimName: unlasting-bundles" 1
expect "prometheus.io/scrape" 1
expect "containerPort: 50051" 1
expect "containerPort: 9464" 1
# Labels, both selectors and the pod template.
expect "app.kubernetes.io/name: unlasting" 5
# The image that the Dockerfile is built as; its version is the project's.
version="$(sed -n 's/^project(unlasting VERSION \([0-9.]*\).*/\1/p' "$repository/CMakeLists.txt")"
expect "image: unlasting:$version" 1
((status == 0)) && echo "render-deploy: deploy/kustomize/base renders as expected"
exit "$status"
