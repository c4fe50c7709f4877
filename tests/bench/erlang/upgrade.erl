%% SPDX-License-Identifier: Apache-2.0
%% Live upgrades of all servers of a pool.
%%
%% sequential/3 does what release_handler does for {update, Mod, {advanced, []}}: one
%% sys call at a time.  pipelined/3 sends the messages of each phase to all servers
%% before it collects the replies: the fastest that an upgrade written by hand can be.
-module(upgrade).
-export([load/1, sequential/3, pipelined/3]).
-export([read/2, replace/1, in_order/3, old_vsn/1]).
-import(measure, [now_ns/0]).

%% Load a version, "v1" or "v2", before any server runs.
load(Vsn) ->
    _ = code:purge(up),
    replace(read(up, Vsn)).

%% Move all servers to version To; Way is up or down.  Times in us; the pause is the
%% longest that one server was suspended.
sequential(Sup, Way, To) ->
    T0 = now_ns(),
    Code = read(up, To),
    Since = [begin ok = sys:suspend(P), {P, now_ns()} end || P <- pool:servers(Sup)],
    in_order(Way,
             fun() -> replace(Code) end,
             fun() -> [ok = sys:change_code(P, up, old_vsn(Way), [], infinity)
                       || {P, _} <- Since]
             end),
    Pause = lists:foldl(fun({P, At}, Max) ->
                                ok = sys:resume(P),
                                max(Max, now_ns() - At)
                        end, 0, Since),
    {(now_ns() - T0) / 1000, Pause / 1000}.

pipelined(Sup, Way, To) ->
    T0 = now_ns(),
    Code = read(up, To),
    Pids = pool:servers(Sup),
    T1 = now_ns(),
    tell_all(Pids, suspend),
    in_order(Way,
             fun() -> replace(Code) end,
             fun() -> tell_all(Pids, {change_code, up, old_vsn(Way), []}) end),
    tell_all(Pids, resume),
    T2 = now_ns(),
    %% an upper bound: from the first suspend sent to the last resume answered
    {(T2 - T0) / 1000, (T2 - T1) / 1000}.

tell_all(Pids, Request) ->
    Ref = make_ref(),
    Msg = {system, {self(), Ref}, Request},
    [P ! Msg || P <- Pids],
    [receive {Ref, ok} -> ok after 60000 -> error(timeout) end || _ <- Pids],
    ok.

%% Up: load, then change_code.  Down: change_code, by the newer code, then load.
in_order(up, Load, Change) -> Load(), Change();
in_order(down, Load, Change) -> Change(), Load().

old_vsn(up) -> "1";
old_vsn(down) -> {down, "1"}.

read(Module, Vsn) ->
    File = filename:join([os:getenv("BENCH_DIR"), Vsn, atom_to_list(Module) ++ ".beam"]),
    {ok, Code} = file:read_file(File),
    {Module, File, Code}.

replace({Module, File, Code}) ->
    {module, Module} = code:load_binary(Module, File, Code),
    true = code:soft_purge(Module).
