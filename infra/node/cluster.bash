#!/usr/bin/env bash
# What a node and its membership ask of a cluster. node.go puts this in front of both scripts, so that each is one file.
#
# The Erlang machine of a command line tool takes a second of CPU time to start. What is asked often is therefore asked
# over a socket, and the tools do what only they can do.
#
# Set by the script: self is the node this is about, seeds are the first nodes of the stack.
set -euo pipefail

readonly amqp_port=5672 distribution_port=25672 metrics_port=15692
readonly home=/var/lib/rabbitmq run=/run/warren
readonly seed_count=3       # how many nodes are seeds; as topology has it
readonly command_timeout=60 # seconds for any one command of RabbitMQ's tools
readonly timed_out=124      # exit status of a command that took longer

log() { printf '%(%Y-%m-%d %H:%M:%S)T warren: %s\n' -1 "$*"; }
fail() { log "$*" >&2; exit 1; }

# pause sleeps such that a signal ends it.
pause() { sleep "$1" & wait $!; }

# within tries a condition twice a second until it holds; it fails when it does not for so many seconds.
within() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    pause 0.5
  done
}

# become_rabbitmq gives user rabbitmq its cookie and continues as that user. The cookie is copied because the engine makes
# files root's, and RabbitMQ refuses a cookie that somebody else may read.
become_rabbitmq() {
  install -d -o rabbitmq -g rabbitmq -m 0700 "$run"
  install -o rabbitmq -g rabbitmq -m 0400 /etc/warren/erlang.cookie "$home/.erlang.cookie"
  HOME=$home exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups bash "$0"
}

# tool runs a command of one of RabbitMQ's tools on a node. Its input is nobody's: it would eat that of a loop around it.
tool() {
  local status=0
  timeout "$command_timeout" "$1" --quiet --node "${@:2}" </dev/null || status=$?
  ((status != timed_out)) || log "$1 ${*:3} on $2 took longer than $command_timeout s" >&2
  return "$status"
}

ctl() { tool rabbitmqctl "$@"; }

# listens tells whether a node answers on a port.
listens() { timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "${1#*@}" "$2" 2>/dev/null; }

# greets tells whether a node answers a client's first bytes, the header of the protocol, with anything but its own header, by which it
# refuses. A node with settings that break every connection listens, and does not.
greets() {
  timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "AMQP\0\0\011\001" >&3 && LC_ALL=C read -rn 1 -u 3 && [[ $REPLY != A ]]' \
    "${1#*@}" "$2" 2>/dev/null
}

# scrape prints metrics of a node.
scrape() {
  timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET %s HTTP/1.0\r\n\r\n" "$2" >&3 && cat <&3' \
    "${1#*@}" "$metrics_port" "$2" 2>/dev/null
}

# identity sets cluster_id and version of a running node; it fails if the node does not run. A cluster has an ID of its own,
# which a node takes over as it joins and loses as it is reset.
identity() {
  local text
  text=$(scrape "$1" /metrics/detailed) || return
  cluster_id=$(sed -n 's/.*rabbitmq_cluster_permanent_id="\([^"]*\)".*/\1/p' <<<"$text")
  version=$(sed -n 's/.*rabbitmq_version="\([^"]*\)".*/\1/p' <<<"$text")
  [[ $cluster_id && $version ]]
}

# view sets members, running, ram and disabled_flags to what a running node says of its cluster; it fails if the node does not run.
view() {
  local status
  listens "$1" "$amqp_port" && status=$(ctl "$1" cluster_status --formatter json 2>/dev/null) || return
  disabled_flags=$(grep -c '"state":"disabled"' <<<"$status" || true)
  ram=$(nodes_under ram_nodes <<<"$status")
  members="$(nodes_under disk_nodes <<<"$status") $ram"
  running=$(nodes_under running_nodes <<<"$status")
}

nodes_under() { grep -oE "\"$1\":\[[^]]*\]" | grep -oE '[^"[,]+@[^"]+' | tr '\n' ' ' || true; }

# contains tells whether a list has a word.
contains() { [[ " $1 " == *" $2 "* ]]; }

# find_cluster sets seed to a running seed, other than self, whose cluster has a majority running, and the variables of view to what it
# says. The seeds count whether they are members or not: anything less than that majority may be a node that is alone by
# mistake, which is not to be followed.
find_cluster() {
  for seed in "${seeds[@]}"; do
    [[ $seed != "$self" ]] && view "$seed" || continue
    (($(wc -w <<<"$running") * 2 > $(tr ' ' '\n' <<<"$members ${seeds[*]}" | grep . | sort -u | wc -l))) && return
  done
  return 1
}

# vhosts lists the virtual hosts.
vhosts() {
  scrape "$1" '/metrics/detailed?family=vhost_status' |
    sed -n -e 's/\\\(.\)/\1/g' -e 's/^rabbitmq_cluster_vhost_status{vhost="\(.*\)"} .*/\1/p'
}

# replicated lists the quorum queues and streams that a node knows: virtual host, type, name, members and those of them that are online.
replicated() {
  local list vhost
  list=$(vhosts "$1") || return
  while IFS= read -r vhost; do
    ctl "$1" list_queues --no-table-headers --vhost "$vhost" name type members online |
      awk -F'\t' -v OFS='\t' -v vhost="$vhost" '$2 == "quorum" || $2 == "stream" {print vhost, $2, $1, $3, $4}' || return
  done <<<"$list"
}

# on_self and not_on_self select from such a list by one of the columns with nodes.
on_self()     { awk -F'\t' -v node="[[ ]${self}[],]" "NF && \$$1 ~ node"; }
not_on_self() { awk -F'\t' -v node="[[ ]${self}[],]" "NF && \$$1 !~ node"; }

# The replicas a node has lost are written down in the cluster itself, as a global parameter, from before the cluster forgets them
# until they are back: so many members a queue had, and so many it gets, whatever is interrupted in between. base64 spares
# the names of queues their quoting.
remember_replicas() {
  local lost
  lost=$({ remembered_replicas "$1" && replicated "$1" | on_self 4 | cut -f 1-3; } | sort -u)
  [[ -z $lost ]] || ctl "$1" set_global_parameter "warren_lost_replicas_$self" "\"$(base64 -w 0 <<<"$lost")\""
}

remembered_replicas() {
  ctl "$1" list_global_parameters --no-table-headers |
    awk -F'\t' -v key="warren_lost_replicas_$self" '$1 == key {gsub(/"/, "", $2); print $2}' | base64 -d
}

# forget makes the cluster of a node forget self, whose data are gone, and takes it out of its queues: they may not count, towards a
# majority, on a member that comes back without the messages it had confirmed.
forget() {
  log "$self has lost its data: $1 is to forget its former self"
  remember_replicas "$1"
  ctl "$1" forget_cluster_node "$self"
}

# no_queues tells whether none of these nodes that runs leads a queue, as in a new cluster, where there is nothing to ask further.
no_queues() {
  local node metrics
  for node; do
    listens "$node" "$amqp_port" || continue
    metrics=$(scrape "$node" /metrics) && ! grep -Eq '^rabbitmq_queues [1-9]' <<<"$metrics" || return
  done
}

# add_replicas adds a node to the queues and streams that it reads. Quorum queues of a virtual host go by one
# command, streams one by one: their tool knows no patterns.
add_replicas() {
  local node=$1 vhost type name
  local -A pattern=()
  while IFS=$'\t' read -r vhost type name; do
    if [[ $type == quorum ]]; then
      pattern[$vhost]+="${pattern[$vhost]:+|}$(literal "$name")"
    else
      tool rabbitmq-streams "$node" add_replica --vhost "$vhost" "$name" "$node" ||
        log "stream $name in virtual host $vhost has no replica on $node"
    fi
  done
  for vhost in "${!pattern[@]}"; do
    log "$node gets replicas of quorum queues in virtual host $vhost"
    tool rabbitmq-queues "$node" grow "$node" all --vhost-pattern "^$(literal "$vhost")\$" --queue-pattern "^(${pattern[$vhost]})\$" --errors-only
  done
}

# literal turns a name into a regular expression that matches nothing else.
literal() { sed 's/[][\.*^$+?(){}|]/\\&/g' <<<"$1"; }
