#!/usr/bin/env escript
%% A service of the shop: it publishes an order each second and waits for the confirm. The first confirm creates
%% a file, by which the container becomes healthy. If anything fails, the script ends, and Docker restarts it.
-include_lib("amqp_client/include/amqp_client.hrl").

main([UrlFile, ConfirmedFile]) ->
    {ok, Url} = file:read_file(UrlFile),
    {ok, Parameters} = amqp_uri:parse(binary_to_list(Url)),
    {ok, Connection} = amqp_connection:start(Parameters),
    {ok, Channel} = amqp_connection:open_channel(Connection),
    Quorum = [{<<"x-queue-type">>, longstr, <<"quorum">>}],
    Queue = #'queue.declare'{queue = <<"orders">>, durable = true, arguments = Quorum},
    #'queue.declare_ok'{} = amqp_channel:call(Channel, Queue),
    #'confirm.select_ok'{} = amqp_channel:call(Channel, #'confirm.select'{}),
    publish(Channel, ConfirmedFile).

publish(Channel, ConfirmedFile) ->
    Persistent = #'P_basic'{delivery_mode = 2},
    Order = #amqp_msg{props = Persistent, payload = <<"one book">>},
    ok = amqp_channel:call(Channel, #'basic.publish'{routing_key = <<"orders">>}, Order),
    true = amqp_channel:wait_for_confirms(Channel, 30),
    ok = file:write_file(ConfirmedFile, <<>>),
    timer:sleep(1000),
    publish(Channel, ConfirmedFile).
