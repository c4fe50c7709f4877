%% SPDX-License-Identifier: Apache-2.0
%% A member of a group that counts what is published to it.  All share one atomic;
%% whoever takes the last delivery of an event tells the publisher.
-module(subscriber).
-behaviour(gen_server).
-export([start/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

start(Arg) -> gen_server:start(?MODULE, Arg, []).

init({Group, Deliveries, All}) ->
    ok = pg:join(Group, self()),
    {ok, {Deliveries, All, 0}}.

handle_call(get, _From, {_, _, Seen} = S) -> {reply, Seen, S}.

handle_cast(_, S) -> {noreply, S}.

handle_info({event, Publisher, _Seq, _Payload}, {Deliveries, All, Seen}) ->
    case atomics:add_get(Deliveries, 1, 1) rem All of
        0 -> Publisher ! delivered;
        _ -> ok
    end,
    {noreply, {Deliveries, All, Seen + 1}}.
