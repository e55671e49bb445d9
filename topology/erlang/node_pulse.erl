%% node_pulse tells the agent of this node several times a second how the node stands: one datagram on the
%% loopback interface, of the same size whatever the node holds. The agent answers the load balancers' checks
%% by it.
%%
%% A node compiles and starts this as it boots. Nothing depends on it: without it, the agent knows nothing
%% against the node.
-module(node_pulse).

-export([start/1]).

%% Milliseconds between two pulses.
-define(INTERVAL, 200).
%% Milliseconds until a pulse that failed starts again.
-define(REST, 1000).
-define(LOOPBACK, {127, 0, 0, 1}).
%% The Raft systems that RabbitMQ starts. Each has a journal, and a supervisor of the servers that use it.
-define(SYSTEMS, [coordination, quorum_queues]).

%% start sends pulses to a UDP port.
-spec start(inet:port_number()) -> pid().
start(Port) ->
    %% Linked to nothing, so that its end ends nothing.
    spawn(fun() ->
        true = register(?MODULE, self()),
        keep(Port)
    end).

keep(Port) ->
    {Pulse, Monitor} = spawn_monitor(fun() -> pulse(Port) end),
    receive
        {'DOWN', Monitor, process, Pulse, Reason} ->
            log(warning, "The node's pulse failed: ~tp", [Reason])
    end,
    timer:sleep(?REST),
    keep(Port).

pulse(Port) ->
    %% A node with work for all of its schedulers is not silent.
    process_flag(priority, high),
    {ok, Socket} = gen_udp:open(0, [{ip, ?LOOPBACK}, {active, false}]),
    self() ! beat,
    loop(#{socket => Socket, port => Port, members => [], draining => false, asked => none}).

loop(#{asked := Asked, socket := Socket, port := Port} = S) ->
    receive
        beat ->
            erlang:send_after(?INTERVAL, self(), beat),
            Now = ask(S),
            _ = gen_udp:send(Socket, ?LOOPBACK, Port, text(Now)), % nobody listens before the agent does
            loop(Now);
        {'DOWN', Asked, process, _, Answer} ->
            loop(learn(Answer, S#{asked := none}));
        _ ->
            loop(S)
    end.

%% ask asks RabbitMQ in a process of its own, because it may take long to answer, or never do.
ask(#{asked := none} = S) ->
    case runs() of
        true ->
            {_, Monitor} = spawn_monitor(fun() ->
                exit({standing, try_to(fun() -> rabbit_nodes:all() end),
                      try_to(fun() -> rabbit_maintenance:is_being_drained_local_read(node()) end)})
            end),
            S#{asked := Monitor};
        false ->
            S#{members := [], draining := false}
    end;
ask(S) ->
    S.

%% learn keeps what RabbitMQ has answered. What it could not tell stays as it was.
learn({standing, Members, Draining}, S) ->
    known(draining, Draining, is_boolean(Draining),
          known(members, Members, is_list(Members) andalso Members =/= [], S));
learn(_, S) ->
    S.

known(Key, Value, true, S) -> S#{Key := Value};
known(_, _, false, S) -> S.

try_to(F) ->
    try F() catch _:_ -> unknown end.

%% runs tells whether RabbitMQ runs, or boots, in this virtual machine.
runs() ->
    whereis(rabbit_sup) =/= undefined.

text(#{members := Members, draining := Draining}) ->
    Connected = [node() | nodes()],
    Present = length([N || N <- Members, lists:member(N, Connected)]),
    Lost = lists:join(",", [io_lib:format("\"~ts\"", [S]) || S <- ?SYSTEMS, runs(), is_lost(S)]),
    io_lib:format("{\"tickSeconds\":~b,\"members\":~b,\"present\":~b,\"draining\":~ts,\"lost\":[~ts]}",
                  [application:get_env(kernel, net_ticktime, 60), length(Members), Present, Draining, Lost]).

%% is_lost tells whether RabbitMQ has started a Raft system that is gone. The node lives on without the queues
%% in it, and nothing starts them again.
is_lost(System) ->
    try ra_system:fetch(System) of
        #{names := #{wal := Journal, server_sup := Servers}} ->
            whereis(Journal) =:= undefined orelse whereis(Servers) =:= undefined;
        _ ->
            false
    catch
        _:_ -> false
    end.

log(Level, Format, Arguments) ->
    logger:log(Level, Format, Arguments, #{domain => [rabbitmq]}).
