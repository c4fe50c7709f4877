%% SPDX-License-Identifier: Apache-2.0
%% Time, memory and the one line of JSON.
-module(measure).
-export([now_ns/0, timed/1, parallel/1, fresh/1, rss/0, peak_rss/0, emit/1]).

now_ns() -> erlang:monotonic_time(nanosecond).

%% {wall ns, CPU ns of all threads of the VM, what Fun returned}
timed(Fun) ->
    C0 = cpu_ns(),
    T0 = now_ns(),
    Value = Fun(),
    T1 = now_ns(),
    {T1 - T0, cpu_ns() - C0, Value}.

%% Run Fun in a process of its own: a clean heap and a clean mailbox.
fresh(Fun) -> hd(parallel([Fun])).

%% Run all Funs at once, each in its own process; their results, in order.
parallel(Funs) ->
    Workers = [spawn_monitor(fun() -> receive go -> exit({done, F()}) end end)
               || F <- Funs],
    [Pid ! go || {Pid, _} <- Workers],
    [receive
         {'DOWN', Ref, process, Pid, {done, Result}} -> Result;
         {'DOWN', Ref, process, Pid, Reason} -> error({worker_failed, Reason})
     end || {Pid, Ref} <- Workers].

%% Resident bytes of the VM.
rss() -> bytes("/proc/self/smaps_rollup", "Rss").

%% The most that there ever were.
peak_rss() -> bytes("/proc/self/status", "VmHWM").

bytes(File, What) ->
    {ok, Text} = file:read_file(File),
    {match, [KiB]} = re:run(Text, "\n" ++ What ++ ":\\s*([0-9]+) kB",
                            [{capture, all_but_first, list}]),
    list_to_integer(KiB) * 1024.

emit(Pairs) ->
    io:format("{~s}~n", [lists:join(",", [["\"", atom_to_list(K), "\":", number(V)]
                                          || {K, V} <- Pairs])]).

number(V) when is_integer(V) -> integer_to_list(V);
number(V) when is_float(V) -> float_to_list(V, [{decimals, 3}, compact]).

cpu_ns() ->
    {ok, Tids} = file:list_dir("/proc/self/task"),
    lists:sum([thread_ns(T) || T <- Tids]).

%% The first number of schedstat; 0 for a thread that has just ended.
thread_ns(Tid) ->
    case file:read_file("/proc/self/task/" ++ Tid ++ "/schedstat") of
        {ok, Text} -> binary_to_integer(hd(binary:split(Text, <<" ">>)));
        {error, _} -> 0
    end.
