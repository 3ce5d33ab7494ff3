#!/bin/bash
# Installs what Unlasting builds and tests with, from Debian 12's own archive.
#
#   scripts/install-deps.sh               what scripts/test.sh needs: build and test packages
#   scripts/install-deps.sh --build-only  what building needs (used by Dockerfile and demo)
#   scripts/install-deps.sh --all         also clang-format, clang-tidy and clang for fuzz targets
#   scripts/install-deps.sh --list        print the names of the default set and install nothing
#
# Runs again at no cost: apt is not called when every package is there.
set -euo pipefail

BUILD_PACKAGES=(
  ca-certificates git
  ccache cmake g++ ninja-build pkg-config
  libtorch-dev libgloo-dev libopenblas-dev libopenblas0-pthread
  libgrpc++-dev libgrpc-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  libabsl-dev libhwy-dev libeigen3-dev
  libhdf5-dev librdkit-dev libboost-dev
  prometheus-cpp-dev libspdlog-dev libcli11-dev nlohmann-json3-dev
  libssl-dev zlib1g-dev libzstd-dev
  libgtest-dev libgmock-dev libbenchmark-dev
)
# The stock Python that opens our files, runs our exported models, calls our server and reads our
# manifests in tests, the front that tests attack, the browser and fonts of the report, and what
# README asks the gateway with.
TEST_PACKAGES=(
  python3 python3-anndata python3-grpcio python3-h5py python3-numpy python3-protobuf python3-scipy
  python3-torch python3-rdkit python3-yaml python3-matplotlib python3-nbclient python3-ipykernel
  python3-venv
  openssl nginx-light curl
  chromium fonts-dejavu-core fonts-liberation
)
# With which the Node client gets the modules that its tests need. Node from elsewhere does as well, and
# Debian's npm cannot be installed beside it.
NODE_PACKAGES=()
command -v npm >/dev/null || NODE_PACKAGES=(nodejs npm)
STYLE_PACKAGES=(clang-format-14 clang-tidy-14 clang libclang-rt-14-dev)

fail() {
  echo "install-deps: $1" >&2
  exit "${2:-1}"
}

usage() { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

packages=("${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}" "${NODE_PACKAGES[@]}")
node_modules=true
list_only=false
for argument in "$@"; do
  case "$argument" in
    --build-only) packages=("${BUILD_PACKAGES[@]}"); node_modules=false ;;
    --all) packages+=("${STYLE_PACKAGES[@]}") ;;
    --list) list_only=true ;;
    -h | --help) usage; exit 0 ;;
    *) fail "unknown option '$argument'; expected --build-only, --all, --list or none" 2 ;;
  esac
done

if $list_only; then
  printf '%s\n' "${packages[@]}"
  exit 0
fi

release="unknown"
if [[ -r /etc/os-release ]]; then
  release="$(. /etc/os-release && echo "${ID:-unknown} ${VERSION_ID:-}")"
fi
if [[ "$release" != "debian 12" ]]; then
  fail "found '$release', expected Debian 12 (bookworm).
Elsewhere, install the equivalents of the packages that 'scripts/install-deps.sh --list' prints
(LibTorch 1.13 or later, gRPC 1.51 or later, HDF5 1.10 or later, RDKit 2022.09 or later), then:
cmake --preset release && cmake --build --preset release"
fi

# The modules of clients/node/package-lock.json, from npm's registry: without them, as on a machine that
# cannot reach it, the test of the Node client is skipped.
install_node_modules() {
  local folder
  folder="$(dirname "${BASH_SOURCE[0]}")/../clients/node"
  if ! $node_modules || [[ -d "$folder/node_modules" ]]; then return; fi
  npm ci --ignore-scripts --no-audit --no-fund --silent --prefix "$folder" ||
    echo "install-deps: npm did not install $folder/node_modules; the test of the Node client is skipped" >&2
}

missing=()
for package in "${packages[@]}"; do
  status="$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)"
  [[ "$status" == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  echo "install-deps: all ${#packages[@]} packages are there"
  install_node_modules
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null ||
    fail "needs root to install ${#missing[@]} packages and there is no sudo; as root, run:
apt-get install --no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi

echo "install-deps: installing ${#missing[@]} packages: ${missing[*]}"
apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"
}
apt_get update
# Debian's CMake packages, LibTorch and protoc bring all that is needed as dependencies; their
# recommendations (a second compiler, documentation, fonts) are not.
apt_get install -y --no-install-recommends "${missing[@]}"
install_node_modules
