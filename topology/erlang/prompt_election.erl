%% prompt_election lets a follower stand for election as soon as the node of its leader is gone.
%%
%% Raft's followers wait first, for a time drawn by lot from 0.1 to 0.6 s, so that they do not all stand at once and nobody wins. That
%% needs no lot where all members that are left reckon alike whose turn it is: for each Raft group, a queue or the metadata store, one
%% follower stands at once. The others wait as ever, and so are there if it fails, because it lacks the last entries or because it takes
%% a leader for gone that they still see. Nothing but the wait is changed: Raft votes, and its own timers go on.
%%
%% A node compiles and starts this as it boots. Nothing depends on it: without it, the lot decides.
-module(prompt_election).

-export([start/0]).

%% Milliseconds that a Raft server has to take the request to stand.
-define(PATIENCE, 5000).

-spec start() -> pid().
start() ->
    %% Linked to nothing, so that its end ends nothing.
    spawn(fun() ->
        true = register(?MODULE, self()),
        ok = net_kernel:monitor_nodes(true),
        loop()
    end).

loop() ->
    receive
        {nodedown, Node} ->
            try
                stand(bereaved(Node), Node)
            catch
                Class:Reason:Stack -> log(warning, "Prompt election failed: ~tp", [{Class, Reason, Stack}])
            end;
        _ ->
            ok
    end,
    loop().

%% bereaved lists the Raft servers on this node whose leader was on another one, and whose turn it is to stand.
bereaved(Node) ->
    Present = [node() | nodes()],
    [
        Server
     || {Group, {_, Leader}, Members} <- groups(),
        Leader =:= Node,
        {Server, Here} <- Members,
        Here =:= node(),
        first(Group, [N || {_, N} <- Members, lists:member(N, Present)]) =:= node(),
        is_follower(Server)
    ].

stand([], _) ->
    ok;
stand(Servers, Node) ->
    [spawn(fun() -> ra:trigger_election({Server, node()}, ?PATIENCE) end) || Server <- Servers],
    log(notice, "Node ~ts is gone: standing for election in ~b of the Raft groups that it led", [Node, length(Servers)]).

%% first is the node that stands. It differs from group to group, so that no node gets all leaders.
-spec first(atom(), [node(), ...]) -> node().
first(Group, Nodes) ->
    {_, Node} = lists:min([{erlang:phash2({Group, Node}), Node} || Node <- Nodes]),
    Node.

%% groups are Ra's: their names, leaders and members. There are none until RabbitMQ has started Ra.
groups() ->
    case ets:whereis(ra_leaderboard) of
        undefined -> [];
        Table -> ets:tab2list(Table)
    end.

is_follower(Server) ->
    case ets:lookup(ra_state, Server) of
        [Row] -> element(2, Row) =:= follower;
        [] -> false
    end.

log(Level, Format, Arguments) ->
    logger:log(Level, Format, Arguments, #{domain => [rabbitmq]}).
