#!/usr/bin/env bash
# Measures AddonRace's strategies next to what C, C++, Swift and Rust offer. Options go to `peers`, as --repetitions 101.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install libatomic-ops-dev pkg-config

say "Building"
swift build -c release --package-path Benchmarks
products=$(swift build -c release --package-path Benchmarks --show-bin-path)

rust=()
if command -v rustc >/dev/null; then
  rustc --edition 2021 --crate-type cdylib -C opt-level=3 -C panic=abort -o "$products/libpeers.so" Benchmarks/rust/peers.rs
  rust=(--rust "$products/libpeers.so")
else
  say "Without Rust: there is no rustc"
fi

say "Measuring"
"$products/Peers" ${rust[@]+"${rust[@]}"} "$@"
