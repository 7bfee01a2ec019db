#!/bin/sh
# Lays out in the folder $1 what the container file takes of a Debian image, out of this machine's own Debian: no image
# has to be fetched.
set -eu
base=$1
mkdir -p "$base/tmp" "$base/etc"
for folder in bin sbin lib lib64; do
  mkdir -p "$base/usr/$folder"
  ln -s "usr/$folder" "$base/$folder"
done
for tool in sh bash dpkg dpkg-deb tar xz ldd grep sha256sum install readlink rm chroot; do
  path=$(readlink -f "$(command -v "$tool")")
  install -D "$path" "$base$path"
  [ -e "$base/usr/bin/$tool" ] || ln -s "$path" "$base/usr/bin/$tool"
  for library in $(ldd "$path" 2>/dev/null | grep -o '/[^ ]*'); do install -D "$(readlink -f "$library")" "$base$library"; done
done
for library in $(dpkg --listfiles libc6 | grep '\.so'); do [ ! -f "$library" ] || install -D "$library" "$base$library"; done
