// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null | FileCheck %s --match-full-lines

// The prefix, and the ancestors of a node, of parents in an array, which there is none of here.

sparse_attn.pattern @tree(%a: memref<?xi32>) {
  %p = sparse_attn.tree parents(%a)
  sparse_attn.yield %p
}

// CHECK: @tree: captures an array or a mask
