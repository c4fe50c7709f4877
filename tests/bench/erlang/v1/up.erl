%% SPDX-License-Identifier: Apache-2.0
%% Version 1 of the server that is upgraded: a state of 10 fields.
-module(up).
-vsn("1").
-behaviour(gen_server).
-export([start_link/1]).
-export([init/1, handle_call/3, handle_cast/2, code_change/3]).

start_link(I) -> gen_server:start_link(?MODULE, I, []).

init(I) ->
    {ok, #{id => I, count => 0, total => I * 7, errors => I rem 5, last => 0,
           limit => 1000, window => 60, flags => 3, seq => I + 1,
           token => <<I:128>>}}.

handle_call({add, K}, _From, #{count := C} = S) -> {reply, C + K, S#{count := C + K}};
handle_call(get, _From, #{count := C} = S) -> {reply, C, S};
handle_call(shape, _From, S) -> {reply, shape(S), S}.

handle_cast(_, S) -> {noreply, S}.

code_change(_OldVsn, S, _Extra) -> {ok, S}.

shape(#{id := I, errors := E, token := <<I:128>>} = S)
  when map_size(S) =:= 10, E =:= I rem 5 -> v1;
shape(_) -> bad.
