#!/bin/sh
# Rotates the passphrase of a vault and hands the new one to a secret store, on a schedule. If anything interrupts a run,
# the next one continues where it stopped.
#
#   rotate.sh ENV COMMAND [ARGUMENT...]
#
# COMMAND reads the passphrase from stdin and stores it, as `gh secret set VSYNC_PASSPHRASE` does. It may run again with
# the same one.
#
# Environment:
#   VSYNC_PASSPHRASE, VSYNC_PASSPHRASE_FILE   the passphrase that the secret store holds now
#   ROTATE_GRACE    how long that passphrase keeps reading (24h)
#   ROTATE_STATE    folder that keeps the new passphrase until COMMAND has stored it; it must survive a restart
#                   ($STATE_DIRECTORY, as systemd sets it)
#   VSYNC_NEW_PASSPHRASE_FILE   instead of ROTATE_STATE: the new passphrase, which the caller keeps safe
#   ROTATE_INIT     on a machine that does not know the vault: the flags of `vsync init` that say where it is
#
# Exit codes: those of vsync rotate-passphrase (3: another rotation is running, try again later), and 10: rotated, but
# COMMAND failed; run again.
set -eu
umask 077

[ $# -ge 2 ] || {
  echo "usage: rotate.sh ENV COMMAND [ARGUMENT...]" >&2
  exit 1
}
env=$1
shift

say() {
  echo "rotate.sh: $*" >&2
}

# Returns 0 if the passphrase in the file can write the vault, 1 if it cannot, and another code if the store did not
# answer. Appends the audit row if it is outstanding.
writes() {
  vsync audit reconcile --env="$env" --passphrase-file="$1" >&2
}

hand_over() {
  if ! (unset VSYNC_PASSPHRASE VSYNC_NEW_PASSPHRASE && "$@") <"$new"; then
    say "the new passphrase is in force, and was not handed over: it is in $new"
    exit 10
  fi
  say "the new passphrase of $env is handed over"
  # A candidate that was set aside can no longer become the passphrase.
  if [ "$staged" = no ]; then rm -f "$new" "$new.unused"; fi
}

staged=no
if [ -n "${VSYNC_NEW_PASSPHRASE_FILE:-}" ]; then
  staged=yes
  new=$VSYNC_NEW_PASSPHRASE_FILE
else
  state=${ROTATE_STATE:-${STATE_DIRECTORY:?set ROTATE_STATE to a folder that outlasts a restart}}
  mkdir -p "$state"
  new=$state/$env.new
fi

if [ -n "${ROTATE_INIT:-}" ] && ! vsync status "$env" >/dev/null 2>&1; then
  # If an earlier run has rotated, only the new passphrase opens the vault.
  # shellcheck disable=SC2086 # several flags
  vsync init --env="$env" $ROTATE_INIT || vsync init --env="$env" $ROTATE_INIT --passphrase-file="$new"
fi

if [ -e "$new" ]; then
  code=0
  writes "$new" || code=$?
  case $code in
  0)
    say "an earlier run has rotated $env and was cut short"
    hand_over "$@"
    exit 0
    ;;
  1) [ "$staged" = yes ] || mv "$new" "$new.unused" ;;
  *) exit "$code" ;;
  esac
fi

code=0
if [ "$staged" = yes ]; then
  vsync rotate-passphrase --env="$env" --grace="${ROTATE_GRACE:-24h}" --yes --note="rotate.sh" || code=$?
else
  vsync rotate-passphrase --env="$env" --grace="${ROTATE_GRACE:-24h}" --yes --note="rotate.sh" \
    --generate --out="$new" || code=$?
fi
case $code in
0) hand_over "$@" ;;
4)
  # Rotated, but the audit row is missing; if this attempt fails too, the next commit writes it.
  if writes "$new"; then code=0; fi
  hand_over "$@"
  exit "$code"
  ;;
*) exit "$code" ;;
esac
