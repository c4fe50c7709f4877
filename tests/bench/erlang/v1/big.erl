%% SPDX-License-Identifier: Apache-2.0
%% Version 1 of the server with a big state: a map of N integers to 32 bytes.
-module(big).
-vsn("1").
-behaviour(gen_server).
-export([start/1]).
-export([init/1, handle_call/3, handle_cast/2, code_change/3]).

start(N) -> gen_server:start(?MODULE, N, []).

init(N) -> {ok, maps:from_list([{I, <<1:8, I:248>>} || I <- lists:seq(1, N)])}.

handle_call({lookup, K}, _From, S) -> {reply, map_get(K, S), S};
handle_call(size, _From, S) -> {reply, map_size(S), S}.

handle_cast(_, S) -> {noreply, S}.

code_change(_OldVsn, S, _Extra) -> {ok, S}.
