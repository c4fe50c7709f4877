# SPDX-License-Identifier: Apache-2.0
# From samples ({scenario, params, side, round, disturbed,
# values}) to one object a figure.
#
# `times` is how many times better than Erlang moult has to be, `most` what its figure
# may be at most; null is no target.

def figure($metric; $unit; $better; $times; $most; value):
    {$metric, $unit, $better, $times, $most, value: (try value catch null)};

def latency($unit; $times; $most):
    figure("latency"; "ns/" + $unit; "lower"; $times; $most; .wall_ns / .ops),
    figure("cpu"; "ns/" + $unit; "lower"; null; null; .cpu_ns / .ops);

def rate($unit; $times):
    figure("rate"; $unit + "s/s"; "higher"; $times; null; .ops * 1e9 / .wall_ns),
    figure("cpu"; "ns/" + $unit; "lower"; null; null; .cpu_ns / .ops);

def casts($times):
    rate("cast"; $times),
    figure("refused"; "casts"; "lower"; null; null; .refused),
    figure("peak memory"; "MiB"; "lower"; null; null; .peak_kib / 1024);

# Erlang's is the one upgrade that it has; moult's are of the kind $how.  What Erlang does
# not do there (vet, rehearse, write down durably what runs) is told beside the total.
def upgrade($how; $pause_times; $pause_most; $total_times):
    figure("pause, " + $how; "us"; "lower"; $pause_times; $pause_most;
           .pause_us // .[$how + "_pause_us"]),
    figure("total, " + $how; "us"; "lower"; $total_times; null;
           .total_us // (.[$how + "_total_us"] - .[$how + "_vet_us"]
                          - .[$how + "_rehearse_us"] - .[$how + "_record_us"])),
    figure("vet, " + $how; "us"; "lower"; null; null; .[$how + "_vet_us"]),
    figure("record, " + $how; "us"; "lower"; null; null; .[$how + "_record_us"]),
    figure("rehearse, " + $how; "us"; "lower"; null; null;
           .[$how + "_rehearse_us"]);

def upgrades($n):
    if $n == 1 then
        upgrade("pointer"; null; 50; 1), upgrade("schema"; null; 50; 1),
        upgrade("code_change"; null; 50; 1)
    elif $n == 100000 then
        upgrade("pointer"; 60; null; null), upgrade("schema"; 15; null; null),
        upgrade("code_change"; null; null; null)
    else
        upgrade("pointer", "schema", "code_change"; null; null; null)
    end,
    figure("pause, release handler"; "us"; "lower"; null; null; .handler_pause_us),
    figure("total, release handler"; "us"; "lower"; null; null; .handler_total_us);

def load:
    rate("call"; 5),
    figure("p50"; "us"; "lower"; null; null; .p50_ns / 1000),
    figure("p99"; "us"; "lower"; null; null; .p99_ns / 1000),
    figure("p99.9"; "us"; "lower"; null; null; .p999_ns / 1000),
    figure("worst call"; "us"; "lower"; null; 250; .max_ns / 1000),
    figure("calls above 1 ms"; "calls"; "lower"; null; null; .above_1ms),
    figure("failed calls"; "calls"; "lower"; null; 0; .errors),
    figure("worst pause"; "us"; "lower"; null; null; .worst_pause_us);

# $how a child is ended.  A fault that is contained may take twice as long as a plain stop.
def restarts($times):
    figure("serves again, p50"; "us"; "lower"; $times; null; .kill_p50_ns / 1000),
    figure("serves again, p99"; "us"; "lower"; null; null; .kill_p99_ns / 1000),
    figure("after a stop, p50"; "us"; "lower"; null; null; .stop_p50_ns / 1000),
    figure("after a fault, p50"; "us"; "lower"; null; null; .fault_p50_ns / 1000),
    figure("fault to stop"; "times"; "lower"; null; 2; .fault_p50_ns / .stop_p50_ns);

def state:
    figure("pause"; "ms"; "lower"; 4; null; .pause_us / 1000),
    figure("rehearse"; "ms"; "lower"; null; null; .rehearse_us / 1000),
    figure("peak memory"; "MiB"; "lower"; null; null; .peak_kib / 1024),
    figure("encode"; "ms"; "lower"; 3; null; .encode_ns / 1e6),
    figure("decode"; "ms"; "lower"; 3; null; .decode_ns / 1e6);

def timers:
    figure("set"; "ns/timer"; "lower"; 8; null; .set_ns / .ops),
    figure("late, p50"; "ms"; "lower"; 1; null; .p50_ns / 1e6),
    figure("late, p99"; "ms"; "lower"; 1; null; .p99_ns / 1e6),
    figure("late, most"; "ms"; "lower"; null; null; .max_ns / 1e6),
    figure("cpu"; "ms"; "lower"; 4; null; .cpu_ns / 1e6);

def publish:
    figure("one by one"; "ns/delivery"; "lower"; 6; null; .one_ns / .ops),
    figure("at once"; "ns/delivery"; "lower"; 6; null; .wall_ns / .ops),
    figure("cpu"; "ns/delivery"; "lower"; null; null; .cpu_ns / .ops);

def figures($scenario):
    if $scenario == "call" then latency("call"; 7; null)
    elif $scenario == "pairs" then latency("call"; null; 90)
    elif $scenario == "fanin" then rate("call"; 6)
    elif $scenario == "cast" then casts(5)
    elif $scenario == "casts" then casts(6)
    elif $scenario == "flood" then casts(null)
    elif $scenario == "ring" then latency("hop"; 5; null)
    elif $scenario == "start" or $scenario == "million" then
        rate("start"; 5),
        figure("memory"; "bytes"; "lower"; null; 408; .bytes) # its state is 8 bytes
    elif $scenario == "load" then load
    elif $scenario == "restart-1" then restarts(3)
    elif $scenario == "restart-10000" then restarts(4)
    elif $scenario == "state" then state
    elif $scenario == "boot" then
        figure("ready"; "ms"; "lower"; 8; 10; .wall_ns / 1e6),
        figure("memory"; "MiB"; "lower"; null; 6; .rss / 1048576)
    elif $scenario == "publish" then publish
    elif $scenario == "timers" then timers
    elif $scenario == "control" then
        figure("latency"; "us/call"; "lower"; null; 60; .wall_ns / .ops / 1000)
    elif $scenario == "drop" then
        figure("serves new code"; "ms"; "lower"; null; 60; .wall_ns / 1e6)
    else upgrades($scenario | ltrimstr("upgrade-") | tonumber)
    end;

def median: sort | if length % 2 == 1 then .[length / 2 | floor]
                   else (.[length / 2 - 1] + .[length / 2]) / 2 end;

def short: if . == null then null
           elif . >= 1000 or . <= -1000 then round
           else . * 1000 | round / 1000 end;

# The side of Erlang whose median is the better one.
def best_of_erlang:
    map(select(.side | startswith("erlang"))) | group_by(.side)
    | map({rows: ., median: (map(.value) | median)})
    | (if length == 0 then null
       elif .[0].rows[0].better == "lower" then min_by(.median)
       else max_by(.median) end)
    | .rows;

# Median of the ratios of the rounds, the disturbed left out if three others remain.
def ratio($erlang):
    [.[] as $m | $erlang[]? | select(.round == $m.round)
     | {disturbed: (.disturbed or $m.disturbed),
        ratio: (if $m.better == "lower" then [.value, $m.value]
                else [$m.value, .value] end
                | if .[1] == 0 then null else .[0] / .[1] end)}
     | select(.ratio != null)]
    | (map(select(.disturbed | not)) | if length >= 3 then . else null end) // .
    | if length == 0 then null else map(.ratio) | median end;

[.[] | . as $s | .values | figures($s.scenario) | select(.value != null)
 | . + ($s | {scenario, params, side, round, disturbed})]
| . as $rows
| reduce $rows[] as $r ([]; if any(.[]; . == [$r.scenario, $r.metric]) then .
                            else . + [[$r.scenario, $r.metric]] end)
| .[] as [$scenario, $metric]
| [$rows[] | select(.scenario == $scenario and .metric == $metric)]
| best_of_erlang as $erlang
| group_by(.side)[]
| .[0] as $first
| ($first | {scenario, params, metric, unit, better, side})
  + (map(.value) | {median: (median | short), min: (min | short), max: (max | short),
                    runs: length})
  + {disturbed: (map(select(.disturbed)) | length)}
  + if ($first.side | startswith("moult")) then
        {ratio: (ratio($erlang) | short), against: $erlang[0].side,
         times: $first.times, most: $first.most}
    else {} end
