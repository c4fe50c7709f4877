%% SPDX-License-Identifier: Apache-2.0
%% A number that can be added to: the server that the traffic goes to.
-module(adder).
-behaviour(gen_server).
-export([start/1]).
-export([init/1, handle_call/3, handle_cast/2]).

start(N) -> gen_server:start(?MODULE, N, []).

init(N) -> {ok, N}.

handle_call({add, K}, _From, N) -> {reply, N + K, N + K};
handle_call(get, _From, N) -> {reply, N, N}.

handle_cast({add, K}, N) -> {noreply, N + K}.
