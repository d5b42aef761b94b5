// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null | FileCheck %s --match-full-lines

// The document of the query, of offsets in an array, which there is none of here.

sparse_attn.pattern @documents(%a: memref<?xi32>) {
  %p = sparse_attn.documents offsets(%a)
  sparse_attn.yield %p
}

// CHECK: @documents: captures an array or a mask
