%% SPDX-License-Identifier: Apache-2.0
%% Version 2: `errors' is renamed to `failures', and `burst' is new.
-module(up).
-vsn("2").
-behaviour(gen_server).
-export([start_link/1]).
-export([init/1, handle_call/3, handle_cast/2, code_change/3]).

start_link(I) -> gen_server:start_link(?MODULE, I, []).

init(I) ->
    {ok, #{id => I, count => 0, total => I * 7, failures => I rem 5, last => 0,
           limit => 1000, window => 60, flags => 3, seq => I + 1,
           token => <<I:128>>, burst => 10}}.

handle_call({add, K}, _From, #{count := C} = S) -> {reply, C + K, S#{count := C + K}};
handle_call(get, _From, #{count := C} = S) -> {reply, C, S};
handle_call(shape, _From, S) -> {reply, shape(S), S}.

handle_cast(_, S) -> {noreply, S}.

code_change({down, _Vsn}, #{failures := F} = S, _Extra) ->
    {ok, (maps:without([failures, burst], S))#{errors => F}};
code_change(_OldVsn, #{errors := E} = S, _Extra) ->
    {ok, (maps:remove(errors, S))#{failures => E, burst => 10}}.

shape(#{id := I, failures := F, burst := 10, token := <<I:128>>} = S)
  when map_size(S) =:= 11, F =:= I rem 5 -> v2;
shape(_) -> bad.
