#!/usr/bin/env bash
# Builds AddonRace, races the shipped scenarios and explores them: a line for each, and what is not as expected. Options go to `addonrace run`.
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

say "Racing and exploring code as it is"
code=(scenarios/code/c scenarios/code/cpp scenarios/code/kernel scenarios/code/swift)
# Rust's sanitizer flags have these names since 1.91.
if [[ $(rustc --version 2>/dev/null) =~ ^rustc\ 1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 91)); then
  code+=(scenarios/code/rust)
else
  echo "no rustc of version 1.91 or later: scenarios/code/rust is left out"
fi
"$command" run "${code[@]}" || status=$?
"$command" explore "${code[@]}" || status=$?
exit "$status"
