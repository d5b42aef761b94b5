// REQUIRES: z3
// RUN: sparse-attn-prove %s --reindex=false | FileCheck %s

// Strides over all positions: as progressions of tiles, too fine for these, and captured, which has coverage alone.

!t = tensor<?x2x?x64xf32>

// CHECK-LABEL: @stride_64x64
// CHECK:       pairs of band 0 lie in visited tiles, case 0 proved
// CHECK:       pairs of band 0 lie in visited tiles, case 1 proved
// CHECK:       pairs of band 0 fall into these cases proved
// CHECK:       touched ranges 0 and 1 share no tile proved
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @stride {
  %p = sparse_attn.stride step(512)
  sparse_attn.yield %p
}
func.func @use_stride(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@stride) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @stride_fine_64x64
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @stride_fine {
  %p = sparse_attn.stride step(4)
  sparse_attn.yield %p
}
func.func @use_stride_fine(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@stride_fine) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @stride_captured_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @stride_captured(%n: index) {
  %p = sparse_attn.stride step(%n)
  sparse_attn.yield %p
}
func.func @use_stride_captured(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@stride_captured(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @strided_64x64
// CHECK:       pairs of band 2 lie in visited tiles, case 0 proved
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
// CHECK:       {{^}}75 proved, 0 refuted, 0 open;
sparse_attn.pattern @strided(%l: index, %n: index) {
  %past = sparse_attn.causal
  %near = sparse_attn.window left(%l) right(0)
  %first = sparse_attn.keys first(%n)
  %far = sparse_attn.stride step(512)
  %some = sparse_attn.union %near, %first, %far
  %p = sparse_attn.intersect %past, %some
  sparse_attn.yield %p
}
func.func @use_strided(%q: !t, %l: index, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@strided(%l, %n) : (index, index)) : (!t, !t, !t) -> !t
  return %o : !t
}
