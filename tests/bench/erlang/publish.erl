%% SPDX-License-Identifier: Apache-2.0
%% One publisher, and a group of subscribers.
-module(publish).
-export([run/2]).
-import(measure, [timed/1, fresh/1]).

run(Subscribers, Events) ->
    {ok, _} = pg:start_link(),
    Deliveries = atomics:new(1, []),
    Pids = [element(2, subscriber:start({topic, Deliveries, Subscribers}))
            || _ <- lists:seq(1, Subscribers)],
    Once = fun() -> fresh(fun() -> published(Events) end) end,
    _ = Once(),
    {One, {Wall, Cpu}} = Once(),
    Seen = 4 * Events,
    [Seen = gen_server:call(P, get) || P <- Pids],
    [{ops, Subscribers * Events}, {one_ns, One}, {wall_ns, Wall}, {cpu_ns, Cpu}].

%% Each delivered before the next; then all back to back.
published(Events) ->
    Payload = binary:copy(<<7>>, 16),
    {One, _, _} = timed(fun() ->
                                [begin send(I, Payload), delivered(1) end
                                 || I <- lists:seq(1, Events)]
                        end),
    {Wall, Cpu, _} = timed(fun() ->
                                   [send(I, Payload) || I <- lists:seq(1, Events)],
                                   delivered(Events)
                           end),
    {One, {Wall, Cpu}}.

send(Seq, Payload) ->
    Event = {event, self(), Seq, Payload},
    [P ! Event || P <- pg:get_members(topic)].

delivered(0) -> ok;
delivered(N) -> receive delivered -> delivered(N - 1) end.
