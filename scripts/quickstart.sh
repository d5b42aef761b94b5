#!/usr/bin/env bash
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sets everything up, then does the main job once: compiles examples/longformer.mlir ahead of time for this CPU, runs
# it on 16,384 tokens x 8 heads x 64 from .npy files, checks it against the reference, and prints one table.
set -euo pipefail

# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

work=$build/quickstart
tokens=16384 heads=8 head_size=64
mkdir -p "$work"

say "making the inputs"
"$python" "$root/scripts/make_inputs.py" "$work" --tokens=$tokens --heads=$heads --head-size=$head_size

for example in longformer dense; do
  source=$root/examples/$example.mlir artifact=$work/$example.so
  if [ "$artifact" -nt "$source" ] && [ "$artifact" -nt "$build/bin/sparse-attn-compile" ]; then
    continue
  fi
  say "compiling examples/$example.mlir"
  "$build/bin/sparse-attn-compile" "$source" --target=cpu --cpu=native -o "$artifact"
done

# run EXAMPLE DTYPE OPTION...: runs one function; its report becomes EXAMPLE_DTYPE.json.
run() {
  local example=$1 dtype=$2
  shift 2
  say "running attention_$dtype of $example"
  "$build/bin/sparse-attn-run" "$work/$example.so" --function="attention_$dtype" \
    --q="$work/q_$dtype.npy" --k="$work/k_$dtype.npy" --v="$work/v_$dtype.npy" \
    --json="$work/${example}_$dtype.json" "$@" >"$work/${example}_$dtype.txt"
}

failed=0
for dtype in f32 bf16; do
  run longformer "$dtype" --verify --time=20 || failed=1
  run dense "$dtype" --time=3
done

say "measuring the peak of this machine"
"$build/bin/sparse-attn-fma-peak" --threads=0 --json="$work/peak.json" >"$work/peak.txt"

"$python" "$root/scripts/print_table.py" "$work"
exit $failed
