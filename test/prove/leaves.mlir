// REQUIRES: z3
// RUN: sparse-attn-prove %s | FileCheck %s

// Columns as progressions of tiles, a prefix by batch, patterns by head, segments over all positions.

!t = tensor<?x2x?x64xf32>

// CHECK-LABEL: @fixed_64x16
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       pairs of band 1 lie in visited tiles proved
// CHECK:       touched ranges 1 and 2 share no tile proved
// CHECK:       every pair of full range 0 attends proved
sparse_attn.pattern @fixed {
  %past = sparse_attn.causal
  %chunk = sparse_attn.chunk size(128)
  %columns = sparse_attn.columns every(128) last(8)
  %some = sparse_attn.union %chunk, %columns
  %p = sparse_attn.intersect %past, %some
  sparse_attn.yield %p
}
func.func @use_fixed(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@fixed) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @prefix_64x64
// CHECK:       bounds of band 0 never decrease proved
// CHECK:       every pair of full range 0 attends proved
// CHECK:       whole tiles whose corners attend are full proved
sparse_attn.pattern @prefix(%length: memref<?xi32>) {
  %p = sparse_attn.prefix_lm %length
  sparse_attn.yield %p
}
func.func @use_prefix(%q: !t, %length: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@prefix(%length) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @packed_64x64
// CHECK:       bounds of band 0 never decrease proved
// CHECK:       every pair of full range 0 attends proved
// CHECK:       whole tiles whose corners attend are full proved
sparse_attn.pattern @packed(%offsets: memref<?x?xi32>) {
  %own = sparse_attn.documents offsets(%offsets) : memref<?x?xi32>
  %past = sparse_attn.causal
  %p = sparse_attn.intersect %own, %past
  sparse_attn.yield %p
}
func.func @use_packed(%q: !t, %offsets: memref<?x?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@packed(%offsets) : (memref<?x?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @drafts_64x64
// CHECK:       attending pairs lie in bands proved
// CHECK:       bounds of band 1 never decrease proved
// CHECK:       every pair of full range 0 attends proved
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @drafts(%parents: memref<?xi32>) {
  %p = sparse_attn.tree parents(%parents)
  sparse_attn.yield %p
}
func.func @use_drafts(%q: !t, %parents: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@drafts(%parents) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @heads_64x64
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @heads(%n: index) {
  %past = sparse_attn.causal
  %near = sparse_attn.window left(%n) right(0)
  %p = sparse_attn.per_head [%past, %near]
  sparse_attn.yield %p
}
func.func @use_heads(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@heads(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @powers_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @powers {
  %p = sparse_attn.exponential base(3)
  sparse_attn.yield %p
}
func.func @use_powers(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@powers) : (!t, !t, !t) -> !t
  return %o : !t
}

// One axis has bands; grids of a few tokens stand for others, whose digits take a solver too long.
// CHECK-LABEL: @line_64x64
// CHECK:       attending pairs lie in bands proved
// CHECK:       bounds of band 0 never decrease proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       every pair of full range 0 attends proved
sparse_attn.pattern @line {
  %p = sparse_attn.neighborhood shape(4096) window(200) stride(16)
  sparse_attn.yield %p
}
func.func @use_line(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@line) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @past_line_64x64
// CHECK:       bounds of band 0 never decrease proved
// CHECK:       every pair of full range 0 attends proved
sparse_attn.pattern @past_line {
  %p = sparse_attn.neighborhood shape(4096) window(200) stride(16) causal
  sparse_attn.yield %p
}
func.func @use_past_line(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@past_line) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @image_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @image {
  %p = sparse_attn.neighborhood shape(4, 8) window(3, 3) stride(1, 2) tile(2, 4)
  sparse_attn.yield %p
}
func.func @use_image(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@image) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @dilated_line_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @dilated_line {
  %p = sparse_attn.neighborhood shape(1022) window(30) step(4)
  sparse_attn.yield %p
}
func.func @use_dilated_line(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@dilated_line) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @video_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @video {
  %p = sparse_attn.neighborhood shape(2, 3, 4) window(2, 3, 2) step(1, 1, 2) causal(true, false, false)
  sparse_attn.yield %p
}
func.func @use_video(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@video) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK: proved, 0 refuted, 0 open
