#!/usr/bin/env bash
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sets everything up, then prints the tables of docs/performance.md. Options go to sparse-attn-bench (--help tells
# them); with none, the peers follow where the Python named by PEERS_PYTHON (default: python3) has PyTorch.
set -euo pipefail

# The options are those of sparse-attn-bench; setup.sh takes none.
options=("$@")
set --
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

say "measuring; leave the machine alone for some minutes"
"$build/bin/sparse-attn-bench" "${options[@]}"
if [ "${#options[@]}" -gt 0 ]; then
  exit 0
fi
"$build/bin/sparse-attn-mask-bench"

peers=${PEERS_PYTHON:-python3}
if "$peers" -c 'import torch' 2>/dev/null; then
  say "measuring PyTorch"
  "$peers" "$root/bench/peers.py"
else
  say "leaving out the peers: $peers has no PyTorch (PEERS_PYTHON names another)"
fi
