#!/bin/sh
# serve-haproxy runs HAProxy with the configuration that is on offer in a volume, and takes over the next one that is offered: new
# connections go by it, and those there are may go on until hard-stop-after. What
# HAProxy does not accept changes nothing. Official images may have no shell but sh.
set -eu
umask 077

readonly offered=/var/lib/warren/haproxy.cfg # what HAProxy should run with,
readonly taken=/var/lib/warren/taken.cfg     # what it runs with,
readonly refused=/var/lib/warren/refused     # and why it does not run with what is offered
readonly conf=/usr/local/etc/haproxy/haproxy.cfg
readonly seen=/run/warren-seen.cfg # the last offer that was looked at

log() { echo "warren: $*"; }

# pause sleeps such that a signal ends it.
pause() { sleep "$1" & wait $!; }

# look takes what is offered, if that is new. A container that starts again looks at what it has seen before.
look() {
  [ -s "$offered" ] && ! cmp -s "$offered" "$seen" || return 0
  cp "$offered" "$seen"
  # What has been taken before needs no second look, which would delay the start after a crash.
  if ! cmp -s "$seen" "$taken" && ! reasons=$(haproxy -c -f "$seen" 2>&1); then
    log "HAProxy refuses the configuration on offer, and goes on as before: $reasons"
    echo "$reasons" >"$refused"
    return 0
  fi
  cp "$seen" "$conf"
  if [ "${haproxy:-}" ]; then
    log "reloading"
    kill -USR2 "$haproxy"
  fi
  cp "$seen" "$taken.new"
  mv "$taken.new" "$taken"
}

# follow looks once a second.
follow() { while pause 1; do look; done; }

trap 'exit 0' TERM INT
rm -f "$seen"
look
until [ -s "$conf" ]; do
  pause 0.2
  look
done
haproxy -W -db -f "$conf" &
haproxy=$!
follow &
trap 'kill -TERM "$haproxy"' TERM INT
status=0
while kill -0 "$haproxy" 2>/dev/null; do # a signal ends a wait before what it waits for
  status=0
  wait "$haproxy" || status=$?
done
exit "$status"
