#!/usr/bin/env bash
# Ceph's S3 server on loopback, in RAM: one monitor, one OSD, one radosgw. No cephx, no manager, no systemd. Needs root.
# usage: run.sh root port monitor-port    fetches into `root` first where that is not there
# Prints `ready` once it serves, and runs until its stdin ends: it never outlives the process that started it.
# Environment: ADMIN_KEY, ADMIN_SECRET, READER_KEY, READER_SECRET (user ids `admin` and `reader`).
set -euo pipefail

# its own process group: stopping reaches everything in it and nothing else
read -r _ _ _ _ group _ <"/proc/$$/stat"
[ "$group" = "$$" ] || exec setsid --wait "$0" "$@"

root=$1 port=$2 monitor_port=$3
data="/tmp/vsync-$$" # as seen in the chroot; short, for it holds unix sockets
host_data="$root$data"

stop() {
  local status=$?
  trap '' EXIT INT TERM HUP
  set +e
  if [ "$status" = 1 ] && [ -d "$host_data" ]; then tail -qn 5 "$host_data"/*.out >&2; fi
  kill -TERM 0
  # SIGKILL: the store is in RAM and thrown away
  for process in $daemons; do kill -KILL "$process"; done 2>/dev/null
  wait
  rm -rf -- "$host_data"
  exit "$status"
}
daemons=""
trap '' PIPE # the reader of our stderr may be gone before we have cleaned up
trap stop EXIT
trap 'exit 143' INT TERM HUP

# in the background, for a trap waits for the command in the foreground
exec 3<&0 </dev/null
{ cat <&3 >/dev/null; kill -TERM $$; } &

call() { "$@" & wait $! || exit 1; }
# always in the background, hence `exec`: $! is the program itself, and it dies with this script even if that is killed
in_root() { exec setpriv --pdeathsig KILL env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/tmp CEPH_CONF="$data/ceph.conf" chroot "$root" "$@"; }
step() { local name=$1; shift; in_root "$@" >"$host_data/$name.out" 2>&1 3<&- & wait $! || exit 1; }
daemon() { in_root "$@" >"$host_data/$1.out" 2>&1 3<&- & daemons="$daemons $!"; }
user() { step "user-$1" radosgw-admin user create --uid="$1" --display-name="$1" --access-key="$2" --secret-key="$3"; }

call "$(dirname "$0")/fetch.sh" "$root"

for stale in "$root"/tmp/vsync-*; do [ -d "/proc/${stale##*-}" ] || rm -rf -- "$stale"; done
mkdir -p "$host_data"/{mon,osd,rgw,run}
fsid=$(cat /proc/sys/kernel/random/uuid)
osd_id=$(cat /proc/sys/kernel/random/uuid)
cat >"$host_data/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = v2:127.0.0.1:$monitor_port/0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
auth cluster required = none
auth service required = none
auth client required = none
# radosgw's default is "secure", which needs cephx: it would never connect
ms mon client mode = crc
run dir = $data/run
admin socket = $data/run/\$name.\$pid.asok
log file = /dev/null
mon cluster log file = /dev/null
crash dir = $data/run
# one OSD, one copy, one placement group a pool
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 2
# by default every change of a map waits a second
paxos propose interval = 0.05
paxos min wait = 0.01
[mon.a]
mon data = $data/mon
[osd.0]
osd data = $data/osd
osd objectstore = memstore
memstore device bytes = 4294967296
[client]
rgw data = $data/rgw
rgw frontends = beast endpoint=127.0.0.1:$port
rgw thread pool size = 64
rgw rados pool pg num min = 1
rgw override bucket index max shards = 1
rgw dynamic resharding = false
rgw run sync thread = false
rgw gc max objs = 1
rgw lc max objs = 1
rgw objexp hints num shards = 1
rgw num control oids = 1
rgw data log num shards = 1
rgw md log max shards = 1
rgw usage max shards = 1
CONF

step monmap monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$monitor_port]" "$data/monmap"
step mkfs-mon ceph-mon --mkfs -i a --monmap "$data/monmap"
daemon ceph-mon -f -i a
step osd-new ceph --connect-timeout 30 osd new "$osd_id"
step mkfs-osd ceph-osd --mkfs -i 0 --osd-uuid "$osd_id"
daemon ceph-osd -f -i 0
user admin "$ADMIN_KEY" "$ADMIN_SECRET" # the first radosgw-admin call also makes the zone and its pools
daemon radosgw -f -n client.rgw.a
gateway=$!
user reader "$READER_KEY" "$READER_SECRET"
# an S3 server answers there, not just anyone
serves() { exec 4<>"/dev/tcp/127.0.0.1/$port" && printf 'GET / HTTP/1.0\r\n\r\n' >&4 && timeout 5 grep -qi ^x-amz-request-id <&4; }
until (serves) 2>/dev/null; do
  kill -0 "$gateway" || exit 1
  call sleep 0.05
done

echo ready
wait "$gateway"
exit 1 # it ended by itself
