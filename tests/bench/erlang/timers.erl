%% SPDX-License-Identifier: Apache-2.0
%% One process sets many timers, another tells how late they were.
-module(timers).
-export([run/2]).
-import(measure, [now_ns/0, timed/1, fresh/1]).

run(N, Most) ->
    _ = once(N div 10, Most),
    once(N, Most).

%% Neither process keeps a list of what it got: no collection of theirs is measured.
once(N, Most) ->
    Delays = [rand:uniform(Most + 1) - 1 || _ <- lists:seq(1, N)],
    Hist = histogram:new(),
    {Setter, Ref} = spawn_monitor(fun() -> receive {to, To} -> exit({set, set(Delays, To)}) end end),
    {Wall, Cpu, Longest} =
        timed(fun() ->
                      fresh(fun() -> Setter ! {to, self()}, collect(N, Hist, 0) end)
              end),
    SetNs = receive {'DOWN', Ref, process, Setter, {set, Ns}} -> Ns end,
    Merged = histogram:merge([Hist]),
    P = fun(Q) -> histogram:percentile(Merged, N, Q) end,
    [{ops, N}, {set_ns, SetNs}, {wall_ns, Wall}, {cpu_ns, Cpu},
     {p50_ns, P(50)}, {p99_ns, P(99)}, {max_ns, Longest}].

set(Delays, To) ->
    T0 = now_ns(),
    [erlang:send_after(D, To, {due, now_ns() + D * 1000000}) || D <- Delays],
    now_ns() - T0.

collect(0, _, Longest) -> Longest;
collect(N, Hist, Longest) ->
    receive
        {due, At} ->
            Late = now_ns() - At,
            true = Late >= 0,
            histogram:add(Hist, Late),
            collect(N - 1, Hist, max(Longest, Late))
    end.
