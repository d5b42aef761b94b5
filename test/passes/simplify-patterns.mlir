// RUN: sparse-attn-opt %s --sparse-attn-simplify-patterns | FileCheck %s

// Each rewrite has its case in dialect/patterns-canonicalize.mlir; here is what the pass leaves of larger patterns.

// CHECK-LABEL: @sliding_window
// CHECK-NEXT:    %[[W:.*]] = sparse_attn.window left(511) right(0)
// CHECK-NEXT:    sparse_attn.yield %[[W]]
sparse_attn.pattern @sliding_window {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(511) right(511)
  %unused = sparse_attn.chunk size(7)
  %p = sparse_attn.intersect %causal, %window
  sparse_attn.yield %p
}

// CHECK-LABEL: @flat
// CHECK-DAG:     %[[W:.*]] = sparse_attn.window left(4) right(4)
// CHECK-DAG:     %[[K:.*]] = sparse_attn.keys first(2)
// CHECK-DAG:     %[[S:.*]] = sparse_attn.stride step(8)
// CHECK:         %[[U:.*]] = sparse_attn.union %[[W]], %[[K]], %[[S]]
// CHECK-NEXT:    sparse_attn.yield %[[U]]
sparse_attn.pattern @flat {
  %window = sparse_attn.window left(4) right(4)
  %keys = sparse_attn.keys first(2)
  %stride = sparse_attn.stride step(8)
  %coarse = sparse_attn.stride step(16)
  %a = sparse_attn.union %window, %keys
  %b = sparse_attn.union %stride, %coarse
  %p = sparse_attn.union %a, %b
  sparse_attn.yield %p
}

// One pattern for all heads needs no choice.
// CHECK-LABEL: @equal_heads
// CHECK-NEXT:    %[[C:.*]] = sparse_attn.causal
// CHECK-NEXT:    sparse_attn.yield %[[C]]
sparse_attn.pattern @equal_heads {
  %a = sparse_attn.causal
  %one = sparse_attn.per_head [%a]
  %p = sparse_attn.per_head [%a, %one]
  sparse_attn.yield %p
}

// A predicate keeps its ops, constants included.
// CHECK-LABEL: @predicate
// CHECK-NEXT:    %[[P:.*]] = sparse_attn.predicate
// CHECK:           arith.constant 4 : index
// CHECK:           arith.remsi
// CHECK:           sparse_attn.yield %{{.*}} : i1
// CHECK-NEXT:    }
// CHECK-NEXT:    sparse_attn.yield %[[P]]
sparse_attn.pattern @predicate {
  %all = sparse_attn.dense
  %some = sparse_attn.predicate (%b, %h, %q, %k) {
    %four = arith.constant 4 : index
    %zero = arith.constant 0 : index
    %rest = arith.remsi %k, %four : index
    %holds = arith.cmpi eq, %rest, %zero : index
    sparse_attn.yield %holds : i1
  }
  %p = sparse_attn.intersect %all, %some
  sparse_attn.yield %p
}

// Captures stay, also where nothing reads them: users of the pattern pass them.
// CHECK-LABEL: @captures(%{{.*}}: index, %{{.*}}: memref<?xi32>)
// CHECK-NEXT:    sparse_attn.causal
sparse_attn.pattern @captures(%n: index, %ids: memref<?xi32>) {
  %causal = sparse_attn.causal
  %keys = sparse_attn.keys first(%n)
  %nothing = sparse_attn.intersect %causal
  sparse_attn.yield %nothing
}

// Functions are not touched.
// CHECK-LABEL: func.func @untouched
// CHECK-NEXT:    %[[A:.*]] = arith.constant 1 : index
// CHECK-NEXT:    %[[B:.*]] = arith.addi %[[A]], %[[A]] : index
// CHECK-NEXT:    return %[[B]]
func.func @untouched() -> index {
  %a = arith.constant 1 : index
  %b = arith.addi %a, %a : index
  return %b : index
}
