# form-cluster makes the cluster consist of the stack's nodes and no others, gives queues and streams the members they are to have,
# and enables what an upgrade brought; then it says so, by a file. It tries until it succeeds, which may take as long as whoever waits
# for the file allows. If nodes can't leave without a loss it says why, touches nothing, and makes another file.
#
# WARREN_NODES are the host names of the stack's nodes. With the argument "check" it only tells whether other members could leave.

readonly formed=$run/formed refused=$run/refused
readonly default_members=3  # of a queue or stream that asks for no number
readonly boot_time=30       # seconds a node usually needs to boot; after that, it may be in maintenance mode
readonly together_time=60   # seconds to wait for all nodes before saying which is missing
readonly recovery_time=60   # seconds new replicas have to get online in one attempt
readonly refusal=3          # exit status of form and check when nodes can't leave
readonly none=-             # an empty column; `read` would skip it

main() {
  ((EUID != 0)) || become_rabbitmq
  self=''
  read -r -a nodes <<<"$WARREN_NODES"
  nodes=("${nodes[@]/#/rabbit@}")
  seeds=("${nodes[@]:0:seed_count}")
  if [[ ${1:-} == check ]]; then
    check
    exit
  fi
  trap 'exit 0' TERM INT
  local status
  until [[ -e $formed ]]; do
    status=0
    form & # in a process of its own, which a failure ends, and for which a signal does not have to wait
    wait $! || status=$?
    case $status in
      0) touch "$formed" ;;
      "$refusal") touch "$refused" && break ;;
      *) pause 2 ;;
    esac
  done
  while true; do pause 3600; done
}

# form does what is missing.
form() {
  # What the first node that runs says is known before the others are there: at a first deployment there is nothing else to ask.
  within "$together_time" view_any || fail "none of ${nodes[*]} runs yet"
  within "$together_time" all_together || fail "not all of ${nodes[*]} run as members of one cluster yet: $lacking"
  find_leavers
  if ((${#leavers[@]} > 0)) || ! no_queues "${nodes[@]}"; then
    view "$seed" || fail "$seed does not answer any more"
    find_leavers
    read_queues
    ((${#leavers[@]} == 0)) || refuse_losses
    remove "${dead[@]}" # first: a queue takes no new member while one of its members is down
    grow
    remove "${alive[@]}"
    within "$recovery_time" no_remains || fail "queues still have members on nodes that are not the stack's"
  fi
  enable_feature_flags
  log "the cluster consists of ${nodes[*]}, and its queues have the members they should have"
}

# check tells whether all members that are not the stack's could leave, once its own nodes run.
check() {
  view_any || fail "none of ${nodes[*]} runs, so that nobody can be asked"
  find_leavers
  ((${#leavers[@]} > 0)) || return 0
  read_queues
  assumed=${nodes[*]}
  refuse_losses
}

# view_any sets seed to the first node that runs, and the variables of view to what it says.
view_any() {
  for seed in "${nodes[@]}"; do view "$seed" && return; done
  return 1
}

# all_together tells whether all nodes serve and are in one cluster. Otherwise it sets lacking to what is missing.
all_together() {
  local node id=
  for node in "${nodes[@]}"; do
    lacking="$node does not serve"
    within "$boot_time" listens "$node" "$amqp_port" || revive "$node" || return
    identity "$node" || return
    lacking="$node is not in the cluster of ${nodes[0]}"
    [[ ${id:=$cluster_id} == "$cluster_id" ]] || return
  done
}

# revive ends the maintenance mode of a node that was about to leave when the stack wanted it back.
revive() {
  identity "$1" && log "$1 runs and takes no clients: reviving it" && tool rabbitmq-upgrade "$1" revive && listens "$1" "$amqp_port"
}

# find_leavers sets leavers to the members that are not the stack's, dead and alive to those of them that don't run and that do.
find_leavers() {
  local node
  dead=() alive=()
  for node in $members; do
    if contains "${nodes[*]}" "$node"; then continue; fi
    if contains "$running" "$node"; then alive+=("$node"); else dead+=("$node"); fi
  done
  leavers=("${dead[@]}" "${alive[@]}")
}

# read_queues sets queues to all queues and streams: virtual host, type, name, members, those online, how many members were asked for (by
# the target group size of a policy or argument, or the initial one), messages, and whether the queue is durable.
read_queues() {
  local list vhost columns=(name type pid members online messages durable arguments)
  identity "$seed" && list=$(vhosts "$seed") || fail "$seed does not answer any more"
  # No policy asks for a number of members before 3.13, and 3.10 does not tell what policies say.
  [[ $version =~ ^3\.([0-9]|1[0-2])\. ]] || columns+=(effective_policy_definition)
  queues=$(
    while IFS= read -r vhost; do
      ctl "$seed" list_queues --no-table-headers --vhost "$vhost" "${columns[@]}" |
        awk -F'\t' -v OFS='\t' -v vhost="$vhost" -v unsaid="$default_members" -v none="$none" '
          function plain(list) { gsub(/[][,]/, "", list); return list == "" ? none : list }
          function number(text, key) {
            if (!match(text, key "[^0-9]*[0-9]+")) return 0
            text = substr(text, RSTART, RLENGTH); sub(/.*[^0-9]/, "", text)
            return text + 0
          }
          $2 == "classic" { node = $3; sub(/^</, "", node); sub(/\.[0-9]+\.[0-9]+\.[0-9]+>$/, "", node); $4 = node; $5 = none }
          {
            asked = number($9, "target-group-size"); if (!asked) asked = number($8, "x-quorum-target-group-size")
            if (!asked) asked = number($8, "x-quorum-initial-group-size"); if (!asked) asked = number($8, "x-initial-cluster-size")
            print vhost, $2, $1, plain($4), plain($5), asked ? asked : unsaid, $6 == "" ? none : $6, $7 == "" ? none : $7
          }' || exit
    done <<<"$list"
  ) || fail "$seed does not tell what queues there are"
}

# each_queue calls a function with the columns of every queue, of the given type or types.
each_queue() {
  local f=$1 types=$2 vhost type name members online asked messages durable
  while IFS=$'\t' read -r vhost type name members online asked messages durable; do
    if [[ $type ]] && contains "$types" "$type"; then "$f"; fi
  done <<<"$queues"
}

# refuse_losses refuses to remove leavers if that would lose messages, or what is needed to remove anybody is not there. Nodes in assumed
# are as good as there.
refuse_losses() {
  local total up node
  problems=()
  total=$(wc -w <<<"$members")
  up=0
  for node in $members; do if contains "$running ${assumed:-}" "$node"; then up=$((up + 1)); fi; done
  ((2 * up > total)) || problems+=("only $up of the $total members run, which is no majority of the metadata store")
  each_queue check_majority "quorum stream"
  each_queue check_single classic
  ((${#problems[@]} > 0)) || return 0
  log "${leavers[*]} can't leave the cluster, and nothing was changed:"
  printf '  - %s\n' "${problems[@]}"
  log "start the nodes that are down, or empty or delete these queues. What only a node holds whose data are lost for good is given up" \
    "by: rabbitmqctl -n $seed forget_cluster_node NODE"
  exit "$refusal"
}

# check_majority: a queue's members can be replaced only by a majority of them.
check_majority() {
  local node leaves=false up=0
  for node in $members; do
    if contains "${leavers[*]}" "$node"; then leaves=true; fi
    if contains "$online" "$node" || contains "${assumed:-}" "$node"; then up=$((up + 1)); fi
  done
  [[ $leaves == true ]] || return 0
  ((2 * up > $(wc -w <<<"$members"))) ||
    problems+=("$type $name in virtual host $vhost has members on $members, of which a majority is down (online: $online)")
}

# check_single: a classic queue goes with its node, and so do its messages.
check_single() {
  if ! contains "${leavers[*]}" "$members" || [[ $durable != true || $messages == 0 ]]; then return 0; fi
  if contains "$running" "$members"; then
    problems+=("classic queue $name in virtual host $vhost lives on $members alone and has $messages messages")
  else
    problems+=("classic queue $name in virtual host $vhost lives on $members alone, which is down, so that nobody knows what is in it")
  fi
}

# grow gives queues and streams the members they lack among the stack's nodes: as many as were asked for, as far as there are nodes. New
# members go where the fewest are.
grow() {
  local node
  local -A load=() wanting=() planned=()
  for node in "${nodes[@]}"; do load[$node]=$(grep -c "[[:blank:]]${node}[[:blank:]]" <<<"$queues" || true); done
  each_queue assign "quorum stream"
  ((${#wanting[@]} > 0)) || return 0
  for node in "${!wanting[@]}"; do add_replicas "$node" <<<"${wanting[$node]%$'\n'}"; done
  within "$recovery_time" all_grown || fail "not all new replicas are online yet"
}

# assign notes which nodes are to get a member of a queue.
assign() {
  local node best have=0
  for node in "${nodes[@]}"; do if contains "$members" "$node"; then have=$((have + 1)); fi; done
  for ((; have < asked && have < ${#nodes[@]}; have++)); do
    best=
    for node in "${nodes[@]}"; do
      contains "$members" "$node" && continue
      if [[ -z $best ]] || ((load[$node] < load[$best])); then best=$node; fi
    done
    members+=" $best"
    load[$best]=$((load[$best] + 1))
    wanting[$best]+="$vhost"$'\t'"$type"$'\t'"$name"$'\n'
    planned["$vhost"$'\t'"$name"]+=" $best"
  done
}

# all_grown tells whether all new members are online.
all_grown() {
  local grown=true
  read_queues
  each_queue check_grown "quorum stream"
  [[ $grown == true ]]
}

check_grown() {
  local node
  for node in ${planned["$vhost"$'\t'"$name"]:-}; do
    if ! contains "$online" "$node"; then grown=false; fi
  done
}

# remove removes one node after the other. The node hands over its leaders, closes its clients' connections and stops; the cluster forgets
# it, which removes its replicas too, whether they run or not. Raft lets a member go only once a majority of the others has all that
# was confirmed.
remove() {
  local leaver
  for leaver; do
    log "$leaver leaves the cluster"
    if identity "$leaver"; then
      each_queue leave_stream stream
      # Draining stops replicas as well, so it had to wait until others are there in their place.
      ! listens "$leaver" "$amqp_port" || tool rabbitmq-upgrade "$leaver" drain
    fi
    # Nothing of RabbitMQ may run on a node that is forgotten.
    ! listens "$leaver" "$distribution_port" || ctl "$leaver" stop_app
    ctl "$seed" clear_global_parameter "warren_lost_replicas_$leaver" 2>/dev/null || true # there seldom is one
    ctl "$seed" forget_cluster_node "$leaver"
  done
  (($# == 0)) || read_queues
}

leave_stream() {
  if contains "$members" "$leaver"; then tool rabbitmq-streams "$seed" delete_replica --vhost "$vhost" "$name" "$leaver"; fi
}

# no_remains tells whether no queue and no stream has a member that is not one of the stack's nodes, and removes those that are left.
no_remains() {
  local clean=true
  each_queue remove_remains "quorum stream"
  [[ $clean == true ]] && return
  read_queues
  return 1
}

remove_remains() {
  local node
  for node in $members; do
    if contains "${nodes[*]}" "$node"; then continue; fi
    clean=false
    if [[ $type == quorum ]]; then
      tool rabbitmq-queues "$seed" delete_member --vhost "$vhost" "$name" "$node" || true # tried again
    else
      tool rabbitmq-streams "$seed" delete_replica --vhost "$vhost" "$name" "$node" || true
    fi
  done
}

# enable_feature_flags enables what a newer version brought, which waits until all nodes have that version. Experimental flags stay as
# they are.
enable_feature_flags() {
  local flags
  [[ $disabled_flags != 0 ]] || return 0
  flags=$(ctl "$seed" list_feature_flags name state stability | awk '$2 == "disabled" && $3 == "stable" {print $1}' | tr '\n' ' ')
  [[ $flags ]] || return 0
  log "enabling the feature flags $flags"
  ctl "$seed" enable_feature_flag all
}

main "$@"
