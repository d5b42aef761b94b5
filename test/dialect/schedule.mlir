// RUN: sparse-attn-opt %s | sparse-attn-opt | FileCheck %s
// RUN: sparse-attn-opt %s --mlir-print-op-generic | sparse-attn-opt | FileCheck %s

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

sparse_attn.pattern @packed(%ids: memref<?xi32>) {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.schedule @closed_form of(@causal) tile(64, 32) {
// CHECK-NEXT:  ^bb0(%{{.*}}: index, %{{.*}}: index, %[[T:.*]]: index, %[[SQ:.*]]: index, %[[SKV:.*]]: index):
// CHECK-NEXT:    %[[FIRST:.*]], %[[LAST:.*]] = sparse_attn.query_span %[[T]] of %[[SQ]], %[[SKV]]
// CHECK-NEXT:    %[[T0:.*]], %[[T1:.*]] = sparse_attn.touched_tiles keys(%[[FIRST]] to %[[LAST]]) of %[[SKV]]
// CHECK-NEXT:    %[[F0:.*]], %[[F1:.*]] = sparse_attn.whole_tiles keys(%[[FIRST]] to %[[LAST]]) of %[[SKV]]
// CHECK-NEXT:    %[[D:.*]]:2, %[[E:.*]]:2 = sparse_attn.disjoint(%[[T0]], %[[F0]] to %[[T1]], %[[F1]])
// CHECK-NEXT:    %[[P0:.*]], %[[P1:.*]] = sparse_attn.progression 1 step(1024) queries(%[[FIRST]] to %[[LAST]]) within(%[[T0]] to %[[T1]])
// CHECK-NEXT:    %[[C0:.*]], %[[C1:.*]] = sparse_attn.clip(%[[P0]] to %[[P1]] step 32) to(%[[T0]] to %[[T1]])
// CHECK-NEXT:    sparse_attn.ranges touched(%[[D]]#0, %[[D]]#1, %[[C0]] to %[[E]]#0, %[[E]]#1, %[[C1]] step [1, 1, 32]) full(%[[F0]] to %[[F1]])
// CHECK-NEXT:  }
sparse_attn.schedule @closed_form of(@causal) tile(64, 32) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  %first, %last = sparse_attn.query_span %t of %sq, %skv
  %t0, %t1 = sparse_attn.touched_tiles keys(%first to %last) of %skv
  %f0, %f1 = sparse_attn.whole_tiles keys(%first to %last) of %skv
  %d:4 = sparse_attn.disjoint (%t0, %f0 to %t1, %f1)
  %p0, %p1 = sparse_attn.progression 1 step(1024) queries(%first to %last) within(%t0 to %t1)
  %c0, %c1 = sparse_attn.clip (%p0 to %p1 step 32) to(%t0 to %t1)
  sparse_attn.ranges touched(%d#0, %d#1, %c0 to %d#2, %d#3, %c1 step [1, 1, 32]) full(%f0 to %f1)
}

// CHECK-LABEL: sparse_attn.schedule @classes of(@causal) tile(64, 32) modulo(8) {
// CHECK:         %{{.*}}, %[[TILE:.*]], %[[QUERIES:.*]], %[[KEYS:.*]] = sparse_attn.residue_class %{{.*}} of %{{.*}}, %{{.*}}
// CHECK-NEXT:    sparse_attn.query_span %[[TILE]] of %[[QUERIES]], %[[KEYS]]
sparse_attn.schedule @classes of(@causal) tile(64, 32) modulo(8) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  %c, %tile, %queries, %keys = sparse_attn.residue_class %t of %sq, %skv
  %first, %last = sparse_attn.query_span %tile of %queries, %keys
  %t0, %t1 = sparse_attn.touched_tiles keys(%first to %last) of %keys
  sparse_attn.ranges touched(%t0 to %t1 step [1]) full(to)
}

// No range at all.
// CHECK-LABEL: sparse_attn.schedule @empty
// CHECK:         sparse_attn.ranges touched( to  step []) full( to )
sparse_attn.schedule @empty of(@causal) tile(16, 16) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  sparse_attn.ranges touched( to step []) full( to )
}

// CHECK-LABEL: sparse_attn.plan @packed_plan of(@packed) tile(64, 64) {
// CHECK-NEXT:  ^bb0(%{{.*}}: index, %[[IDS:[a-z0-9]*]]: memref<?xi32>):
// CHECK:         %{{.*}}, %{{.*}}, %{{.*}} = sparse_attn.read_bounds %[[IDS]][] from %{{.*}} to %{{.*}} : memref<?xi32>
// CHECK:         sparse_attn.yield %{{.*}}, %{{.*}} : i1, i1
sparse_attn.plan @packed_plan of(@packed) tile(64, 64) {
^bb0(%b: index, %h: index, %q0: index, %q1: index, %k0: index, %k1: index, %sq: index, %skv: index, %ids: memref<?xi32>):
  %min, %max, %inside = sparse_attn.read_bounds %ids[] from %k0 to %k1 : memref<?xi32>
  %all = arith.cmpi eq, %min, %max : i64
  sparse_attn.yield %inside, %all : i1, i1
}

// CHECK-LABEL: sparse_attn.schedule @listed of(@packed) tile(64, 64)
// CHECK:         sparse_attn.listed @packed_plan
sparse_attn.schedule @listed of(@packed) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index, %ids: memref<?xi32>):
  sparse_attn.listed @packed_plan
}

// CHECK-LABEL: func.func @read_bounds_of_a_batch
// CHECK:         sparse_attn.read_bounds %{{.*}}[%{{.*}}] from %{{.*}} to %{{.*}} : memref<?x?xi32>
func.func @read_bounds_of_a_batch(%table: memref<?x?xi32>, %b: index, %first: index, %last: index) {
  %min, %max, %inside = sparse_attn.read_bounds %table[%b] from %first to %last : memref<?x?xi32>
  return
}

sparse_attn.pattern @retrieved(%mask: !sparse_attn.block_mask) {
  %p = sparse_attn.blocks %mask
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.plan @retrieved_plan
// CHECK:         sparse_attn.block_coverage %{{.*}} keys(%{{.*}} to %{{.*}}) : !sparse_attn.block_mask
sparse_attn.plan @retrieved_plan of(@retrieved) tile(64, 64) {
^bb0(%b: index, %h: index, %q0: index, %q1: index, %k0: index, %k1: index, %sq: index, %skv: index, %mask: !sparse_attn.block_mask):
  %any, %all = sparse_attn.block_coverage %mask keys(%k0 to %k1) : !sparse_attn.block_mask
  sparse_attn.yield %any, %all : i1, i1
}
