// REQUIRES: z3
// RUN: sparse-attn-prove %s | FileCheck %s
// RUN: sparse-attn-prove %s --tile-q=128 --tile-k=32 | FileCheck %s --check-prefix=OTHER
// OTHER: {{^}}{{[1-9][0-9]*}} proved, 0 refuted, 0 open

// Attention within residue classes. Patterns that have been taken apart come first.

// CHECK-LABEL: @beside{{$}}
// CHECK:       pairs attend where those of a part do proved
// CHECK:       @beside_others and @beside_dilated share no pair proved
// CHECK-LABEL: @branches{{$}}
// CHECK:       pairs attend where those of a part do proved
// CHECK:       @branches_others and @branches_dilated share no pair proved

!t = tensor<?x2x?x64xf32>

// CHECK-LABEL: @dilated_64x64_modulo8
// CHECK:       pairs of two classes do not attend proved
// CHECK:       pairs of a class attend as all others do proved
// CHECK:       query tiles are of classes proved
// CHECK:       every row is of some query tile proved
// CHECK:       no row is of two query tiles proved
// CHECK:       keys of a class are those of its queries proved
// CHECK:       attending pairs lie in bands proved
// CHECK:       pairs of band 0 attend proved
// CHECK:       bounds of band 0 never decrease proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       tiles of touched range 0 exist proved
// CHECK:       every pair of full range 0 attends proved
// CHECK:       full range 0 is touched proved
// CHECK:       tiles without queries visit none proved
// CHECK:       whole tiles whose corners attend are full proved
sparse_attn.pattern @dilated(%n: index) {
  %window = sparse_attn.window left(%n) right(%n)
  %eighth = sparse_attn.stride step(8)
  %p = sparse_attn.intersect %window, %eighth
  sparse_attn.yield %p
}
func.func @use_dilated(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@dilated(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// Of heads that pick other classes no tile is touched.
// CHECK-LABEL: @segment_64x64_modulo4
// CHECK:       pairs of a class attend as all others do proved
// CHECK:       pairs of band 0 attend proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       every pair of full range 0 attends proved
// CHECK:       tiles of touched range 0 hold a pair that attends proved
// CHECK:       whole tiles whose corners attend are full proved
sparse_attn.pattern @segment {
  %p = sparse_attn.segment length(100) rate(4) shift
  sparse_attn.yield %p
}
func.func @use_segment(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@segment) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @third_64x64_modulo3
// CHECK:       query tiles are of classes proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       tiles of touched range 0 hold a pair that attends proved
// CHECK:       whole tiles whose corners attend are full proved
sparse_attn.pattern @third {
  %past = sparse_attn.causal
  %stride = sparse_attn.stride step(3)
  %p = sparse_attn.intersect %past, %stride
  sparse_attn.yield %p
}
func.func @use_third(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@third) : (!t, !t, !t) -> !t
  return %o : !t
}

// What is a stride within the class as well is one of tiles there: 4096 is 1024 places.
// CHECK-LABEL: @strides_64x64_modulo4
// CHECK:       pairs of two classes do not attend proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       pairs of band 1 lie in visited tiles, case 0 proved
// CHECK:       pairs of band 1 lie in visited tiles, case 1 proved
// CHECK:       pairs of band 1 fall into these cases proved
// CHECK:       touched ranges 0 and 1 share no tile proved
sparse_attn.pattern @strides(%n: index) {
  %near = sparse_attn.window left(%n) right(0)
  %fine = sparse_attn.stride step(4)
  %some = sparse_attn.intersect %near, %fine
  %far = sparse_attn.stride step(4096)
  %p = sparse_attn.union %some, %far
  sparse_attn.yield %p
}
func.func @use_strides(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@strides(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @heads_64x64_modulo2
// CHECK:       pairs of two classes do not attend proved
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK:       every pair of full range 0 attends proved
sparse_attn.pattern @heads {
  %local = sparse_attn.segment length(256) rate(2)
  %wide = sparse_attn.segment length(1024) rate(8) shift
  %p = sparse_attn.per_head [%local, %wide]
  sparse_attn.yield %p
}
func.func @use_heads(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@heads) : (!t, !t, !t) -> !t
  return %o : !t
}

// A union in two: the parts are apart, and together they are the union.
// CHECK-LABEL: @beside_others_64x64
// CHECK:       pairs of band 0 lie in visited tiles proved
// CHECK-LABEL: @beside_dilated_64x64_modulo4
// CHECK:       pairs of two classes do not attend proved
// CHECK:       every row is of some query tile proved
sparse_attn.pattern @beside(%n: index) {
  %past = sparse_attn.causal
  %near = sparse_attn.window left(%n) right(0)
  %eight = sparse_attn.stride step(8)
  %twelve = sparse_attn.stride step(12)
  %any = sparse_attn.union %eight, %near, %twelve
  %p = sparse_attn.intersect %past, %any
  sparse_attn.yield %p
}
func.func @use_beside(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@beside(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @branches_others_64x64
// CHECK:       every pair of full range 0 attends proved
// CHECK-LABEL: @branches_dilated_64x64_modulo4
// CHECK:       pairs of band 1 lie in visited tiles proved
// CHECK:       every pair of full range 1 attends proved
sparse_attn.pattern @branches {
  %local = sparse_attn.segment length(256) rate(1)
  %wide = sparse_attn.segment length(1024) rate(4) shift
  %p = sparse_attn.union %local, %wide
  sparse_attn.yield %p
}
func.func @use_branches(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@branches) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK: {{^}}{{[1-9][0-9]*}} proved, 0 refuted, 0 open
