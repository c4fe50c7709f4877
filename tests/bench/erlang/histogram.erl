%% SPDX-License-Identifier: Apache-2.0
%% Latencies in buckets of 100 ns up to 1 ms, then of 10 us up to 1 s.
-module(histogram).
-export([new/0, add/2, merge/1, percentile/3, above_1ms/1]).

-define(FINE, 10000).
-define(COARSE, 100000).

new() -> counters:new(?FINE + ?COARSE, []).

add(H, Ns) when Ns < ?FINE * 100 -> counters:add(H, Ns div 100 + 1, 1);
add(H, Ns) -> counters:add(H, ?FINE + min(Ns div 10000, ?COARSE - 1) + 1, 1).

%% The buckets in use, as {Bucket, Count}.
merge(Hs) ->
    [{I, C} || I <- lists:seq(1, ?FINE + ?COARSE),
               (C = lists:sum([counters:get(H, I) || H <- Hs])) > 0].

%% Upper edge, in ns, of the bucket that holds the percentile.
percentile(Merged, Total, Q) -> find(Merged, Q / 100 * Total, 0).

above_1ms(Merged) -> lists:sum([C || {I, C} <- Merged, I > ?FINE]).

find([{I, _}], _, _) -> edge(I);
find([{I, C} | _], Rank, Seen) when Seen + C >= Rank -> edge(I);
find([{_, C} | Rest], Rank, Seen) -> find(Rest, Rank, Seen + C).

edge(I) when I =< ?FINE -> I * 100;
edge(I) -> (I - ?FINE) * 10000.
