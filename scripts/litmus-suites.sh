#!/usr/bin/env bash
# Runs public suites of litmus tests of the kernel under its model, and prints a table: how many agree with what the suite
# says. The suites are fetched into .build/litmus-suites, or taken from the folder that $LITMUS_SUITES names, which holds
# a clone of each: herdtools7, Dat3M, litmus, linux.
#
#   scripts/litmus-suites.sh [SUITE...]     kernel, herdtools7, dat3m, paulmckrcu; all of them without a name
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install git python3

folder=${LITMUS_SUITES:-$PWD/.build/litmus-suites}
mkdir -p "$folder"

# fetch FOLDER ADDRESS PATH: one version, and only what is under the path.
fetch() {
  [ -d "$folder/$1" ] && return
  say "Fetching $2"
  git clone --quiet --depth 1 --filter=blob:none --sparse "$2" "$folder/$1"
  git -C "$folder/$1" sparse-checkout set --no-cone "$3"
}

say "The release build"
swift build "${build_options[@]}" -c release --product addonrace
addonrace=$(swift build "${build_options[@]}" -c release --show-bin-path)/addonrace

# judge NAME FOLDER EXPECTED: explores the tests of a folder; EXPECTED says where the suite has its verdicts.
judge() {
  local start=$SECONDS
  (cd "$folder" && "$addonrace" explore "$2" --format jsonl --no-journal) >"$folder/$1.jsonl" || true
  python3 scripts/litmus-suites.py "$1" "$folder" "$folder/$1.jsonl" "$3" $((SECONDS - start))
}

[ $# -gt 0 ] || set -- kernel herdtools7 dat3m paulmckrcu
say "The suites"
printf '%-12s %7s %7s %7s %9s %9s %8s\n' suite tests agree differ 'not read' 'no word' seconds
for suite in "$@"; do
  case $suite in
    kernel)
      fetch linux https://github.com/torvalds/linux /tools/memory-model/litmus-tests/
      judge kernel linux/tools/memory-model/litmus-tests headers ;;
    herdtools7)
      fetch herdtools7 https://github.com/herd/herdtools7 /catalogue/linux/tests/
      judge herdtools7 herdtools7/catalogue/linux/tests expected ;;
    dat3m)
      fetch Dat3M https://github.com/hernanponcedeleon/Dat3M '/litmus/LKMM/
/dartagnan/src/test/resources/LKMM-expected.csv'
      judge dat3m Dat3M/litmus/LKMM Dat3M/dartagnan/src/test/resources/LKMM-expected.csv ;;
    paulmckrcu)
      fetch litmus https://github.com/paulmckrcu/litmus '/*'
      judge paulmckrcu litmus headers ;;
    *)
      echo "error: there is no suite '$suite'; there are: kernel, herdtools7, dat3m, paulmckrcu" >&2
      exit 64 ;;
  esac
done
