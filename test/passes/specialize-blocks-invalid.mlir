// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks=tile-q=8 -verify-diagnostics
// RUN: not sparse-attn-opt %s --sparse-attn-specialize-blocks=tile-q=24 2>&1 | FileCheck %s -DSIZES="24 and 64"
// RUN: not sparse-attn-opt %s --sparse-attn-specialize-blocks=tile-q=272 2>&1 | FileCheck %s -DSIZES="272 and 64"
// RUN: not sparse-attn-opt %s --sparse-attn-specialize-blocks=tile-q=-64 2>&1 | FileCheck %s -DSIZES="-64 and 64"
// RUN: not sparse-attn-opt %s --sparse-attn-specialize-blocks=tile-k=4 2>&1 | FileCheck %s -DSIZES="64 and 4"
// RUN: not sparse-attn-opt %s --sparse-attn-specialize-blocks=tile-k=520 2>&1 | FileCheck %s -DSIZES="64 and 520"

// CHECK: error: 'sparse_attn.attention' op expects a query tile that is a multiple of 16 in [16, 256] and a key tile that is a multiple of 8 in [8, 512], but got [[SIZES]]

!t = tensor<1x1x?x16xf32>

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

func.func @tile_sizes(%q: !t) -> !t {
  // expected-error @+1 {{but got 8 and 64}}
  %o = sparse_attn.attention %q, %q, %q pattern(@dense) : (!t, !t, !t) -> !t
  return %o : !t
}
