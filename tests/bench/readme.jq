# SPDX-License-Identifier: Apache-2.0
# From figures to the table of the README: of the better one of one worker and two.

def rounded: if . >= 100 then round elif . >= 10 then . * 10 | round / 10
             else . * 100 | round / 100 end;
def thousands: tostring | explode | reverse | [recurse(.[3:]; length > 0)[:3]]
               | map(reverse | implode) | reverse | join(",");
def cell($unit): if . == null then "-"
                 elif . >= 1000 then (round | thousands) + " " + $unit
                 else "\(rounded) \($unit)" end;

def of($scenario; $metric):
    map(select(.scenario == $scenario and .metric == $metric));
def erlang: map(select(.side | startswith("erlang")))
    | if . == [] then null elif .[0].better == "lower" then min_by(.median)
      else max_by(.median) end;
def moult: map(select(.side | startswith("moult")))
    | if . == [] then null elif .[0].better == "lower" then min_by(.median)
      else max_by(.median) end;

. as $all
| "| | Erlang/OTP | moult | times |", "|---|---|---|---|",
  ([["call", "latency", "ns", "a server's call and its reply"],
    ["fanin", "rate", "calls/s", "calls of 8 clients to one server"],
    ["cast", "rate", "casts/s", "casts, one to one"],
    ["casts", "rate", "casts/s", "casts, four to four"],
    ["ring", "latency", "ns", "ring of 1000 processes, a hop"],
    ["start", "rate", "starts/s", "servers started"],
    ["start", "memory", "bytes", "memory of an idle server"],
    ["restart-1", "serves again, p50", "us", "a server killed, until it serves again"],
    ["restart-10000", "serves again, p50", "us", "the same, one of 10,000"],
    ["publish", "at once", "ns", "publishing, a delivery to one of 10,000"],
    ["timers", "set", "ns", "a timer set"],
    ["boot", "ready", "ms", "a host with one application, from exec to ready"],
    ["boot", "memory", "MiB", "its memory"],
    ["upgrade-1", "pause, pointer", "us", "upgrade of one server, pause, by pointer"],
    ["upgrade-1", "pause, schema", "us", "the same by schema"],
    ["upgrade-1", "pause, code_change", "us", "the same by `code_change`"],
    ["upgrade-1", "total, code_change", "us", "the whole of it, from loading on"],
    ["upgrade-100000", "pause, pointer", "us", "upgrade of 100,000 servers, pause, by pointer"],
    ["upgrade-100000", "pause, schema", "us", "the same by schema"],
    ["state", "pause", "ms", "upgrade that rewrites a state of 1,000,000 entries, pause"],
    ["load", "rate", "calls/s", "calls during 10 upgrades in 3 s"],
    ["load", "worst call", "us", "the slowest of them"],
    ["load", "failed calls", "", "of them failed"]][]
   | . as [$scenario, $metric, $unit, $what]
   | ($all | of($scenario; $metric)) as $rows
   | select($rows | length > 0)
   | ($rows | erlang) as $e | ($rows | moult) as $m
   | "| \($what) | \($e.median | cell($unit)) | \($m.median | cell($unit)) | "
     + (if $m.ratio == null then "-" else "\($m.ratio | rounded)" end) + " |")
