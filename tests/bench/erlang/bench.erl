%% SPDX-License-Identifier: Apache-2.0
%% The scenarios.  Each warms up, takes one measured run, checks what was done,
%% and prints one line of JSON.
-module(bench).
-export([main/1]).
-import(measure, [now_ns/0, timed/1, parallel/1, fresh/1, emit/1]).

main([Scenario | Args]) ->
    try
        emit(scenario(Scenario, Args)),
        erlang:halt(0)
    catch
        Class:Reason:Stack ->
            io:format(standard_error, "~s: ~p~n", [Scenario, {Class, Reason, Stack}]),
            erlang:halt(1)
    end.

scenario("traffic", [Kind, C, S, N]) ->
    traffic(list_to_atom(Kind), int(C), int(S), int(N));
scenario("ring", [Size, Hops]) -> ring(int(Size), int(Hops));
scenario("start", [N]) -> start(int(N));
scenario("upgrade", [N]) -> upgrade(int(N));
scenario("restart", [Children, Kills]) -> restart:run(int(Children), int(Kills));
scenario("state", [N]) -> state:run(int(N));
scenario("publish", [Subscribers, Events]) -> publish:run(int(Subscribers), int(Events));
scenario("timers", [N, Most]) -> timers:run(int(N), int(Most));
scenario("rss", []) -> [{rss, measure:rss()}];
scenario("load", [C, S, Upgrades, Ms]) -> load(int(C), int(S), int(Upgrades), int(Ms)).

int(Text) -> list_to_integer(Text).

figures(Ops, {Wall, Cpu, _}) -> [{ops, Ops}, {wall_ns, Wall}, {cpu_ns, Cpu}].

%% --- traffic: clients call, or cast to, servers ---

traffic(Kind, Clients, Servers, N) ->
    _ = fresh(fun() -> traffic_once(Kind, Clients, Servers, N div 10) end),
    fresh(fun() -> traffic_once(Kind, Clients, Servers, N) end).

traffic_once(Kind, Clients, Servers, N) ->
    Pids = [element(2, adder:start(0)) || _ <- lists:seq(1, Servers)],
    Tuple = list_to_tuple(Pids),
    Jobs = [fun() -> job(Kind, element(I rem Servers + 1, Tuple), N) end
            || I <- lists:seq(0, Clients - 1)],
    Took = timed(fun() -> parallel(Jobs) end),
    Ops = Clients * N,
    Ops = lists:sum([gen_server:call(P, get) || P <- Pids]),
    [exit(P, kill) || P <- Pids],
    figures(Ops, Took).

job(_, Server, 0) -> gen_server:call(Server, get, infinity);
job(call, Server, N) -> _ = gen_server:call(Server, {add, 1}), job(call, Server, N - 1);
job(cast, Server, N) -> gen_server:cast(Server, {add, 1}), job(cast, Server, N - 1).

%% --- ring: raw processes pass a number on and count it down ---

ring(Size, Hops) ->
    _ = fresh(fun() -> ring_once(Size, Hops div 10) end),
    fresh(fun() -> ring_once(Size, Hops) end).

ring_once(Size, Hops) ->
    Main = self(),
    Last = spawn(fun() -> receive {next, P} -> ring_node(P, Main) end end),
    [First | _] = Pids =
        lists:foldl(fun(_, [Next | _] = Acc) ->
                            [spawn(fun() -> ring_node(Next, Main) end) | Acc]
                    end, [Last], lists:seq(2, Size)),
    Last ! {next, First},
    End = lists:nth(Hops rem Size + 1, Pids),
    Took = timed(fun() -> First ! Hops, receive {done, End} -> ok end end),
    [exit(P, kill) || P <- Pids],
    figures(Hops, Took).

ring_node(Next, Main) ->
    receive
        0 -> Main ! {done, self()}, ring_node(Next, Main);
        N -> Next ! N - 1, ring_node(Next, Main)
    end.

%% --- start: each start returns after init ran ---

start(N) ->
    start_loop(1000),
    erlang:garbage_collect(),
    Rss = measure:rss(),
    Took = timed(fun() -> start_loop(N) end),
    erlang:garbage_collect(),
    figures(N, Took) ++ [{bytes, (measure:rss() - Rss) / N}].

start_loop(0) -> ok;
start_loop(N) -> {ok, _} = adder:start(N), start_loop(N - 1).

%% --- upgrade: all servers from version 1 to version 2, as fast as can be and as the
%% release handler does it ---

upgrade(N) ->
    upgrade:load("v1"),
    Sup = pool:start(N),
    Once = fun(Mode) ->
                   {Total, Pause} = fresh(fun() -> upgrade:Mode(Sup, up, "v2") end),
                   check_shapes(Sup, v2),
                   _ = fresh(fun() -> upgrade:pipelined(Sup, down, "v1") end),
                   check_shapes(Sup, v1),
                   {Total, Pause}
           end,
    [Once(pipelined) || _ <- lists:seq(1, warm_ups(N))],
    {Total, Pause} = Once(pipelined),
    {SeqTotal, SeqPause} = Once(sequential),
    [{total_us, Total}, {pause_us, Pause},
     {handler_total_us, SeqTotal}, {handler_pause_us, SeqPause}].

%% The first loads of new code are several times as slow as the later ones.
warm_ups(N) when N =< 1000 -> 3;
warm_ups(_) -> 1.

check_shapes(Sup, Shape) ->
    [Shape = gen_server:call(P, shape) || P <- pool:servers(Sup)],
    ok.

%% --- load: clients call in a closed loop while the servers go up and down ---

load(Clients, Servers, Upgrades, Ms) ->
    _ = fresh(fun() -> load_once(Clients, Servers, 0, 300) end),
    fresh(fun() -> load_once(Clients, Servers, Upgrades, Ms) end).

load_once(Clients, Servers, Upgrades, Ms) ->
    upgrade:load("v1"),
    Sup = pool:start(Servers),
    unlink(Sup),
    Pids = pool:servers(Sup),
    Tuple = list_to_tuple(Pids),
    Hists = [histogram:new() || _ <- lists:seq(1, Clients)],
    End = now_ns() + Ms * 1000000,
    Load = [fun() -> load_loop(Tuple, I, End, H, now_ns(), {0, 0, 0}) end
            || {I, H} <- lists:zip(lists:seq(1, Clients), Hists)],
    {Wall, Cpu, [Pauses | Results]} =
        timed(fun() -> parallel([fun() -> upgrades(Sup, Upgrades) end | Load]) end),
    {Calls, Errors, Max} = lists:foldl(fun({C, E, M}, {C0, E0, M0}) ->
                                               {C + C0, E + E0, max(M, M0)}
                                       end, {0, 0, 0}, Results),
    %% no call may be lost or counted twice
    Calls = lists:sum([gen_server:call(P, get) || P <- Pids]),
    check_shapes(Sup, v1),
    exit(Sup, shutdown),
    Hist = histogram:merge(Hists),
    P = fun(Q) -> histogram:percentile(Hist, Calls, Q) end,
    figures(Calls, {Wall, Cpu, ok})
        ++ [{errors, Errors}, {p50_ns, P(50)}, {p99_ns, P(99)}, {p999_ns, P(99.9)},
            {max_ns, Max}, {above_1ms, histogram:above_1ms(Hist)},
            {upgrades, Upgrades}, {worst_pause_us, lists:max([0 | Pauses])}].

%% From 0.5 s on, 100 ms apart; the way down ends where it began.
upgrades(_, 0) -> [];
upgrades(Sup, N) ->
    timer:sleep(500),
    [begin
         {Way, To} = case I rem 2 of 1 -> {up, "v2"}; 0 -> {down, "v1"} end,
         {_, Pause} = upgrade:sequential(Sup, Way, To),
         timer:sleep(100),
         Pause
     end || I <- lists:seq(1, N)].

load_loop(Servers, I, End, Hist, T0, {Calls, Errors, Max}) ->
    Server = element(I rem tuple_size(Servers) + 1, Servers),
    Ok = try gen_server:call(Server, {add, 1}) of
             _ -> 1
         catch
             _:_ -> 0
         end,
    T1 = now_ns(),
    Ns = T1 - T0,
    histogram:add(Hist, Ns),
    Acc = {Calls + Ok, Errors + 1 - Ok, max(Max, Ns)},
    case T1 < End of
        true -> load_loop(Servers, I + 1, End, Hist, T1, Acc);
        false -> Acc
    end.
