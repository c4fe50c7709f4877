%% SPDX-License-Identifier: Apache-2.0
%% A server with a big state: the upgrade that rewrites all of it, and the state to bytes
%% and back.
-module(state).
-export([run/1]).
-import(measure, [now_ns/0, fresh/1]).

run(N) ->
    _ = code:purge(big),
    upgrade:replace(upgrade:read(big, "v1")),
    {ok, Pid} = apply(big, start, [N]),
    Move = fun(Way, Vsn) -> fresh(fun() -> moved(Pid, N, Way, Vsn) end) end,
    _ = Move(up, "v2"),
    _ = Move(down, "v1"),
    Pause = Move(up, "v2"),
    Peak = measure:peak_rss(),
    exit(Pid, kill),
    {Encode, Decode, Bytes} = fresh(fun() -> codec(N) end),
    [{pause_us, Pause}, {peak_kib, Peak / 1024}, {bytes, Bytes},
     {encode_ns, Encode}, {decode_ns, Decode}].

moved(Pid, N, Way, Vsn) ->
    Code = upgrade:read(big, Vsn),
    ok = sys:suspend(Pid),
    T0 = now_ns(),
    upgrade:in_order(Way,
                     fun() -> upgrade:replace(Code) end,
                     fun() -> ok = sys:change_code(Pid, big, upgrade:old_vsn(Way), [], infinity) end),
    ok = sys:resume(Pid),
    Pause = (now_ns() - T0) / 1000,
    First = case Way of up -> 2; down -> 1 end,
    [<<First:8, K:248>> = gen_server:call(Pid, {lookup, K}) || K <- [1, N div 2, N]],
    N = gen_server:call(Pid, size),
    Pause.

%% The second time of three: the first makes the heap grow.
codec(N) ->
    {ok, State} = apply(big, init, [N]),
    [_, Took, _] = [codec_once(State) || _ <- [1, 2, 3]],
    Took.

codec_once(State) ->
    erlang:garbage_collect(),
    T0 = now_ns(),
    Bytes = term_to_binary(State),
    T1 = now_ns(),
    Copy = binary_to_term(Bytes),
    T2 = now_ns(),
    true = map_size(Copy) =:= map_size(State),
    {T1 - T0, T2 - T1, byte_size(Bytes)}.
