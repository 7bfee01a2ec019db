#!/bin/sh
# Installs the vsync binary of a release, once its checksum is the one in SHA256SUMS.
#   sh install.sh --from=<URL or folder of the release> [--to=<folder, ~/.local/bin>] [--sums=<SHA-256 of SHA256SUMS>]
set -eu

fail() {
  printf 'install: error: %s\n' "$1" >&2
  exit 1
}

from='' to="${HOME:-}/.local/bin" sums=''
for word in "$@"; do
  case $word in
    --from=*) from=${word#--from=} ;;
    --to=*) to=${word#--to=} ;;
    --sums=*) sums=${word#--sums=} ;;
    *) fail "unknown argument: sh install.sh --from=<URL or folder> [--to=<folder>] [--sums=<SHA-256>]" ;;
  esac
done
[ -n "$from" ] || fail 'missing --from=<URL or folder of the release>'

target() {
  case $(uname -s) in Linux) system=linux ;; Darwin) system=darwin ;; *) fail "there is no binary for $(uname -s)" ;; esac
  case $(uname -m) in x86_64 | amd64) machine=x64 ;; aarch64 | arm64) machine=arm64 ;; *) fail "there is no binary for $(uname -m)" ;; esac
  libc=''
  if [ "$system" = linux ] && ls /lib/ld-musl-*.so.1 >/dev/null 2>&1 && ! ls /lib*/ld-linux-*.so.* >/dev/null 2>&1; then libc=-musl; fi
  printf '%s-%s%s' "$system" "$machine" "$libc"
}

get() {
  case $from in
    https://* | http://127.0.0.1:*) curl --fail --silent --show-error --location --output "$aside/$1" "${from%/}/$1" || fail "cannot fetch ${from%/}/$1" ;;
    *://*) fail 'only https:// is fetched from' ;;
    *) cp "${from%/}/$1" "$aside/$1" || fail "cannot read ${from%/}/$1" ;;
  esac
}

digest() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

aside=$(mktemp -d)
trap 'rm -rf "$aside"' EXIT
get SHA256SUMS
[ -z "$sums" ] || [ "$(digest "$aside/SHA256SUMS")" = "$sums" ] || fail 'SHA256SUMS is not the one that --sums names: nothing was installed'
ours=$(target)
name=$(grep -o "vsync-[0-9][^ ]*-$ours\$" "$aside/SHA256SUMS" | head -n 1) || fail "the release has no binary for $ours"
expected=$(grep " $name\$" "$aside/SHA256SUMS" | cut -d ' ' -f 1)
get "$name"
[ "$(digest "$aside/$name")" = "$expected" ] || fail "$name is not the file that SHA256SUMS names: nothing was installed"
mkdir -p "$to"
chmod 755 "$aside/$name"
# Aside, then renamed: an older one that is running stays whole.
cp "$aside/$name" "$to/.vsync.$$"
mv "$to/.vsync.$$" "$to/vsync"
printf 'installed %s as %s\n' "$name" "$to/vsync" >&2
