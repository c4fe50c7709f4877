# SPDX-License-Identifier: Apache-2.0
# From points ({curve, x, y}) to one object a curve: its verdict, and its slope where it
# is linear.
#
# Flat: the last costs at most half more than the middle one, for a hundred times as much
# of the other.  Linear: ten times as much costs ten times as much, nearly, from
# where the share that is always there no longer counts.

def unit: if startswith("memory") then "bytes"
          elif startswith("throughput") then "calls/s"
          elif startswith("pause") then "us"
          else "ns" end;

def wanted: if startswith("memory") or startswith("a state") or startswith("pause")
            then "linear"
            elif startswith("throughput") then "no less" else "flat" end;

# How often y multiplies when x does by ten: 1 is linear.
def exponent: (.[-1].y / .[-2].y | log10) / (.[-1].x / .[-2].x | log10);
def slope: (.[-1].y - .[0].y) / (.[-1].x - .[0].x);
def rounded: if . >= 100 then round else . * 1000 | round / 1000 end;

def verdict($wanted):
    if $wanted == "flat" then
        if .[-1].y <= 1.5 * (map(.y) | sort | .[length / 2 | floor]) then "flat" else "grows" end
    elif $wanted == "linear" then
        exponent as $e
        | if $e > 0.8 and $e < 1.2 then "linear"
          elif $e <= 0.8 then "less than linear" else "more than linear" end
    else "\(.[-1].y / .[0].y * 100 | round / 100) times" end;

[group_by(.curve)[] | select(length > 1) | sort_by(.x)]
| sort_by(.[0].n)[]
| (.[0].curve | wanted) as $wanted
| {curve: .[0].curve, unit: (.[0].curve | unit), points: map([.x, .y]), $wanted,
   verdict: verdict($wanted)}
  + (if $wanted == "linear" then {slope: (slope | rounded)} else {} end)
