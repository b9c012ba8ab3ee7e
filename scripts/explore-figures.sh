#!/usr/bin/env bash
# Prints the explorer's figures: counts against the closed forms, executions a second, memory.
#
#     scripts/explore-figures.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install libatomic-ops-dev pkg-config
swift build -c release --product addonrace "${build_options[@]}" >&2
command=$(swift build -c release --show-bin-path)/addonrace

# explore OPTION...: model, executions, blocked runs, thousand executions a second, megabytes and seconds of the right
# strategy under these options.
explore() {
  "$command" explore scenarios/sites/file-owner-c11.yaml --executions 100000000 --time 600 "$@" |
    awk '$1 == "file-owner-c11" && NF > 10 { print $2, $5, $(NF - 5), $(NF - 2), $(NF - 1), $NF }'
}

# row WHAT EXPECTED OPTION...
row() {
  local what=$1 expected=$2
  shift 2
  explore "$@" | while read -r model count blocked rate megabytes seconds; do
    echo "| $what | $model | $expected | $count | $blocked | $seconds | $rate | $megabytes |"
  done
}

echo "| scenario | model | closed form | executions | blocked runs | seconds | thousand/s | MB |"
echo "|---|---|---|---|---|---|---|---|"
for racers in 2 3 4 5 6 8 12; do
  row "$racers racers" $((racers << (racers - 1))) --racers allocate=$racers --no-symmetry
done
row "4 racers, 3 inodes" 32768 --racers allocate=4 --inodes 3 --no-symmetry
row "5 racers, 2 inodes" 6400 --racers allocate=5 --inodes 2 --no-symmetry
row "4 racers, 4 inodes" 1048576 --racers allocate=4 --inodes 4 --no-symmetry --memory-model c11
row "5 racers, 1000 times" 80 --racers allocate=5 --no-symmetry --repetitions 1000
for racers in 2 5 16 64; do row "$racers racers, symmetry" $racers --racers allocate=$racers --memory-model c11; done
