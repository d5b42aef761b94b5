#!/usr/bin/env bash
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Compiles every pattern of bench/gpu/patterns for the GPUs, to carry the folder to a machine with a GPU:
#
#   bench/gpu/build_artifacts.sh [--simulate] [FOLDER]      (default: build/gpu-artifacts)
#
# --simulate adds code for the simulated device. Variables: COMPILER (build/bin/sparse-attn-compile), TARGETS
# ("sm_80 sm_90a"), HEAD_SIZES ("64 128").
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
compiler=${COMPILER:-$root/build/bin/sparse-attn-compile}

flags=()
if [ "${1:-}" = --simulate ]; then
  flags=(--simulate)
  shift
fi
folder=${1:-$root/build/gpu-artifacts}
mkdir -p "$folder"
sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT

for pattern in "$here"/patterns/*.mlir; do
  name=$(basename "$pattern" .mlir)
  for size in ${HEAD_SIZES:-64 128}; do
    source=$sources/${name}_d$size.mlir
    sed "s/^!array = .*/!array = tensor<?x?x?x${size}xbf16>/" "$pattern" >"$source"
    for target in ${TARGETS:-sm_80 sm_90a}; do
      "$compiler" "$source" --target="$target" "${flags[@]}" -o "$folder/${name}_d$size.$target.so"
    done
  done
done
echo "$(find "$folder" -name '*.so' | wc -l) artifacts in $folder"
