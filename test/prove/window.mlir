// REQUIRES: z3
// RUN: sparse-attn-prove %s | FileCheck %s

// Windows of all forms. The sizes of the first are captured: it is proved for any.

!t = tensor<?x2x?x64xf32>

// CHECK-LABEL: @window_64x64
// CHECK:       attending pairs lie in bands proved
// CHECK:       pairs of band 0 attend proved
// CHECK:       bounds of band 0 never decrease proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       tiles of touched range 0 exist proved
// CHECK:       every pair of full range 0 attends proved
// CHECK:       full range 0 is touched proved
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @window(%l: index, %r: index) {
  %p = sparse_attn.window left(%l) right(%r)
  sparse_attn.yield %p
}
func.func @use_window(%q: !t, %l: index, %r: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@window(%l, %r) : (index, index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @window_constant_64x64
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
sparse_attn.pattern @window_constant {
  %p = sparse_attn.window left(256) right(3)
  sparse_attn.yield %p
}
func.func @use_window_constant(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@window_constant) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @window_left_64x64
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
sparse_attn.pattern @window_left(%l: index) {
  %p = sparse_attn.window left(%l)
  sparse_attn.yield %p
}
func.func @use_window_left(%q: !t, %l: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@window_left(%l) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @window_right_64x64
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
sparse_attn.pattern @window_right(%r: index) {
  %p = sparse_attn.window right(%r)
  sparse_attn.yield %p
}
func.func @use_window_right(%q: !t, %r: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@window_right(%r) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @window_ahead_64x64
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
// CHECK:       {{^}}54 proved, 0 refuted, 0 open, 1 not shown to be tight;
sparse_attn.pattern @window_ahead {
  %p = sparse_attn.window left(-5) right(20)
  sparse_attn.yield %p
}
func.func @use_window_ahead(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@window_ahead) : (!t, !t, !t) -> !t
  return %o : !t
}
