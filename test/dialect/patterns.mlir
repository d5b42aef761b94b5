// RUN: sparse-attn-opt %s | sparse-attn-opt | FileCheck %s
// RUN: sparse-attn-opt %s --mlir-print-op-generic | sparse-attn-opt | FileCheck %s

// CHECK-LABEL: sparse_attn.pattern @dense {
// CHECK-NEXT:    %[[P:.*]] = sparse_attn.dense
// CHECK-NEXT:    sparse_attn.yield %[[P]]
// CHECK-NEXT:  }
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @causal
// CHECK:         sparse_attn.causal
sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @window(%{{.*}}: index, %{{.*}}: index) {
sparse_attn.pattern @window(%left: index, %right: index) {
  // CHECK: sparse_attn.window left(256) right(128)
  %both = sparse_attn.window left(256) right(128)
  // CHECK: sparse_attn.window left(-1) right(8)
  %ahead = sparse_attn.window left(-1) right(8)
  // CHECK: sparse_attn.window left(4){{$}}
  %only_left = sparse_attn.window left(4)
  // CHECK: sparse_attn.window right(0)
  %only_right = sparse_attn.window right(0)
  // CHECK: sparse_attn.window{{$}}
  %neither = sparse_attn.window
  // CHECK: sparse_attn.window left(%{{.*}}) right(%{{.*}})
  %captured = sparse_attn.window left(%left) right(%right)
  // CHECK: sparse_attn.window left(%{{.*}}) right(1073741823)
  %mixed = sparse_attn.window left(%left) right(1073741823)
  %p = sparse_attn.union %both, %ahead, %only_left, %only_right, %neither, %captured, %mixed
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @counted(
// CHECK-SAME:    %[[N:.*]]: index)
sparse_attn.pattern @counted(%n: index) {
  // CHECK: sparse_attn.keys first(4)
  %k0 = sparse_attn.keys first(4)
  // CHECK: sparse_attn.keys first(%[[N]])
  %k1 = sparse_attn.keys first(%n)
  // CHECK: sparse_attn.queries first(0)
  %q0 = sparse_attn.queries first(0)
  // CHECK: sparse_attn.queries first(%[[N]])
  %q1 = sparse_attn.queries first(%n)
  // CHECK: sparse_attn.global first(64)
  %g0 = sparse_attn.global first(64)
  // CHECK: sparse_attn.global first(%[[N]])
  %g1 = sparse_attn.global first(%n)
  // CHECK: sparse_attn.chunk size(1024)
  %c0 = sparse_attn.chunk size(1024)
  // CHECK: sparse_attn.chunk size(%[[N]])
  %c1 = sparse_attn.chunk size(%n)
  // CHECK: sparse_attn.stride step(8)
  %s0 = sparse_attn.stride step(8)
  // CHECK: sparse_attn.stride step(%[[N]])
  %s1 = sparse_attn.stride step(%n)
  // CHECK: sparse_attn.random blocks(3) size(64) seed(7)
  %r0 = sparse_attn.random blocks(3) size(64) seed(7)
  // CHECK: sparse_attn.random blocks(%[[N]]) size(1) seed(4294967295)
  %r1 = sparse_attn.random blocks(%n) size(1) seed(4294967295)
  %p = sparse_attn.union %k0, %k1, %q0, %q1, %g0, %g1, %c0, %c1, %s0, %s1, %r0, %r1
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @of_constants
sparse_attn.pattern @of_constants {
  // CHECK: sparse_attn.exponential base(2)
  %e = sparse_attn.exponential base(2)
  // CHECK: sparse_attn.columns every(128) last(8)
  %c = sparse_attn.columns every(128) last(8)
  // CHECK: sparse_attn.segment length(2048) rate(4){{$}}
  %s0 = sparse_attn.segment length(2048) rate(4)
  // CHECK: sparse_attn.segment length(2048) rate(4) shift{{$}}
  %s1 = sparse_attn.segment length(2048) rate(4) shift
  %p = sparse_attn.union %e, %c, %s0, %s1
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @neighborhood
sparse_attn.pattern @neighborhood {
  // CHECK: sparse_attn.neighborhood shape(1024) window(13){{$}}
  %line = sparse_attn.neighborhood shape(1024) window(13)
  // CHECK: sparse_attn.neighborhood shape(64, 48) window(13, 7) step(1, 4) stride(2, 1) tile(8, 16){{$}}
  %image = sparse_attn.neighborhood shape(64, 48) window(13, 7) step(1, 4) stride(2, 1) tile(8, 16)
  // CHECK: sparse_attn.neighborhood shape(16, 32, 32) window(4, 12, 12) causal{{$}}
  %past = sparse_attn.neighborhood shape(16, 32, 32) window(4, 12, 12) causal
  // CHECK: sparse_attn.neighborhood shape(16, 32, 32) window(4, 12, 12) tile(4, 4, 4) causal(true, false, false){{$}}
  %video = sparse_attn.neighborhood shape(16, 32, 32) window(4, 12, 12) tile(4, 4, 4) causal(true, false, false)
  // CHECK: sparse_attn.neighborhood shape(9, 9) window(9, 9) causal{{$}}
  %listed = sparse_attn.neighborhood shape(9, 9) window(9, 9) causal(true, true)
  // CHECK: sparse_attn.neighborhood shape(9) window(4) step(2) stride(4) causal(false) {note = "kept"}
  %odd = sparse_attn.neighborhood shape(9) window(4) step(2) stride(4) causal(false) {note = "kept"}
  %p = sparse_attn.union %line, %image, %past, %video, %listed, %odd
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @prefix_lm(
// CHECK-SAME:    %[[LENGTHS:.*]]: memref<?xi32>)
// CHECK-NEXT:    sparse_attn.prefix_lm %[[LENGTHS]]{{$}}
sparse_attn.pattern @prefix_lm(%lengths: memref<?xi32>) {
  %p = sparse_attn.prefix_lm %lengths
  sparse_attn.yield %p
}

// An index constant may stand for a capture.
// CHECK-LABEL: sparse_attn.pattern @constant
// CHECK:         %[[N:.*]] = arith.constant 4 : index
// CHECK:         sparse_attn.keys first(%[[N]])
sparse_attn.pattern @constant {
  %n = arith.constant 4 : index
  %p = sparse_attn.keys first(%n)
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @algebra
// CHECK:         %[[A:.*]] = sparse_attn.causal
// CHECK:         %[[B:.*]] = sparse_attn.chunk
// CHECK:         %[[NOT:.*]] = sparse_attn.complement %[[B]]
// CHECK:         %[[BOTH:.*]] = sparse_attn.intersect %[[A]], %[[NOT]]
// CHECK:         %[[HEADS:.*]] = sparse_attn.per_head [%[[BOTH]], %[[A]]]
// CHECK:         sparse_attn.union %[[BOTH]], %[[B]], %[[HEADS]]
sparse_attn.pattern @algebra {
  %a = sparse_attn.causal
  %b = sparse_attn.chunk size(16)
  %not = sparse_attn.complement %b
  %both = sparse_attn.intersect %a, %not
  %heads = sparse_attn.per_head [%both, %a]
  %p = sparse_attn.union %both, %b, %heads
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @packed(
// CHECK-SAME:    %[[IDS:.*]]: memref<?xi32>, %[[TABLE:.*]]: memref<?x?xi32>)
sparse_attn.pattern @packed(%document: memref<?xi32>, %table: memref<?x?xi32>) {
  // CHECK: %[[P:.*]] = sparse_attn.predicate (%[[B:.*]], %{{.*}}, %[[Q:.*]], %[[K:.*]]) {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    // CHECK: %[[DQ:.*]] = sparse_attn.read %[[IDS]][%[[Q]]] : memref<?xi32>
    %dq = sparse_attn.read %document[%q] : memref<?xi32>
    // CHECK: %[[DK:.*]] = sparse_attn.read %[[TABLE]][%[[B]], %[[K]]] : memref<?x?xi32>
    %dk = sparse_attn.read %table[%b, %k] : memref<?x?xi32>
    // CHECK: %[[E:.*]] = arith.cmpi eq, %[[DQ]], %[[DK]] : i32
    %equal = arith.cmpi eq, %dq, %dk : i32
    // CHECK: sparse_attn.yield %[[E]] : i1
    sparse_attn.yield %equal : i1
  }
  // CHECK: sparse_attn.yield %[[P]]
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @whole(%{{.*}}: index) {
sparse_attn.pattern @whole(%n: index) {
  %p = sparse_attn.keys first(%n)
  sparse_attn.yield %p
}
// CHECK-LABEL: sparse_attn.pattern @part(%{{.*}}: index) part_of(@whole) attributes {note = "all"} {
sparse_attn.pattern @part(%n: index) part_of(@whole) attributes {note = "all"} {
  %p = sparse_attn.keys first(%n)
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @annotated attributes {note = "local"}
// CHECK:         sparse_attn.causal {note = 1 : i64}
// CHECK:         sparse_attn.predicate (%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) attributes {note = 2 : i64} {
sparse_attn.pattern @annotated attributes {note = "local"} {
  %a = sparse_attn.causal {note = 1 : i64}
  %b = sparse_attn.predicate (%b, %h, %q, %k) attributes {note = 2 : i64} {
    %true = arith.constant true
    sparse_attn.yield %true : i1
  }
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}

// CHECK-LABEL: func.func @random_rank
func.func @random_rank(%block: i32, %n: i32, %b: i32, %h: i32, %row: i32, %blocks: vector<8xi32>, %rows: vector<8xi32>) {
  // CHECK: sparse_attn.random_rank %{{.*}} in %{{.*}} seed(7) row(%{{.*}}, %{{.*}}, %{{.*}}) : i32, i32 -> i32
  %scalar = sparse_attn.random_rank %block in %n seed(7) row(%b, %h, %row) : i32, i32 -> i32
  // CHECK: sparse_attn.random_rank {{.*}} : vector<8xi32>, vector<8xi32> -> vector<8xi32>
  %vector = sparse_attn.random_rank %blocks in %n seed(7) row(%b, %h, %rows) : vector<8xi32>, vector<8xi32> -> vector<8xi32>
  return
}

// CHECK-LABEL: sparse_attn.pattern @documents(
sparse_attn.pattern @documents(%offsets: memref<?xi32>, %ids: memref<?x?xi32>) {
  // CHECK: sparse_attn.documents offsets(%{{[a-z0-9]*}}){{$}}
  %a = sparse_attn.documents offsets(%offsets)
  // CHECK: sparse_attn.documents ids(%{{.*}}) : memref<?x?xi32>
  %same = sparse_attn.documents ids(%ids) : memref<?x?xi32>
  // CHECK: sparse_attn.predicate (%[[B:.*]], %{{.*}}, %[[Q:.*]], %{{.*}}) {
  %c = sparse_attn.predicate (%b, %h, %q, %k) {
    // CHECK: sparse_attn.upper_bound %{{.*}}[] of %[[Q]] : memref<?xi32>
    %one = sparse_attn.upper_bound %offsets[] of %q : memref<?xi32>
    // CHECK: sparse_attn.upper_bound %{{.*}}[%[[B]]] of %[[Q]] : memref<?x?xi32>
    %other = sparse_attn.upper_bound %ids[%b] of %q : memref<?x?xi32>
    %equal = arith.cmpi eq, %one, %other : index
    sparse_attn.yield %equal : i1
  }
  %p = sparse_attn.intersect %a, %same, %c
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @tree(
sparse_attn.pattern @tree(%parents: memref<?xi32>, %of_batch: memref<?x?xi32>) {
  // CHECK: sparse_attn.tree parents(%{{[a-z0-9]*}}){{$}}
  %one = sparse_attn.tree parents(%parents)
  // CHECK: sparse_attn.tree parents(%{{.*}}) : memref<?x?xi32>
  %other = sparse_attn.tree parents(%of_batch) : memref<?x?xi32>
  %p = sparse_attn.intersect %one, %other
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.pattern @vertical_slash(
sparse_attn.pattern @vertical_slash(%c: memref<?xi32>, %d: memref<?xi32>, %hc: memref<?x?x?xi32>, %hd: memref<?x?x?xi32>) {
  // CHECK: sparse_attn.vertical_slash columns(%{{.*}}) diagonals(%{{[a-z0-9]*}}){{$}}
  %all = sparse_attn.vertical_slash columns(%c) diagonals(%d)
  // CHECK: sparse_attn.vertical_slash columns(%{{.*}}) diagonals(%{{.*}}) : memref<?x?x?xi32>
  %own = sparse_attn.vertical_slash columns(%hc) diagonals(%hd) : memref<?x?x?xi32>
  %p = sparse_attn.union %all, %own
  sparse_attn.yield %p
}

// CHECK-LABEL: func.func private @types
// CHECK-SAME:    !sparse_attn.pattern, !sparse_attn.visit, !sparse_attn.tile<64x128xf32>, !sparse_attn.tile<64xbf16>
func.func private @types(!sparse_attn.pattern, !sparse_attn.visit, !sparse_attn.tile<64x128xf32>, !sparse_attn.tile<64xbf16>)

// CHECK-LABEL: sparse_attn.pattern @blocks(%{{.*}}: !sparse_attn.block_mask, %{{.*}}: !sparse_attn.block_mask<16x256>)
sparse_attn.pattern @blocks(%mask: !sparse_attn.block_mask<64x64>, %fine: !sparse_attn.block_mask<16x256>) {
  // CHECK: sparse_attn.blocks %{{[a-z0-9]*$}}
  %coarse = sparse_attn.blocks %mask
  // CHECK: sparse_attn.blocks %{{.*}} : !sparse_attn.block_mask<16x256>
  %other = sparse_attn.blocks %fine : !sparse_attn.block_mask<16x256>
  %p = sparse_attn.union %coarse, %other
  sparse_attn.yield %p
}

// CHECK-LABEL: func.func @block_active
func.func @block_active(%mask: !sparse_attn.block_mask, %row: index, %key: index) -> i1 {
  // CHECK: sparse_attn.block_active %{{.*}}[%{{.*}}, %{{.*}}] : !sparse_attn.block_mask
  %active = sparse_attn.block_active %mask[%row, %key] : !sparse_attn.block_mask
  return %active : i1
}
