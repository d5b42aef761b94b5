// REQUIRES: z3
// RUN: sparse-attn-prove %s | FileCheck %s

// Unions, intersections and complements of patterns with ranges.

!t = tensor<?x2x?x64xf32>

// CHECK-LABEL: @streaming_64x64
// CHECK:       pairs of band 1 lie in visited tiles proved
// CHECK:       touched ranges 0 and 1 share no tile proved
// CHECK:       full ranges 0 and 1 share no tile proved
// CHECK:       every pair of full range 1 attends proved
sparse_attn.pattern @streaming(%l: index, %n: index) {
  %past = sparse_attn.causal
  %near = sparse_attn.window left(%l) right(%l)
  %sinks = sparse_attn.keys first(%n)
  %seen = sparse_attn.union %near, %sinks
  %p = sparse_attn.intersect %seen, %past
  sparse_attn.yield %p
}
func.func @use_streaming(%q: !t, %l: index, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@streaming(%l, %n) : (index, index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @near_chunk_64x64
// CHECK:       pairs of band 2 lie in visited tiles proved
// CHECK:       touched ranges 1 and 2 share no tile proved
sparse_attn.pattern @near_chunk(%l: index) {
  %near = sparse_attn.window left(%l) right(0)
  %chunk = sparse_attn.chunk size(128)
  %sinks = sparse_attn.keys first(64)
  %p = sparse_attn.union %near, %chunk, %sinks
  sparse_attn.yield %p
}
func.func @use_near_chunk(%q: !t, %l: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@near_chunk(%l) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @past_chunk_64x64
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
sparse_attn.pattern @past_chunk {
  %past = sparse_attn.causal
  %chunk = sparse_attn.chunk size(100)
  %p = sparse_attn.intersect %past, %chunk
  sparse_attn.yield %p
}
func.func @use_past_chunk(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@past_chunk) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @dilated_64x64
// CHECK:       pairs of band 0 attend proved
sparse_attn.pattern @dilated(%l: index) {
  %near = sparse_attn.window left(%l) right(%l)
  %every = sparse_attn.stride step(8)
  %p = sparse_attn.intersect %near, %every
  sparse_attn.yield %p
}
func.func @use_dilated(%q: !t, %l: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@dilated(%l) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @far_64x64
// CHECK:       pairs of band 1 lie in visited tiles proved
// CHECK:       touched ranges 0 and 1 share no tile proved
// CHECK:       full ranges 0 and 1 share no tile proved
// CHECK:       every pair of full range 1 attends proved
sparse_attn.pattern @far(%l: index, %r: index) {
  %near = sparse_attn.window left(%l) right(%r)
  %p = sparse_attn.complement %near
  sparse_attn.yield %p
}
func.func @use_far(%q: !t, %l: index, %r: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@far(%l, %r) : (index, index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @outside_64x64
// CHECK:       pairs of band 1 lie in visited tiles proved
// CHECK:       every pair of full range 1 attends proved
sparse_attn.pattern @outside(%l: index, %n: index) {
  %near = sparse_attn.window left(%l) right(%l)
  %sinks = sparse_attn.keys first(%n)
  %seen = sparse_attn.union %near, %sinks
  %p = sparse_attn.complement %seen
  sparse_attn.yield %p
}
func.func @use_outside(%q: !t, %l: index, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@outside(%l, %n) : (index, index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @gaps_64x64
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       proved, 0 refuted, 0 open
sparse_attn.pattern @gaps {
  %every = sparse_attn.stride step(512)
  %p = sparse_attn.complement %every
  sparse_attn.yield %p
}
func.func @use_gaps(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@gaps) : (!t, !t, !t) -> !t
  return %o : !t
}
