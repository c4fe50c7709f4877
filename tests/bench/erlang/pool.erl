%% SPDX-License-Identifier: Apache-2.0
%% The supervisor of the servers that are upgraded.
-module(pool).
-behaviour(supervisor).
-export([start/1, servers/1]).
-export([init/1]).

start(N) ->
    {ok, Sup} = supervisor:start_link(?MODULE, []),
    [{ok, _} = supervisor:start_child(Sup, [I]) || I <- lists:seq(1, N)],
    Sup.

servers(Sup) ->
    [P || {_, P, worker, Mods} <- supervisor:which_children(Sup),
          lists:member(up, Mods)].

init([]) ->
    {ok, {#{strategy => simple_one_for_one, intensity => 0, period => 1},
          [#{id => up, start => {up, start_link, []}, shutdown => brutal_kill,
             modules => [up]}]}}.
