#!/usr/bin/env bash
# Measures the shipped benches twice, and says what came out differently. Options go to both, as --repetitions 101.
# Many processes: what differs from one run to the next is what a process has by chance.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install libatomic-ops-dev pkg-config

say "Building"
swift build -c release --product addonrace "${build_options[@]}"
command=$(swift build -c release --show-bin-path)/addonrace

baselines=$(mktemp -d)
trap 'rm -r "$baselines"' EXIT
say "Measuring"
"$command" bench scenarios/bench --baselines "$baselines" --save first --processes 31 "$@"
say "Measuring again"
"$command" bench scenarios/bench --baselines "$baselines" --compare first --threshold 5 --processes 31 "$@"
