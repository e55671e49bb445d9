#!/bin/sh
# offer-haproxy offers a configuration to the HAProxy that serves, and says so, by a file, once that runs with it. Then it
# watches, and ends if that is no longer so: its container starts again and offers the configuration once more. Official
# images may have no shell but sh.
set -eu
umask 077

readonly mine=/etc/warren/haproxy.cfg
readonly offered=/var/lib/warren/haproxy.cfg
readonly taken=/var/lib/warren/taken.cfg
readonly refused=/var/lib/warren/refused
readonly certificate=/etc/warren/certificate.pem # there only if the stack has TLS, as is the agent
readonly given=/var/lib/warren/certificate.pem
readonly agent=/etc/warren/agent
readonly run=/run/warren
readonly probed=/run/probed # that the health check has run
readonly watch_interval=60  # seconds

log() { echo "warren: $*"; }
fail() { log "$*" >&2; exit 1; }

# pause sleeps such that a signal ends it.
pause() { sleep "$1" & wait $!; }

trap 'exit 0' TERM INT
mkdir -p "$run"
rm -rf "$refused" "$run/taken" "$run/refused" "$probed" # of a former life of the container
if [ -e "$certificate" ]; then # first, because the configuration names it
  cp "$certificate" "$given.new"
  mv "$given.new" "$given"
fi
cp "$mine" "$offered.new"
mv "$offered.new" "$offered"
until cmp -s "$mine" "$taken"; do
  if [ -e "$refused" ]; then
    cat "$refused"
    : >"$run/refused"
    log "HAProxy refuses this configuration, and goes on as before" >&2
    while pause "$watch_interval"; do :; done
  fi
  pause 0.2
done
# A HAProxy that has read another certificate before takes this one in its place. One that is just starting does
# not listen yet.
if [ -e "$certificate" ]; then
  until "$agent" certificate; do pause 1; done
  log "HAProxy has this certificate"
fi
: >"$run/taken"
log "HAProxy runs with this configuration"
while pause "$watch_interval"; do
  cmp -s "$mine" "$taken" || fail "HAProxy runs with another configuration"
done
