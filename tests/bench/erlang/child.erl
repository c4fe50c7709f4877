%% SPDX-License-Identifier: Apache-2.0
%% A named adder under a supervisor: the one that is ended and started again.
-module(child).
-behaviour(supervisor).
-export([start_all/2, start_link/1]).
-export([init/1]).

%% One supervisor over as many as there are names.
start_all(Strategy, Names) ->
    {ok, Sup} = supervisor:start_link(?MODULE, Strategy),
    [{ok, _} = supervisor:start_child(Sup, child(Strategy, Name)) || Name <- Names],
    Sup.

start_link(Name) -> gen_server:start_link({local, Name}, adder, 0, []).

child(simple_one_for_one, Name) -> [Name];
child(one_for_one, Name) -> spec(Name, [Name]).

spec(Id, Args) ->
    #{id => Id, start => {?MODULE, start_link, Args}, shutdown => brutal_kill,
      modules => [adder]}.

init(Strategy) ->
    {ok, {#{strategy => Strategy, intensity => 1000000, period => 1},
          [spec(child, []) || Strategy =:= simple_one_for_one]}}.
