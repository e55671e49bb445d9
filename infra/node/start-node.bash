# start-node is the entry point of a node's container. As root it makes the files of the container usable for user rabbitmq; as that
# user it runs the server, and on SIGTERM takes it out of service first.

readonly stop_timeout=60   # seconds until the engine kills what has not stopped; as StopTimeout in node.go
readonly shutdown_time=25  # of these, what is left for draining and stopping
readonly settle_time=10    # seconds after which the replicas of running nodes have caught up
readonly lookup_time=2     # seconds the engine's name server gets to answer; it knows its own names at once
readonly founding_time=120 # seconds a new node waits for the seeds to have a cluster
readonly data=$home/mnesia/rabbit@$HOSTNAME

main() {
  if ((EUID == 0)); then
    take_over_files
    become_rabbitmq
  fi
  self=rabbit@$HOSTNAME
  mapfile -t seeds < <(sed -nE 's/^cluster_formation\.classic_config\.nodes\.[^=]*= *//p' /etc/rabbitmq/rabbitmq.conf)
  seeds=("${seeds[@]:0:seed_count}")
  trap 'exit 0' TERM INT
  compare_with_cluster
  serve
}

# take_over_files gives user rabbitmq its volume, which has another owner when it is new or the image has changed, and the
# definitions, which only root can read where they were put.
take_over_files() {
  find "$home" ! -user rabbitmq -exec chown rabbitmq:rabbitmq {} +
  install -d -o rabbitmq -g rabbitmq -m 0700 "$run"
  install -o rabbitmq -g rabbitmq -m 0400 /etc/warren/definitions.json "$run/definitions.json"
}

# compare_with_cluster settles, before the server starts, what it could not settle itself: that a running cluster knows this
# node and the node does not know the cluster, or the other way round. Without a running cluster to ask, as after a power cut,
# nothing is decided and nothing touched.
compare_with_cluster() {
  # Only seeds found a cluster: a node that others do not look for would be alone in it.
  if ! has_data && ! contains "${seeds[*]}" "$self"; then
    within "$founding_time" find_cluster || fail "$self is new, and ${seeds[*]} have no cluster yet that it could join: trying again"
  else
    find_cluster || return 0
  fi
  if has_data; then
    contains "$members" "$self" || set_data_aside
  elif contains "$members" "$self"; then
    contains "$running" "$self" && fail "$seed still takes $self for running: trying again"
    forget "$seed"
  fi
}

has_data() { [[ -n $(ls -A "$data" 2>/dev/null) ]]; }

# set_data_aside lets a node that was removed from its cluster come back to it as a new one. It could not start otherwise.
set_data_aside() {
  local aside
  printf -v aside '%s.removed-%(%Y%m%dT%H%M%S)T' "$data" -1
  log "$self was removed from the cluster of $seed: its data are set aside in $aside and may be deleted"
  mv "$data" "$aside"
  [[ ! -e $data-feature_flags ]] || mv "$data-feature_flags" "$aside-feature_flags"
}

# serve runs the server until it ends or is to stop. An end of its own is a failure whatever its exit status is (3.10 reports success
# when it could not boot), so that the engine starts the container again.
serve() {
  local status=0 stopping=false
  rabbitmq-server &
  server=$!
  # The work is not done in the trap, where `return` does not mean what it means elsewhere.
  trap 'stopping=true' TERM INT
  wait "$server" || status=$?
  [[ $stopping == true ]] || fail "the server of $self ended by itself, with exit status $status"
  stop
}

# stop takes the node out of service and stops it.
stop() {
  trap '' TERM INT
  SECONDS=0
  if ! listens "$self" "$amqp_port"; then
    log "$self serves no clients: it stops at once"
  elif everything_goes; then
    log "the whole stack goes: $self stops at once"
  elif await_redundancy; then
    drain
  fi
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" || true
  log "$self stopped in $SECONDS s"
}

# everything_goes tells whether the stack is being destroyed, so that nobody is there to take over. Formation and load balancer come after
# the nodes, so that Pulumi deletes both before any node then. In every other deployment one of them at least is there.
everything_goes() { gone formation && gone haproxy; }

gone() { ! timeout "$lookup_time" getent hosts "$1" >/dev/null; }

# await_redundancy waits until every queue, stream and the metadata keep a majority without this node; it fails if that is not to be.
# With all members there, a queue may have too few replicas for it anyway.
await_redundancy() {
  local status
  while ((SECONDS < stop_timeout - shutdown_time)); do
    status=0
    timeout $((stop_timeout - shutdown_time - SECONDS)) rabbitmq-queues --quiet check_if_node_is_quorum_critical >/dev/null 2>&1 || status=$?
    ((status == 0)) && return
    if ((SECONDS > settle_time)) && all_serve; then
      log "$self stops although it holds replicas that are needed for a majority: all members run, and more there are not"
      return
    fi
    log "$self holds replicas that are needed for a majority: waiting for those of its peers"
    pause 1
  done
  log "$self stops although it holds replicas that are needed for a majority: there is no time left"
  return 1
}

all_serve() {
  local node
  view "$self" || return
  for node in $members; do listens "$node" "$amqp_port" || return; done
}

# drain puts the node into maintenance mode, which closes its listeners and hands over its leaders. It ends with the next start.
drain() {
  if timeout $((shutdown_time - 10)) rabbitmq-upgrade --quiet drain; then
    log "$self is drained after $SECONDS s"
  else
    log "draining $self failed: it stops without"
  fi
}

main
