#!/usr/bin/env bash
# Builds AddonRace and races the shipped scenarios: verdicts and figures. Options go to `addonrace run`.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install libatomic-ops-dev pkg-config

say "Building"
swift build -c release --product addonrace "${build_options[@]}"

say "Racing"
exec "$(swift build -c release --show-bin-path)/addonrace" run scenarios/sites scenarios/shapes scenarios/faults "$@"
