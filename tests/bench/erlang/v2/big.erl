%% SPDX-License-Identifier: Apache-2.0
%% Version 2: code_change rewrites the first byte of every entry.
-module(big).
-vsn("2").
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, code_change/3]).

init(N) -> {ok, maps:from_list([{I, <<2:8, I:248>>} || I <- lists:seq(1, N)])}.

handle_call({lookup, K}, _From, S) -> {reply, map_get(K, S), S};
handle_call(size, _From, S) -> {reply, map_size(S), S}.

handle_cast(_, S) -> {noreply, S}.

code_change({down, _Vsn}, S, _Extra) -> {ok, rewrite(1, S)};
code_change(_OldVsn, S, _Extra) -> {ok, rewrite(2, S)}.

rewrite(First, S) ->
    maps:map(fun(_, <<_:8, Rest:31/binary>>) -> <<First:8, Rest/binary>> end, S).
