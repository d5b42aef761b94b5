// REQUIRES: z3
// RUN: sparse-attn-prove %s | FileCheck %s

// The first keys, the first queries, and both, as many as are captured.

!t = tensor<?x2x?x64xf32>

// CHECK-LABEL: @keys_64x64
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
sparse_attn.pattern @keys(%n: index) {
  %p = sparse_attn.keys first(%n)
  sparse_attn.yield %p
}
func.func @use_keys(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@keys(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @queries_64x64
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
sparse_attn.pattern @queries(%n: index) {
  %p = sparse_attn.queries first(%n)
  sparse_attn.yield %p
}
func.func @use_queries(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@queries(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @global_64x64
// CHECK:       pairs of band 1 lie in visited tiles proved
// CHECK:       touched ranges 0 and 1 share no tile proved
// CHECK:       full ranges 0 and 1 share no tile proved
// CHECK:       every pair of full range 1 attends proved
// CHECK:       {{^}}41 proved, 0 refuted, 0 open;
sparse_attn.pattern @global(%n: index) {
  %p = sparse_attn.global first(%n)
  sparse_attn.yield %p
}
func.func @use_global(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@global(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}
