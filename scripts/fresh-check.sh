#!/bin/bash
# Proves that a Debian 12 with nothing but git is enough: makes one in a temporary folder, clones
# this repository into it, and runs scripts/test.sh and scripts/demo.sh there. As root.
#
#   scripts/fresh-check.sh                  both, on the last commit
#   scripts/fresh-check.sh test             only scripts/test.sh; likewise: demo
#   scripts/fresh-check.sh --worktree       on the files as they lie here, committed or not
#   scripts/fresh-check.sh --base FILE.tar  start from this system; made and kept when not there
#   scripts/fresh-check.sh --keep           leave the folder for a look; by default it is removed
#
# Packages come from where this machine's apt takes them. About 10 GB under TMPDIR (/tmp).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

fail() {
  echo "fresh-check: $1" >&2
  exit "${2:-1}"
}

steps=()
base=""
keep=false
worktree=false
while (($#)); do
  case "$1" in
    test | demo) steps+=("$1") ;;
    --base) base="${2:-}"; [[ -n "$base" ]] || fail "--base needs a file" 2; shift ;;
    --keep) keep=true ;;
    --worktree) worktree=true ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) fail "unknown argument '$1'; see --help" 2 ;;
  esac
  shift
done
((${#steps[@]})) || steps=(test demo)
((EUID == 0)) || fail "needs root, for debootstrap and chroot"

root="$(mktemp -d "${TMPDIR:-/tmp}/unlasting-fresh.XXXXXX")"
clean_up() {
  if $keep; then
    echo "fresh-check: left in $root"
  else
    rm -rf --one-file-system "$root"
  fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [[ -n "$base" && -f "$base" ]]; then
  tar -C "$root" -xf "$base"
else
  command -v debootstrap >/dev/null || fail "needs debootstrap: apt-get install debootstrap"
  # The first archive of bookworm that apt here knows.
  mirror="$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "bookworm" {print $2; exit}')"
  [[ -n "$mirror" ]] || fail "found no archive of bookworm in apt's sources; expected one, e.g. in \
/etc/apt/sources.list.d. Add it and run 'apt-get update', or give a system with --base FILE.tar"
  debootstrap --variant=minbase --include=git,ca-certificates bookworm "$root" \
    "$mirror" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log" >&2; fail "debootstrap failed; its log is $root.log"; }
  rm -f "$root.log"
  if [[ -n "$base" ]]; then
    tar -C "$root" -cf "$base.partial" .
    mv "$base.partial" "$base"
  fi
fi

# This machine's sources, options, proxies and keys; names and certificates to reach them.
rm -f "$root/etc/apt/sources.list"
mkdir -p "$root/usr/share/keyrings" "$root/usr/local/share/ca-certificates"
for path in sources.list sources.list.d apt.conf apt.conf.d keyrings trusted.gpg trusted.gpg.d; do
  if [[ -e "/etc/apt/$path" ]]; then cp -rT "/etc/apt/$path" "$root/etc/apt/$path"; fi
done
cp -n /usr/share/keyrings/*.gpg "$root/usr/share/keyrings/" 2>/dev/null || true
cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
# Services of packages must not start: they would run on this machine.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"

clone="$root/root/unlasting"
if $worktree; then
  mkdir -p "$clone"
  git -C "$repository" ls-files -z --cached --others --exclude-standard |
    (cd "$repository" && while IFS= read -r -d '' file; do
      if [[ -f "$file" ]]; then printf '%s\0' "$file"; fi
    done | tar --null --files-from=- -cf -) | tar -C "$clone" -xf -
  git -C "$clone" init --quiet
  echo "fresh-check: the working tree"
else
  git clone --quiet --no-hardlinks "$repository" "$clone"
  echo "fresh-check: commit $(git -C "$clone" rev-parse --short HEAD)"
  changes="$(git -C "$repository" status --porcelain | wc -l)"
  ((changes == 0)) || echo "fresh-check: $changes changed or new files here are not in it"
fi

variables=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  LANG=C.UTF-8 TERM=dumb)
for name in http_proxy https_proxy no_proxy UNLASTING_JOBS; do
  if [[ -n "${!name:-}" ]]; then variables+=("$name=${!name}"); fi
done

# In its own mount and process space: what runs in there ends with it and nothing stays mounted.
inside() {
  unshare --mount --pid --fork --kill-child bash -ec '
    mount -t proc proc "$1/proc"
    mkdir -p "$1/dev/shm"
    mount -t tmpfs tmpfs "$1/dev/shm"
    exec chroot "$@"' inside "$root" env -i "${variables[@]}" "$@"
}

inside update-ca-certificates >/dev/null 2>&1 || true
for step in "${steps[@]}"; do
  echo "fresh-check: scripts/$step.sh"
  start=$SECONDS
  # From another folder, as a user may call it.
  inside bash -c "cd / && /root/unlasting/scripts/$step.sh" </dev/null ||
    fail "scripts/$step.sh failed"
  echo "fresh-check: scripts/$step.sh passed in $((SECONDS - start)) s"
done
