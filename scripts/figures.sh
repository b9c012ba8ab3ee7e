#!/usr/bin/env bash
# Compares the race shapes with plain C loops, alternating: a shared machine's figures move several-fold within minutes,
# so the ratio of neighbours in time counts, and of those the median. Prints the table of README.md.
#
#     scripts/figures.sh [REPETITIONS] [SECONDS OF EACH RUN]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install libatomic-ops-dev pkg-config gcc libc6-dev
repetitions=${1:-9} seconds=${2:-0.2}

scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
gcc -O2 -Wall -pthread Benchmarks/race-loops/race-loops.c -o "$scratch/race-loops"
swift build -c release --product addonrace "${build_options[@]}" >&2
swift build -c release --product addonrace --sanitize=thread --scratch-path .build-thread-release >&2
plain=$(swift build -c release --show-bin-path)/addonrace
thread=$(swift build -c release --sanitize=thread --scratch-path .build-thread-release --show-bin-path)/addonrace

# c SHAPE [RACERS]: collisions (or losers) a second and yield of the C loop, with a thread cache that holds a batch.
c() { GLIBC_TUNABLES=glibc.malloc.tcache_count=4000 "$scratch/race-loops" "$1" "$seconds" "${2:-2}" | awk '{print $2, $4}'; }

# ours KEY OPTION...: this rate, the yield, and the round trip of one run of file-owner.
ours() {
  local key=$1
  shift
  "${binary:-$plain}" run scenarios/sites/file-owner.yaml --format json --time "$seconds" --collisions 1000000000000 \
    --order strided --minimum-yield 0 "$@" |
    awk -v key="\"$key\"" -F'[:,]' '
      index($1, key) { rate = $2 }
      index($1, "\"yield\"") { yield = $2 }
      index($1, "\"losersPerSlot\"") { losers = $2 }
      index($1, "\"roundTripAfter\"") { trip = $2 }
      END { print rate, yield, losers, trip }'
}

median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# compare NAME C-SHAPE RACERS KEY OPTION...
compare() {
  local name=$1 shape=$2 racers=$3 key=$4
  shift 4
  : >"$scratch/ratios" >"$scratch/ours" >"$scratch/c" >"$scratch/yield" >"$scratch/price" >"$scratch/losers"
  for ((i = 0; i < repetitions; i++)); do
    read -r c_rate c_yield <<<"$(c "$shape" "$racers")"
    read -r rate yield losers trip <<<"$(ours "$key" --racers allocate="$racers" "$@")"
    read -r unchecked _ <<<"$(ours "$key" --racers allocate="$racers" --checking none "$@")"
    awk "BEGIN { print $rate / $c_rate }" >>"$scratch/ratios"
    awk "BEGIN { print 100 * (1 - $rate / $unchecked) }" >>"$scratch/price"
    awk "BEGIN { print $rate / 1e6 }" >>"$scratch/ours"
    awk "BEGIN { print $c_rate / 1e6 }" >>"$scratch/c"
    echo "$yield" >>"$scratch/yield"
    echo "$losers" >>"$scratch/losers"
    echo "$trip" >>"$scratch/trips"
  done
  printf '| %s | %.1f | %.1f | %.2f | %.0f %% | %.2f | %.0f %% |\n' "$name" \
    "$(median <"$scratch/c")" "$(median <"$scratch/ours")" "$(median <"$scratch/ratios")" \
    "$(awk "BEGIN { print 100 * $(median <"$scratch/yield") }")" "$(median <"$scratch/losers")" \
    "$(median <"$scratch/price")"
}

: >"$scratch/trips"
echo "| shape | C loop, M/s | AddonRace, M/s | ratio | yield | losers/slot | price of checking |"
echo "|---|---|---|---|---|---|---|"
compare "natural, collisions" natural 2 collisionsPerSecond --shape natural
compare "natural, adaptive start, collisions" adaptive 2 collisionsPerSecond --shape natural --start adaptive
compare "delay, adaptive start, collisions" delay 2 collisionsPerSecond --widening delay --start adaptive --delay 200
compare "pipeline, collisions" pipeline 2 collisionsPerSecond
compare "forced, collisions" forced 2 collisionsPerSecond --shape forced
compare "pipeline, 16 racers, losers" pipeline 16 losersPerSecond

for ((i = 0; i < repetitions; i++)); do
  binary=$thread ours collisionsPerSecond --strategy compare-exchange | awk '{ print $1 / 1e6 }'
done >"$scratch/thread"
peak=$( (ulimit -v unlimited; /usr/bin/env bash -c "'$plain' run scenarios/shapes/pipeline.yaml --in-process --time 2 --collisions 1000000000000 >/dev/null & child=\$!; sleep 1.5; awk '/VmHWM/ { print \$2 / 1024 }' /proc/\$child/status; wait \$child"))
printf '\nUnder ThreadSanitizer the pipeline makes %.1f M collisions/s.\n' "$(median <"$scratch/thread")"
printf 'Peak memory after 1.5 s of a pipeline: %.0f MB.\n' "$peak"
printf 'Compare-exchange round trip: median %.0f ns, %.0f to %.0f.\n' "$(median <"$scratch/trips")" \
  "$(sort -g "$scratch/trips" | head -1)" "$(sort -g "$scratch/trips" | tail -1)"
