// REQUIRES: z3
// RUN: sparse-attn-prove %s | FileCheck %s

// Patterns that look at bits, of distances or of tables: what a plan lists is their coverage.

!t = tensor<?x2x?x64xf32>
!lines = memref<?x?x?xi32>

// CHECK-LABEL: @twos_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @twos {
  %past = sparse_attn.causal
  %powers = sparse_attn.exponential base(2)
  %p = sparse_attn.intersect %past, %powers
  sparse_attn.yield %p
}
func.func @use_twos(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@twos) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @fours_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @fours {
  %p = sparse_attn.exponential base(4)
  sparse_attn.yield %p
}
func.func @use_fours(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@fours) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @lines_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @lines(%columns: !lines, %diagonals: !lines) {
  %p = sparse_attn.vertical_slash columns(%columns) diagonals(%diagonals) : !lines
  sparse_attn.yield %p
}
func.func @use_lines(%q: !t, %columns: !lines, %diagonals: !lines) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@lines(%columns, %diagonals) : (!lines, !lines)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @lines_and_window_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
// CHECK:       {{^}}8 proved, 0 refuted, 0 open;
sparse_attn.pattern @lines_and_window(%columns: memref<?xi32>, %diagonals: memref<?xi32>, %n: index) {
  %lines = sparse_attn.vertical_slash columns(%columns) diagonals(%diagonals) : memref<?xi32>
  %near = sparse_attn.window left(%n) right(0)
  %p = sparse_attn.union %lines, %near
  sparse_attn.yield %p
}
func.func @use_lines_and_window(%q: !t, %columns: memref<?xi32>, %diagonals: memref<?xi32>, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@lines_and_window(%columns, %diagonals, %n) : (memref<?xi32>, memref<?xi32>, index)) : (!t, !t, !t) -> !t
  return %o : !t
}
