#!/usr/bin/env bash
# Unpacks Debian's Ceph into a folder, without installing a package on the host and without running a maintainer script.
# apt checks the signatures with the host's own Debian keyring.
# usage: fetch.sh root
# Safe to interrupt and to run twice at once: one run fetches aside, under a lock, and renames when all of it is there.
set -euo pipefail

root=$1
suite=forky # Debian 12's Ceph 16 refuses the ETags that it hands out; this one follows S3
complete="$root/usr/bin/radosgw"
[ -e "$complete" ] && exit 0

mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock 9
[ -e "$complete" ] && exit 0

rm -rf -- "$root".partial.* # left by a run that was killed: the lock says that none is at work
work=$(mktemp -d "$root.partial.XXXXXX")
trap '' PIPE # the reader of our stderr may be gone before we have cleaned up
trap 'rm -rf -- "$work"' EXIT
trap 'exit 143' INT TERM HUP

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || keyring=${keyring%.gpg}.pgp # as newer releases call it
[ -e "$keyring" ] || { echo "ceph: this host has no Debian archive keyring" >&2; exit 1; }
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
# the archive that this host already takes its own packages from
archive=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Codename: $codename" | sed -n 1p)
[ -n "$archive" ] || { echo "ceph: apt on this host knows no archive for ${codename:-its release}" >&2; exit 1; }

apt="$work/apt"
mkdir -p "$apt"/{lists/partial,cache/archives/partial,parts}
: >"$apt/status"
echo "deb [signed-by=$keyring] $archive $suite main" >"$apt/sources.list"
options=(
  -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts="$apt/parts"
  -o Dir::Etc::preferencesparts="$apt/parts" -o Dir::State::lists="$apt/lists"
  -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache"
  -o APT::Sandbox::User=root -o APT::Install-Recommends=false -o Acquire::Languages=none -o Debug::NoLocking=1
)
apt-get "${options[@]}" -qq update >&2
apt-get "${options[@]}" -qq -y --download-only install radosgw ceph-mon ceph-osd ceph-common >&2

tree="$work/root"
mkdir -p "$tree"/usr/{bin,sbin,lib,lib64} "$tree"/{tmp,dev,proc,var/lib/ceph,run,etc}
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$tree/$folder"; done
for package in "$apt"/cache/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$tree" --keep-directory-symlink --no-same-owner
done
mknod -m 666 "$tree/dev/null" c 1 3
mknod -m 666 "$tree/dev/zero" c 1 5
mknod -m 666 "$tree/dev/random" c 1 8
mknod -m 666 "$tree/dev/urandom" c 1 9
chroot "$tree" radosgw --version >&2
mv -T "$tree" "$root"
