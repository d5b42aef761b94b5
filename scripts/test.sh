#!/usr/bin/env bash
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sets everything up, then runs every test: lit, the unit tests, the runtime's unit tests again under the address and
# undefined-behaviour sanitizers, and a minute of fuzzing. Ends with one line that adds up all of them; fails where one of them fails.
set -euo pipefail

# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# clang has libFuzzer; z3 proves schedules.
packages=(clang-22 libclang-rt-22-dev z3)
install_packages

sanitized=$root/build-asan
fuzzed=$root/build-fuzz
results=$build/test-results
rm -rf "$results"
mkdir -p "$results"

# unit_tests FOLDER NAME OPTION...: runs ctest; count_tests.py reads how it went. In a pipe, only failures are shown.
unit_tests() {
  local options=(--test-dir "$1" -j "$jobs" --output-on-failure --no-tests=error --output-junit "$results/$2.xml"
    "${@:3}")
  if [ -t 1 ]; then
    ctest "${options[@]}" --progress || true
  else
    ctest "${options[@]}" >"$results/$2.txt" 2>&1 || cat "$results/$2.txt"
  fi
}

say "lit tests"
"$python" "$(llvm-config-22 --bindir)/lit" -sv -j "$jobs" --output "$results/lit.json" "$build/test" || true

say "unit tests"
unit_tests "$build" unit

say "unit tests of the runtime with sanitizers"
# Where they do not build, their results are missing, which counts as a failure.
if configure "$sanitized" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" \
  -DSPARSE_ATTN_BUILD_COMPILER=OFF -DSPARSE_ATTN_BUILD_TOOLS=OFF -DSPARSE_ATTN_BUILD_BENCHMARKS=OFF \
  -DSPARSE_ATTN_SANITIZE=address,undefined && compile "$sanitized"; then
  unit_tests "$sanitized" sanitized
fi

say "fuzzing the loader of mask files for a minute"
if configure "$fuzzed" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" \
  -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 -DSPARSE_ATTN_BUILD_FUZZERS=ON \
  -DSPARSE_ATTN_BUILD_COMPILER=OFF -DSPARSE_ATTN_BUILD_TOOLS=OFF -DSPARSE_ATTN_BUILD_BENCHMARKS=OFF \
  -DSPARSE_ATTN_SANITIZE=fuzzer-no-link,address,undefined && compile "$fuzzed" mask-file-fuzzer; then
  unit_tests "$fuzzed" fuzzed -R '^fuzz\.'
fi

"$python" "$root/scripts/count_tests.py" "$results"/{lit.json,unit.xml,sanitized.xml,fuzzed.xml}
