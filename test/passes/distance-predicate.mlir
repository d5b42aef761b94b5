// RUN: sparse-attn-opt %s --sparse-attn-to-tiles --sparse-attn-convert-to-cpu | FileCheck %s

// A mask that depends on the distance alone has one limit a diagonal: 64 for keys that do not exist, 128 diagonals.

!t = tensor<1x1x?x16xf32>

// CHECK-LABEL: func.func @window_0_items(
// CHECK:         memref<1x192xf32>
sparse_attn.pattern @near {
  %p = sparse_attn.window left(100) right(20)
  sparse_attn.yield %p
}
func.func @window(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@near) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: func.func @captured_0_items(
// CHECK:         memref<1x192xf32>
sparse_attn.pattern @captured_window(%n: index) {
  %near = sparse_attn.window left(%n) right(%n)
  %step = sparse_attn.stride step(24)
  %past = sparse_attn.causal
  %p = sparse_attn.union %near, %step
  %both = sparse_attn.intersect %p, %past
  sparse_attn.yield %both
}
func.func @captured(%q: !t, %k: !t, %v: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@captured_window(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: func.func @written_out_0_items(
// CHECK:         memref<1x192xf32>
sparse_attn.pattern @distance_below_100 {
  %c100 = arith.constant 100 : i32
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %qi = arith.index_cast %q : index to i32
    %ki = arith.index_cast %k : index to i32
    %distance = arith.subi %qi, %ki : i32
    %length = math.absi %distance : i32
    %near = arith.cmpi slt, %length, %c100 : i32
    sparse_attn.yield %near : i1
  }
  sparse_attn.yield %p
}
func.func @written_out(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@distance_below_100) : (!t, !t, !t) -> !t
  return %o : !t
}

// Sums that may wrap are not compared by their difference.
// CHECK-LABEL: func.func @wrapping_0_items(
// CHECK-NOT:     memref<1x192xf32>
sparse_attn.pattern @far_sums {
  %far = arith.constant 2147483000 : index
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %qf = arith.addi %q, %far : index
    %kf = arith.addi %k, %far : index
    %after = arith.cmpi slt, %kf, %qf : index
    sparse_attn.yield %after : i1
  }
  sparse_attn.yield %p
}
func.func @wrapping(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@far_sums) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: func.func @chunk_0_items(
// CHECK-NOT:     memref<1x192xf32>
sparse_attn.pattern @chunks {
  %p = sparse_attn.chunk size(100)
  sparse_attn.yield %p
}
func.func @chunk(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@chunks) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: func.func @longformer_0_items(
// CHECK-NOT:     memref<1x192xf32>
sparse_attn.pattern @local_and_global {
  %local = sparse_attn.window left(64) right(64)
  %global = sparse_attn.global first(16)
  %p = sparse_attn.union %local, %global
  sparse_attn.yield %p
}
func.func @longformer(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@local_and_global) : (!t, !t, !t) -> !t
  return %o : !t
}
