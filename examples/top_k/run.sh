#!/usr/bin/env bash
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# From tensors to a sparse run: scores blocks of queries against blocks of keys, keeps the eight best of each row, the
# first block and the diagonal, and attends to nothing else. With the tools on the PATH:
#
#   run.sh FOLDER      reads FOLDER/{q,k,v}.npy and leaves the masks, a picture and the output there
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$1"

sparse-attn-mask scores q.npy k.npy --block=64 --causal -o scores.npy
for head in 0 1; do
  sparse-attn-mask create scores.npy --block=64 --head="$head" --top-k=8 --keep-sinks=1 --keep-diagonal=1 --causal \
    -o "head$head.mask"
done
sparse-attn-mask info head0.mask
sparse-attn-mask plot head0.mask -o head0.svg
sparse-attn-run "$here/top_k.mlir" --q=q.npy --k=k.npy --v=v.npy --mask=mask=head0.mask --mask=mask=head1.mask \
  --out=o.npy --verify --time=5
