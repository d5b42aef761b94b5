// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null | FileCheck %s --match-full-lines

// Some keys and distances, of numbers in an array, which there is none of here.

sparse_attn.pattern @vertical_slash(%a: memref<?xi32>) {
  %p = sparse_attn.vertical_slash columns(%a) diagonals(%a)
  sparse_attn.yield %p
}

// CHECK: @vertical_slash: captures an array or a mask
