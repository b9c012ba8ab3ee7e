#!/usr/bin/env bash
# Builds AddonRace, races the shipped scenarios and explores them: verdicts and figures. Options go to `addonrace run`.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install libatomic-ops-dev pkg-config

say "Building"
swift build -c release --product addonrace "${build_options[@]}"

command=$(swift build -c release --show-bin-path)/addonrace
status=0

say "Racing"
"$command" run scenarios/sites scenarios/lifecycle scenarios/hazards scenarios/shapes scenarios/faults "$@" || status=$?

say "Exploring"
"$command" explore scenarios/sites scenarios/lifecycle scenarios/hazards scenarios/faults || status=$?
exit "$status"
