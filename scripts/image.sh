#!/bin/bash
# The steps of the Dockerfile that want bash: builders of OCI images know no SHELL.
#
#   scripts/image.sh libtorch     puts the official LibTorch that LIBTORCH names where LIBTORCH_FOLDER says;
#                                 nothing where LIBTORCH is empty, which is Debian's
#   scripts/image.sh programs     builds against it, and installs to /out as cmake/UnlastingInstall.cmake
#                                 says: /out/torch holds what needs LibTorch, and /out/libraries what either
#                                 needs that is in no package
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$(dirname "${BASH_SOURCE[0]}")/libtorch.sh"

case "${1:-}" in
  libtorch)
    [[ -n "${LIBTORCH:-}" ]] || exit 0
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends curl python3-venv
    rm -rf /var/lib/apt/lists/*
    cd /archives  # where a file that LIBTORCH names was copied to
    use_libtorch "$LIBTORCH"
    ;;
  programs)
    cd "$repository"
    case "${LIBTORCH:-}" in
      '') ;;
      wheel) use_libtorch wheel ;;
      *) use_libtorch "$LIBTORCH_FOLDER-archive" ;;
    esac
    mkdir -p /out/libraries/{programs,torch}
    cmake --preset release -DBUILD_TESTING=OFF -DUNLASTING_BUILD_TAG="${BUILD_TAG:-}" "${libtorch_settings[@]}"
    cmake --build build/release --parallel "$(build_jobs)"
    for component in programs torch; do
      cmake --install build/release --prefix "/out/$component" --component "$component" --strip
    done
    scripts/image-libraries.sh /out/programs /out/libraries/programs
    scripts/image-libraries.sh --whole /out/torch /out/libraries/torch
    ;;
  *)
    sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
