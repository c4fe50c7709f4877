%% SPDX-License-Identifier: Apache-2.0
%% A child is killed from outside: how long until it serves again.
-module(restart).
-export([run/2]).
-import(measure, [now_ns/0]).

%% Among this many; the better of the two supervisors that could have it.
run(Children, Kills) ->
    logger:set_primary_config(level, none),
    Strategy = case Children of 1 -> one_for_one; _ -> simple_one_for_one end,
    Names = [list_to_atom("child_" ++ integer_to_list(I)) || I <- lists:seq(1, Children)],
    Sup = child:start_all(Strategy, Names),
    Tuple = list_to_tuple(Names),
    _ = measure:fresh(fun() -> ended(Tuple, Kills div 2) end),
    {Wall, Cpu, Took} =
        measure:timed(fun() -> measure:fresh(fun() -> ended(Tuple, Kills) end) end),
    unlink(Sup),
    exit(Sup, shutdown),
    [{ops, Kills}, {wall_ns, Wall}, {cpu_ns, Cpu},
     {kill_p50_ns, at(0.5, Took)}, {kill_p99_ns, at(0.99, Took)}].

ended(Names, Kills) ->
    _ = rand:seed(exsss, 1),
    [once(element(rand:uniform(tuple_size(Names)), Names)) || _ <- lists:seq(1, Kills)].

once(Name) ->
    Old = whereis(Name),
    T0 = now_ns(),
    exit(Old, kill),
    wait_for_other(Name, Old),
    1 = gen_server:call(Name, {add, 1}),
    now_ns() - T0.

%% Poll the name, as a client does that must reach the service.
wait_for_other(Name, Old) ->
    case whereis(Name) of
        New when is_pid(New), New =/= Old -> ok;
        _ -> erlang:yield(), wait_for_other(Name, Old)
    end.

at(Share, Took) -> lists:nth(max(1, ceil(Share * length(Took))), lists:sort(Took)).
