// REQUIRES: z3
// RUN: sparse-attn-prove %s | FileCheck %s

// No sequence is too long for these.

!t = tensor<?x2x?x64xf32>

// CHECK-LABEL: @dense_64x64
// CHECK:       attending pairs lie in bands proved
// CHECK:       pairs of band 0 attend proved
// CHECK:       bounds of band 0 never decrease proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       tiles of touched range 0 exist proved
// CHECK:       every pair of full range 0 attends proved
// CHECK:       full range 0 is touched proved
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
// CHECK:       tiles of touched range 0 hold a pair that attends proved
// CHECK:       whole tiles whose corners attend are full proved
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @use_dense(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@dense) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @causal_64x64
// CHECK:       attending pairs lie in bands proved
// CHECK:       pairs of band 0 attend proved
// CHECK:       bounds of band 0 never decrease proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       tiles of touched range 0 exist proved
// CHECK:       every pair of full range 0 attends proved
// CHECK:       full range 0 is touched proved
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
// CHECK:       tiles of touched range 0 hold a pair that attends proved
// CHECK:       whole tiles whose corners attend are full proved
sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}
func.func @use_causal(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@causal) : (!t, !t, !t) -> !t
  return %o : !t
}
