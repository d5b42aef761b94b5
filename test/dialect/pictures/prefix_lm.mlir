// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null | FileCheck %s --match-full-lines

// k < length[batch] or k <= q: the lengths are an array, which there is none of here.

sparse_attn.pattern @prefix(%lengths: memref<?xi32>) {
  %p = sparse_attn.prefix_lm %lengths
  sparse_attn.yield %p
}

// CHECK: @prefix: captures an array or a mask
