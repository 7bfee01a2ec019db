#!/bin/sh
# Installs the vsync binary of a release if its checksum matches SHA256SUMS.
#   sh install.sh --from=<URL or folder of the release> [--to=<folder, ~/.local/bin>] [--sums=<SHA-256 of SHA256SUMS>] [--downgrade]
set -eu

fail() {
  printf 'install: error: %s\n' "$1" >&2
  exit 1
}

from='' to="${HOME:-}/.local/bin" sums='' downgrade=''
for word in "$@"; do
  case $word in
    --from=*) from=${word#--from=} ;;
    --to=*) to=${word#--to=} ;;
    --sums=*) sums=${word#--sums=} ;;
    --downgrade) downgrade=yes ;;
    *) fail 'unknown argument: sh install.sh --from=<URL or folder> [--to=<folder>] [--sums=<SHA-256>] [--downgrade]' ;;
  esac
done
[ -n "$from" ] || fail 'missing --from=<URL or folder of the release>'
case $to in /.local/bin) fail 'HOME is not set: name a folder with --to=<folder>' ;; esac

target() {
  case $(uname -s) in Linux) system=linux ;; Darwin) system=darwin ;; *) fail "vsync has no binary for $(uname -s)" ;; esac
  case $(uname -m) in x86_64 | amd64) machine=x64 ;; aarch64 | arm64) machine=arm64 ;; *) fail "vsync has no binary for $(uname -m)" ;; esac
  libc=''
  if [ "$system" = linux ] && ls /lib/ld-musl-*.so.1 >/dev/null 2>&1 && ! ls /lib*/ld-linux-*.so.* >/dev/null 2>&1; then libc=-musl; fi
  printf '%s-%s%s' "$system" "$machine" "$libc"
}

# wget would follow a redirect to http://, so this follows redirects itself.
fetch_with_wget() {
  wget --help 2>&1 | grep -q -e --max-redirect || fail 'this wget may follow a redirect to http://: install curl, or fetch the release by other means, and name its folder with --from'
  url=$1
  for hop in 1 2 3 4 5; do
    headers=$(LC_ALL=C wget -nv -S --max-redirect=0 -O "$2" "$url" 2>&1) && return 0
    url=$(printf '%s\n' "$headers" | sed -n 's/^ *[Ll]ocation: *\([^[:space:]]*\).*/\1/p' | head -n 1)
    case $url in https://*) ;; *) return 1 ;; esac
  done
  return 1
}

# The URL of a server on this machine, for tests: a port and a path, and nothing that makes it another host's.
is_local() {
  port=${1#http://127.0.0.1:}
  port=${port%%/*}
  case $1 in http://127.0.0.1:*) ;; *) return 1 ;; esac
  case $port in '' | *[!0-9]*) return 1 ;; esac
}

download() {
  if command -v curl >/dev/null 2>&1; then
    curl --fail --silent --show-error --location --proto-redir =https --output "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    fetch_with_wget "$1" "$2"
  else
    fail 'there is neither curl nor wget: fetch the release by other means, and name its folder with --from'
  fi
}

get() {
  case $from in
    *://*)
      case $from in https://*) ;; *) is_local "$from" || fail 'only https:// is fetched from' ;; esac
      download "${from%/}/$1" "$aside/$1" || fail "cannot fetch ${from%/}/$1: nothing was installed"
      ;;
    *) cp "${from%/}/$1" "$aside/$1" || fail "cannot read ${from%/}/$1" ;;
  esac
}

digest() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Succeeds if version $1 is newer than $2. A pre-release (1.0.0-rc.1) counts as its first three numbers.
newer() {
  awk -v a="$1" -v b="$2" 'BEGIN {
    split(a, x, /[.-]/); split(b, y, /[.-]/)
    for (i = 1; i <= 3; i++) if (x[i] + 0 != y[i] + 0) exit !(x[i] + 0 > y[i] + 0)
    exit 1
  }'
}

there=''
cleanup() {
  rm -rf "$aside"
  [ -z "$there" ] || rm -f "$there"
}

aside=$(mktemp -d)
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
get SHA256SUMS
[ -z "$sums" ] || [ "$(digest "$aside/SHA256SUMS")" = "$sums" ] || fail 'SHA256SUMS is not the one that --sums names: nothing was installed'
ours=$(target)
name=$(grep -o "vsync-[0-9][^ ]*-$ours\$" "$aside/SHA256SUMS" | head -n 1)
[ -n "$name" ] || fail "the release has no binary for $ours"
version=${name#vsync-}
version=${version%"-$ours"}
if [ -z "$downgrade" ] && [ -x "$to/vsync" ]; then
  present=$("$to/vsync" --version 2>/dev/null | sed -n 's/^vsync\/\([0-9][^ ]*\).*/\1/p') || present=''
  if [ -n "$present" ] && newer "$present" "$version"; then
    fail "$to/vsync is $present already, and newer than $version: --downgrade replaces it"
  fi
fi
expected=$(grep " $name\$" "$aside/SHA256SUMS" | cut -d ' ' -f 1)
get "$name"
[ "$(digest "$aside/$name")" = "$expected" ] || fail "$name is not the file that SHA256SUMS names: nothing was installed"
mkdir -p "$to" 2>/dev/null && [ -w "$to" ] || fail "$to cannot be written to: name another folder with --to=<folder>"
# Writes aside and renames: an older vsync that is running stays intact.
there="$to/.vsync.$$"
cp "$aside/$name" "$there" || fail "cannot write to $to: nothing was installed"
chmod 755 "$there"
"$there" --version >/dev/null 2>&1 || fail "$name does not start on this machine: nothing was installed (on Alpine, apk add libstdc++)"
mv "$there" "$to/vsync"
there=''
printf 'installed %s as %s\n' "$name" "$to/vsync" >&2
case ":$PATH:" in *":$to:"*) ;; *) printf 'install: %s is not in PATH\n' "$to" >&2 ;; esac
