# join-cluster makes one node a member of its cluster and says so, by a file, once it runs as one with its replicas online.
# It tries until it succeeds: how long to wait is the business of whoever waits for the file. Then it watches the
# membership and ends when that is lost.
#
# WARREN_NODE is the host name of the node, WARREN_NODES those of all nodes, WARREN_NODE_TYPE is disc or ram.

readonly joined=$run/joined
readonly watch_interval=5    # seconds
readonly boot_time=30        # seconds a node usually needs to boot; after that, whether it is stopped is looked at
readonly recovery_time=60    # seconds a restarted node's replicas have to get online before they count as lost
readonly missing=3           # exit status of await_replicas
readonly reset_interval=10   # seconds between two looks whether a node that is stopped was reset
readonly removal_interval=60 # seconds between two looks whether a node that is down was removed

main() {
  ((EUID != 0)) || become_rabbitmq
  self=rabbit@$WARREN_NODE
  read -r -a nodes <<<"$WARREN_NODES"
  nodes=("${nodes[@]/#/rabbit@}")
  seeds=("${nodes[@]:0:seed_count}")
  trap 'exit 0' TERM INT
  log "waiting for $self"
  while true; do
    join & # in a process of its own, which a failure ends, and for which a signal does not have to wait
    wait $! && break
    pause 2
  done
  touch "$joined"
  log "$self is a member of its cluster, with its replicas online"
  watch
}

# join does what is missing for self to be a member in good order.
join() {
  within "$boot_time" is_up || start
  identity "$self" || fail "$self does not answer any more"
  is_home || bring_home
  ensure_type
  restore_replicas
}

# is_up looks at the greeting last: the node logs a warning about a client that leaves so early.
is_up() { listens "$self" "$amqp_port" && identity "$self" && greets "$self" "$amqp_port"; }

# start gets a node to run that was taken out of service by hand and would stay so.
start() {
  if identity "$self"; then
    ! listens "$self" "$amqp_port" || fail "$self runs, and closes the connections of clients: its log says why"
    log "$self is in maintenance mode: reviving it"
    tool rabbitmq-upgrade "$self" revive
  elif is_stopped; then
    start_stopped
  else
    fail "$self does not run yet: no answer on port $amqp_port"
  fi
  within 60 is_up || fail "$self did not start"
}

# is_stopped tells whether the node's Erlang machine runs and RabbitMQ in it does not, as after `rabbitmqctl stop_app`.
is_stopped() {
  listens "$self" "$distribution_port" &&
    tool rabbitmq-diagnostics "$self" is_booting 2>&1 | grep 'stopped or has not started' >/dev/null
}

# start_stopped starts RabbitMQ in a node where it was stopped. If that was reset, peer discovery makes it a new member. If it can't
# start, its container is to start anew, which settles what is wrong with the node's data.
start_stopped() {
  local status=0
  log "RabbitMQ is not started on $self: starting it"
  ctl "$self" start_app || status=$?
  ((status == 0 || status == timed_out)) || ctl "$self" stop
}

# is_home tells whether self is in the cluster that most running nodes are in; among clusters of a size the one with
# the first node counts. It sets away to a node of that cluster. The cluster ID of self must be known.
is_home() {
  local node own=$cluster_id order=() best=0
  local -A size=() first=()
  for node in "${nodes[@]}"; do
    if [[ $node == "$self" ]]; then
      cluster_id=$own
    else
      identity "$node" || continue
    fi
    [[ ${first[$cluster_id]:-} ]] || { first[$cluster_id]=$node; order+=("$cluster_id"); }
    size[$cluster_id]=$((${size[$cluster_id]:-0} + 1))
  done
  for cluster_id in "${order[@]}"; do
    ((${size[$cluster_id]} <= best)) || { best=${size[$cluster_id]}; away=${first[$cluster_id]}; }
  done
  [[ ${first[$own]} == "$away" ]]
}

# bring_home moves self from a cluster of its own to the cluster of the others.
bring_home() {
  view "$self" || fail "$self does not answer any more"
  [[ $members =~ ^[[:space:]]*"$self"[[:space:]]*$ ]] ||
    fail "$self is in a cluster with $members, which is not that of $away: 'rabbitmqctl reset' it when nothing in it is needed"
  has_no_queues ||
    fail "$self is a cluster of its own and has queues, which it would lose by joining that of $away:" \
      "delete them, or 'rabbitmqctl reset' it, when they are not needed"
  seed=$away
  view "$seed" || fail "$seed does not answer any more"
  log "$self is a cluster of its own: bringing it home to that of $seed"
  ctl "$self" stop_app
  ctl "$self" reset
  ! contains "$members" "$self" || forget "$seed"
  ctl "$self" join_cluster "$seed"
  ctl "$self" start_app
  within 60 is_up || fail "$self did not start"
}

has_no_queues() {
  local list vhost found
  list=$(vhosts "$self") || return
  while IFS= read -r vhost; do
    found=$(ctl "$self" list_queues --no-table-headers --vhost "$vhost" name) && [[ -z $found ]] || return
  done <<<"$list"
}

# ensure_type makes self a disc or a RAM node where there is a difference. Peer discovery makes disc nodes.
ensure_type() {
  identity "$self" && [[ $version =~ ^(3\.|4\.[01]\.) ]] || return 0
  local type=disc
  view "$self" || fail "$self does not answer any more"
  ! contains "$ram" "$self" || type=ram
  [[ $type != "$WARREN_NODE_TYPE" ]] || return 0
  log "$self becomes a $WARREN_NODE_TYPE node"
  ctl "$self" stop_app
  ctl "$self" change_cluster_node_type "$WARREN_NODE_TYPE"
  ctl "$self" start_app
  within 60 is_up || fail "$self did not start"
}

# restore_replicas gets self's replicas online again: those that only need time, those that the cluster forgot with its data, and those
# that it still expects from a node that was reset.
restore_replicas() {
  no_queues "${nodes[@]}" && return 0
  local lost memory remembering status=0
  exec {memory}< <(remembered_replicas "$self") # beside what follows, since each takes the start of an Erlang machine
  remembering=$!
  await_replicas || status=$?
  if ((status == missing)); then
    find_cluster || fail "$self lacks replicas, and no majority runs, as ${seeds[*]} see it, that could restore them"
    log "$self has lost replicas: removing them from their queues"
    remember_replicas "$seed"
    tool rabbitmq-queues "$seed" shrink "$self" --errors-only
    replicated=$(replicated "$self")
    lost=$(remembered_replicas "$self")
  elif ((status != 0)); then
    fail "$self does not say which replicas it has"
  else
    lost=$(cat <&"$memory")
    wait "$remembering" || fail "$self does not say which replicas it had"
  fi
  if [[ $lost ]]; then
    comm -23 <(sort <<<"$lost") <(on_self 4 <<<"$replicated" | cut -f 1-3 | sort) | add_replicas "$self"
    await_replicas || fail "replicas on $self are not online yet"
    ctl "$self" clear_global_parameter "warren_lost_replicas_$self"
  elif [[ -z $(on_self 4 <<<"$replicated") ]]; then
    with_even_members <<<"$replicated" | add_replicas "$self"
  fi
}

# await_replicas waits until everything that counts self as a member has it online. It returns missing if that is certainly not so
# after the time the replicas of a running node need, and another status if nobody can tell. It sets replicated.
await_replicas() {
  local end=$((SECONDS + recovery_time))
  while replicated=$(replicated "$self"); do
    [[ $(on_self 4 <<<"$replicated" | not_on_self 5) ]] || return 0
    ((SECONDS < end)) || return "$missing"
    pause 1
  done
  return 1
}

# with_even_members selects the queues and streams with an even number of members, which is what remains when a member was
# removed. They are for a node that has no replica, because it was removed by hand.
with_even_members() { awk -F'\t' 'NF && split($4, member, ",") % 2 == 0' | cut -f 1-3; }

# watch ends when self is certainly no member in good order any more. A node that is stopped, or can't be reached, is still
# a member.
watch() {
  local down=false asked=0 interval
  while pause "$watch_interval"; do
    if ! identity "$self"; then
      down=true
      # Only a node whose Erlang machine is up while RabbitMQ is not is likely to have been reset.
      listens "$self" "$distribution_port" && interval=$reset_interval || interval=$removal_interval
      ((SECONDS - asked < interval)) && continue
      asked=$SECONDS
      find_cluster && ! contains "$members" "$self" && fail "$self was removed from the cluster of $seed"
    elif ! is_home; then
      fail "$self left the cluster of $away"
    elif [[ $down == true ]]; then
      came_back && down=false
    fi
  done
}

# came_back tells whether a node that was down has its replicas again, and fails the watch if it certainly has not.
came_back() {
  local status=0
  listens "$self" "$amqp_port" && await_replicas || status=$?
  ((status != missing)) || fail "$self came back without its replicas"
  return "$status"
}

main
