// REQUIRES: z3
// RUN: sparse-attn-prove %s | FileCheck %s

// Chunks that the tile divides, that it does not, and of a size that is captured.

!t = tensor<?x2x?x64xf32>

// CHECK-LABEL: @chunk_64x64
// CHECK:       attending pairs lie in bands proved
// CHECK:       pairs of band 0 attend proved
// CHECK:       bounds of band 0 never decrease proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       tiles of touched range 0 exist proved
// CHECK:       every pair of full range 0 attends proved
// CHECK:       full range 0 is touched proved
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @chunk {
  %p = sparse_attn.chunk size(128)
  sparse_attn.yield %p
}
func.func @use_chunk(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@chunk) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @chunk_ragged_64x64
// CHECK:       attending pairs lie in bands proved
// CHECK:       pairs of band 0 attend proved
// CHECK:       bounds of band 0 never decrease proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       tiles of touched range 0 exist proved
// CHECK:       every pair of full range 0 attends proved
// CHECK:       full range 0 is touched proved
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @chunk_ragged {
  %p = sparse_attn.chunk size(100)
  sparse_attn.yield %p
}
func.func @use_chunk_ragged(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@chunk_ragged) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @chunk_captured_64x64
// CHECK:       attending pairs lie in bands proved
// CHECK:       pairs of band 0 attend proved
// CHECK:       bounds of band 0 never decrease proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       tiles of touched range 0 exist proved
// CHECK:       every pair of full range 0 attends proved
// CHECK:       full range 0 is touched proved
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @chunk_captured(%n: index) {
  %p = sparse_attn.chunk size(%n)
  sparse_attn.yield %p
}
func.func @use_chunk_captured(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@chunk_captured(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}
