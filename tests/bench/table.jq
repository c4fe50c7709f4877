# SPDX-License-Identifier: Apache-2.0
# From figures to the lines of a table, its columns apart by tabs.

def cell: if . == null then "-" else tostring end;
def times: if . == null then "-" else (. * 10 | round / 10 | tostring) + "x" end;

def is_met: if .times != null and .ratio != null and .ratio < .times then false
            elif .most != null and .median > .most then false
            else true end;

def target: if .times != null then "\(.times)x"
            elif .most != null then "<= \(.most)"
            else "" end;

# What one worker must reach two must reach as well.
def verdict($one; $two):
    if $one.times == null and $one.most == null then ""
    elif $one.times != null and $one.ratio == null then ""
    elif ($one | is_met) and ($two | is_met) then "met"
    elif ($one | is_met) then "met by one worker only"
    elif ($two | is_met) then "met by two workers only"
    else "missed" end;

. as $figures
| ["scenario", "figure", "unit", "Erlang", "moult, 1", "moult, 2", "x, 1", "x, 2",
   "target", ""],
  (reduce .[] as $f ([]; if any(.[]; . == [$f.scenario, $f.metric]) then .
                         else . + [[$f.scenario, $f.metric]] end)
   | .[] as [$scenario, $metric]
   | [$figures[] | select(.scenario == $scenario and .metric == $metric)]
   | (map(select(.side == "moult-1"))[0]) as $one
   | (map(select(.side == "moult-2"))[0]) as $two
   | (map(select(.side | startswith("erlang")))
      | if .[0].better == "lower" then min_by(.median) else max_by(.median) end)
     as $erlang
   | [$scenario, $metric, .[0].unit, ($erlang.median | cell), ($one.median | cell),
      ($two.median | cell), ($one.ratio | times), ($two.ratio | times),
      ($one // {} | target),
      (if $one and $two then verdict($one; $two) else "" end)])
| @tsv
