// RUN: sparse-attn-opt %s | sparse-attn-opt | FileCheck %s
// RUN: sparse-attn-opt %s --mlir-print-op-generic | sparse-attn-opt | FileCheck %s

!array = memref<1x2x?x16xf32, strided<[?, ?, ?, 1], offset: ?>>
!sums = memref<1x2x?xf32, strided<[?, ?, ?], offset: ?>>
!queries = !sparse_attn.tile<64x16xf32>
!keys = !sparse_attn.tile<32x16xf32>
!scores = !sparse_attn.tile<64x32xf32>
!rows = !sparse_attn.tile<64xf32>

sparse_attn.pattern @causal {
  %past = sparse_attn.causal
  sparse_attn.yield %past
}
sparse_attn.schedule @causal_64x32 of(@causal) tile(64, 32) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  sparse_attn.ranges touched(%b to %b step [1]) full(%b to %b)
}

// CHECK-LABEL: sparse_attn.kernel @kernel of(@causal) tile(64, 32) scale(0.25) lse {
// CHECK-NEXT:  ^bb0({{.*}}>>, %[[B:[a-z0-9]*]]: index, %[[H:[a-z0-9]*]]: index, %[[T:[a-z0-9]*]]: index):
sparse_attn.kernel @kernel of(@causal) tile(64, 32) scale(0.25) lse {
^bb0(%q: !array, %k: !array, %v: !array, %n: index, %o: !array, %sums: !sums, %b: index, %h: index, %t: index):
  %length = arith.constant 128 : index
  // CHECK: %[[V:.*]] = sparse_attn.visit @causal_64x32(%[[B]], %[[H]], %[[T]], %[[LENGTH:.*]], %[[LENGTH]]) : index, index, index, index, index
  %visit = sparse_attn.visit @causal_64x32(%b, %h, %t, %length, %length) : index, index, index, index, index
  // CHECK: %[[Q:.*]] = sparse_attn.load %{{.*}}[%[[B]], %[[H]], %[[T]]] : memref<1x2x?x16xf32, strided<[?, ?, ?, 1], offset: ?>> -> <64x16xf32>
  %qt = sparse_attn.load %q[%b, %h, %t] : !array -> !queries
  // CHECK: %[[M0:.*]], %[[L0:.*]], %[[A0:.*]] = sparse_attn.softmax_init : <64xf32>, <64xf32>, <64x16xf32>
  %m0, %l0, %a0 = sparse_attn.softmax_init : !rows, !rows, !queries
  // CHECK: %[[LOOP:.*]]:3 = sparse_attn.for_each_key_tile %[[V]] state(%[[M0]], %[[L0]], %[[A0]])
  // CHECK-SAME: : !sparse_attn.tile<64xf32>, !sparse_attn.tile<64xf32>, !sparse_attn.tile<64x16xf32> -> !sparse_attn.tile<64xf32>, !sparse_attn.tile<64xf32>, !sparse_attn.tile<64x16xf32> {
  %m, %l, %a = sparse_attn.for_each_key_tile %visit state(%m0, %l0, %a0) : !rows, !rows, !queries -> !rows, !rows, !queries {
  // CHECK-NEXT: ^bb0(%{{.*}}: index, %[[J:.*]]: index, %[[PARTIAL:.*]]: i1,
  ^bb0(%rank: index, %j: index, %partial: i1, %mi: !rows, %li: !rows, %ai: !queries):
    %kt = sparse_attn.load %k[%b, %h, %j] : !array -> !keys
    // CHECK: %[[S:.*]] = sparse_attn.scores %[[Q]], %{{.*}} scale(0.25) : <64x16xf32>, <32x16xf32> -> <64x32xf32>
    %s = sparse_attn.scores %qt, %kt scale(0.25) : !queries, !keys -> !scores
    // CHECK: %[[SM:.*]] = sparse_attn.mask %[[S]] when %[[PARTIAL]] at(%[[T]], %[[J]]) of(%{{.*}}, %{{.*}}) : <64x32xf32> {
    // CHECK-NEXT: ^bb0(%[[QP:.*]]: index, %[[KP:.*]]: index):
    // CHECK-NEXT: %[[ATTENDS:.*]] = arith.cmpi sle, %[[KP]], %[[QP]] : index
    // CHECK-NEXT: sparse_attn.yield %[[ATTENDS]] : i1
    %sm = sparse_attn.mask %s when %partial at(%t, %j) of(%length, %length) : !scores {
    ^bb0(%qp: index, %kp: index):
      %attends = arith.cmpi sle, %kp, %qp : index
      sparse_attn.yield %attends : i1
    }
    // CHECK: %[[M1:.*]], %[[L1:.*]], %[[W:.*]], %[[C:.*]] = sparse_attn.online_softmax %[[SM]], %{{.*}}, %{{.*}} : <64x32xf32>, <64xf32>
    %m1, %l1, %weights, %correction = sparse_attn.online_softmax %sm, %mi, %li : !scores, !rows
    // CHECK: %[[R:.*]] = sparse_attn.rescale %{{.*}}, %[[C]] : <64x16xf32>, <64xf32>
    %ar = sparse_attn.rescale %ai, %correction : !queries, !rows
    %vt = sparse_attn.load %v[%b, %h, %j] : !array -> !keys
    // CHECK: %[[A1:.*]] = sparse_attn.accumulate %[[W]], %{{.*}}, %[[R]] : <64x32xf32>, <32x16xf32>, <64x16xf32>
    %a1 = sparse_attn.accumulate %weights, %vt, %ar : !scores, !keys, !queries
    // CHECK: sparse_attn.yield %[[M1]], %[[L1]], %[[A1]] : !sparse_attn.tile<64xf32>, !sparse_attn.tile<64xf32>, !sparse_attn.tile<64x16xf32>
    sparse_attn.yield %m1, %l1, %a1 : !rows, !rows, !queries
  }
  // CHECK: %[[O:.*]], %[[LSE:.*]] = sparse_attn.finalize %[[LOOP]]#2, %[[LOOP]]#0, %[[LOOP]]#1 : <64x16xf32>, <64xf32>
  %out, %lse = sparse_attn.finalize %a, %m, %l : !queries, !rows
  // CHECK: sparse_attn.store %[[O]], %{{.*}}[%[[B]], %[[H]], %[[T]]] : <64x16xf32>, memref<1x2x?x16xf32, strided<[?, ?, ?, 1], offset: ?>>
  sparse_attn.store %out, %o[%b, %h, %t] : !queries, !array
  // CHECK: sparse_attn.store %[[LSE]], %{{.*}}[%[[B]], %[[H]], %[[T]]] : <64xf32>, memref<1x2x?xf32, strided<[?, ?, ?], offset: ?>>
  sparse_attn.store %lse, %sums[%b, %h, %t] : !rows, !sums
  // CHECK: sparse_attn.return
  sparse_attn.return
}

// A score region as an op of its own: captures, then the score and the positions of its pair.
// CHECK-LABEL: sparse_attn.score @biased {
// CHECK-NEXT:  ^bb0(%[[SLOPES:.*]]: memref<?xf32>, %[[N:.*]]: index, %[[S:.*]]: f32, %{{.*}}: index, %[[H:.*]]: index, %{{.*}}: index, %{{.*}}: index):
// CHECK-NEXT:    %[[SLOPE:.*]] = sparse_attn.read %[[SLOPES]][%[[H]]] : memref<?xf32>
// CHECK-NEXT:    %[[NEW:.*]] = arith.addf %[[S]], %[[SLOPE]] : f32
// CHECK-NEXT:    sparse_attn.yield %[[NEW]] : f32
sparse_attn.score @biased {
^bb0(%slopes: memref<?xf32>, %n: index, %s: f32, %b: index, %h: index, %i: index, %j: index):
  %slope = sparse_attn.read %slopes[%h] : memref<?xf32>
  %new = arith.addf %s, %slope : f32
  sparse_attn.yield %new : f32
}

// CHECK-LABEL: sparse_attn.kernel @modifies of(@causal) tile(64, 32) scale(0.25) score(@biased) lse modulo(2) {
sparse_attn.kernel @modifies of(@causal) tile(64, 32) scale(0.25) score(@biased) lse modulo(2) {
^bb0(%q: !array, %k: !array, %v: !array, %slopes: memref<?xf32>, %n: index, %o: !array, %sums: !sums, %b: index, %h: index, %t: index):
  sparse_attn.return
}

// CHECK-LABEL: func.func @modified(
// CHECK-SAME:    %[[S:.*]]: !sparse_attn.tile<64x32xf32>, %[[T:.*]]: index, %[[J:.*]]: index, %[[SQ:.*]]: index, %[[SKV:.*]]: index, %[[SLOPE:.*]]: f32)
// CHECK-NEXT:    sparse_attn.score_mod %[[S]] at(%[[T]], %[[J]]) of(%[[SQ]], %[[SKV]]) : <64x32xf32> {
// CHECK-NEXT:    ^bb0(%[[SCORE:.*]]: f32, %[[QP:.*]]: index, %[[KP:.*]]: index):
// CHECK-NEXT:      %[[NEW:.*]] = arith.mulf %[[SCORE]], %[[SLOPE]] : f32
// CHECK-NEXT:      sparse_attn.yield %[[NEW]] : f32
// CHECK-NEXT:    }
func.func @modified(%s: !scores, %t: index, %j: index, %sq: index, %skv: index, %slope: f32) -> !scores {
  %new = sparse_attn.score_mod %s at(%t, %j) of(%sq, %skv) : !scores {
  ^bb0(%score: f32, %qp: index, %kp: index):
    %scaled = arith.mulf %score, %slope : f32
    sparse_attn.yield %scaled : f32
  }
  return %new : !scores
}
