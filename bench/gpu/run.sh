#!/usr/bin/env bash
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Measures the artifacts of build_artifacts.sh on this machine's NVIDIA GPU, beside the peers that are installed:
#
#   bench/gpu/run.sh [FOLDER] [options]      (default: build/gpu-artifacts; --help tells the options)
#
# It builds the runtime with the C++ compiler at hand; no LLVM is needed. Variables: PYTHON, a Python with numpy, and
# PyTorch for the peers (default: python3); SPARSE_ATTN_RUNTIME, a folder with libsparse_attn_runtime.so, where it
# cannot be built here; CUTLASS_FMHA, the program of CUTLASS's example 88_hopper_fmha.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}

fail() {
  echo "run.sh: error: $*" >&2
  exit 1
}

# The C++ compiler finds a header.
has_header() {
  echo "#include <$1>" | "${CXX:-c++}" -std=c++17 -x c++ -fsyntax-only - 2>/dev/null
}

build_runtime() {
  local missing=()
  command -v cmake >/dev/null || missing+=(cmake)
  if command -v "${CXX:-c++}" >/dev/null; then
    has_header tbb/parallel_for.h || missing+=(libtbb-dev)
    has_header nlohmann/json.hpp || missing+=(nlohmann-json3-dev)
    has_header roaring/roaring.h || missing+=(libroaring-dev)
  else
    missing+=(g++)
  fi
  if [ "${#missing[@]}" -gt 0 ]; then
    fail "expects the packages ${missing[*]} (named as Debian does), or SPARSE_ATTN_RUNTIME to name a folder with" \
      "libsparse_attn_runtime.so, built elsewhere"
  fi
  local build=$root/build-gpu
  cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DSPARSE_ATTN_BUILD_COMPILER=OFF \
    -DSPARSE_ATTN_BUILD_TOOLS=OFF -DSPARSE_ATTN_BUILD_BENCHMARKS=OFF -DSPARSE_ATTN_BUILD_TESTS=OFF >&2
  cmake --build "$build" -j "$(nproc)" --target sparse_attn_runtime >&2
  runtime=$build/lib
}

folder=$root/build/gpu-artifacts
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
  folder=$1
  shift
fi
"$python" -c 'import numpy' 2>/dev/null || fail "expects $python to have numpy (PYTHON names another)"
for option in "$@"; do
  if [ "$option" = --help ] || [ "$option" = -h ]; then
    exec "$python" "$here/gpu_bench.py" --help
  fi
done
compgen -G "$folder/*.so" >/dev/null || fail "expects artifacts in $folder: build_artifacts.sh makes them"

runtime=${SPARSE_ATTN_RUNTIME:-}
[ -n "$runtime" ] || build_runtime
library=$runtime/libsparse_attn_runtime.so
[ -e "$library" ] || fail "expects $library, but there is no such file"

"$python" "$here/gpu_bench.py" "$folder" --runtime="$library" "$@"
