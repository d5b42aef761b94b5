// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks=tile-q=32 --sparse-attn-fuse-softmax --canonicalize --cse | FileCheck %s

!t = tensor<1x4x?x16xf32>
!kv = tensor<1x2x?x16xf32>
!lse = tensor<1x4x?xf32>
!offsets = tensor<?xi64>
!indices = tensor<?x2xi32>
!values = tensor<?x64x32xf32>

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

// Weights are stored by rows of blocks of the size of the values, whatever tiles are asked for elsewhere.
// CHECK-LABEL: sparse_attn.kernel @weights_0 weights of(@causal) tile(64, 32) scale(0.25) {
// CHECK-NEXT:  ^bb0(%[[Q:.*]]: memref<?x4x?x16xf32, {{.*}}>, %[[K:.*]]: memref<?x2x?x16xf32, {{.*}}>, %[[L:.*]]: memref<?x4x?xf32, {{.*}}>, %[[O:.*]]: memref<?x64x32xf32, strided<[?, ?, 1], offset: ?>>, %[[B:[a-z]*]]: index, %[[H:[a-z]*]]: index, %[[T:[a-z]*]]: index):
// CHECK-DAG:     %[[SQ:.*]] = memref.dim %[[Q]]
// CHECK-DAG:     %[[SKV:.*]] = memref.dim %[[K]]
// CHECK-DAG:     %[[HK:.*]] = arith.divui %[[H]], %{{.*}} : index
// CHECK-DAG:     %[[QT:.*]] = sparse_attn.load %[[Q]][%[[B]], %[[H]], %[[T]]] : {{.*}} -> <64x16xf32>
// CHECK-DAG:     %[[LT:.*]] = sparse_attn.load %[[L]][%[[B]], %[[H]], %[[T]]] : {{.*}} -> <64xf32>
// CHECK:         sparse_attn.for_each_block of @causal_64x32 {
// CHECK-NEXT:    ^bb0(%[[N:.*]]: index, %[[J:.*]]: index, %[[PARTIAL:.*]]: i1):
// CHECK-NEXT:      %[[KT:.*]] = sparse_attn.load %[[K]][%[[B]], %[[HK]], %[[J]]] : {{.*}} -> <32x16xf32>
// CHECK-NEXT:      %[[S:.*]] = sparse_attn.scores %[[QT]], %[[KT]] scale(0.25)
// CHECK-NEXT:      %[[MASKED:.*]] = sparse_attn.mask %[[S]] when %[[PARTIAL]] at(%[[T]], %[[J]]) of(%[[SQ]], %[[SKV]])
// CHECK:           %[[W:.*]] = sparse_attn.weights_of %[[MASKED]], %[[LT]]
// CHECK-NEXT:      sparse_attn.store_block %[[W]], %[[O]][%[[N]]] at(%[[T]])
// CHECK-NEXT:      sparse_attn.yield
// CHECK-NEXT:    }
// CHECK-NEXT:    sparse_attn.return
// CHECK-LABEL: func.func @weights(
// CHECK-SAME:    %[[Q:.*]]: tensor<1x4x?x16xf32>, %[[K:.*]]: tensor<1x2x?x16xf32>, %[[L:.*]]: tensor<1x4x?xf32>)
// CHECK-NEXT:    %[[R:.*]]:3 = sparse_attn.launch_blocks @weights_0(%[[Q]], %[[K]], %[[L]])
// CHECK-NEXT:    return %[[R]]#0, %[[R]]#1, %[[R]]#2
func.func @weights(%q: !t, %k: !kv, %lse: !lse) -> (!offsets, !indices, !values) {
  %p, %i, %v = sparse_attn.weights %q, %k, %lse pattern(@causal) : (!t, !kv, !lse) -> (!offsets, !indices, !values)
  return %p, %i, %v : !offsets, !indices, !values
}

// Sums go by columns: the item is a tile of keys, and the loop goes over those of queries.
// CHECK-LABEL: sparse_attn.kernel @sums_0 column_sums of(@causal) tile(32, 64) scale(0.5) score(@sums_0_score) {
// CHECK-NEXT:  ^bb0(%[[Q:.*]]: memref<?x4x?x16xf32, {{.*}}>, %[[K:.*]]: memref<?x2x?x16xf32, {{.*}}>, %[[L:.*]]: memref<?x4x?xf32, {{.*}}>, %{{.*}}: index, %[[O:.*]]: memref<?x4x?xf32, {{.*}}>, %[[B:[a-z]*]]: index, %[[H:[a-z]*]]: index, %[[T:[a-z]*]]: index):
// CHECK-DAG:     %[[KT:.*]] = sparse_attn.load %[[K]][%[[B]], %{{.*}}, %[[T]]] : {{.*}} -> <64x16xf32>
// CHECK-DAG:     %[[NONE:.*]] = sparse_attn.no_sums : <64xf32>
// CHECK:         %[[ALL:.*]] = sparse_attn.for_each_block of @causal_32x64 state(%[[NONE]])
// CHECK-NEXT:    ^bb0(%{{.*}}: index, %[[I:.*]]: index, %[[PARTIAL:.*]]: i1, %[[BEFORE:.*]]: !sparse_attn.tile<64xf32>):
// CHECK-NEXT:      %[[QT:.*]] = sparse_attn.load %[[Q]][%[[B]], %[[H]], %[[I]]] : {{.*}} -> <32x16xf32>
// CHECK-NEXT:      %[[LT:.*]] = sparse_attn.load %[[L]][%[[B]], %[[H]], %[[I]]] : {{.*}} -> <32xf32>
// CHECK-NEXT:      %[[S:.*]] = sparse_attn.scores %[[QT]], %[[KT]] scale(0.5)
// CHECK-NEXT:      %[[NEW:.*]] = sparse_attn.score_mod %[[S]] at(%[[I]], %[[T]])
// CHECK:           %[[MASKED:.*]] = sparse_attn.mask %[[NEW]] when %[[PARTIAL]] at(%[[I]], %[[T]])
// CHECK:           %[[W:.*]] = sparse_attn.weights_of %[[MASKED]], %[[LT]]
// CHECK-NEXT:      %[[AFTER:.*]] = sparse_attn.add_columns %[[W]], %[[BEFORE]] at(%[[I]])
// CHECK-NEXT:      sparse_attn.yield %[[AFTER]]
// CHECK-NEXT:    }
// CHECK-NEXT:    sparse_attn.store %[[ALL]], %[[O]][%[[B]], %[[H]], %[[T]]]
// CHECK-NEXT:    sparse_attn.return
// CHECK-LABEL: func.func @sums(
// CHECK-SAME:    %[[Q:.*]]: tensor<1x4x?x16xf32>, %[[K:.*]]: tensor<1x2x?x16xf32>, %[[L:.*]]: tensor<1x4x?xf32>, %[[SINK:.*]]: index)
// CHECK-NEXT:    %[[R:.*]] = sparse_attn.launch_blocks @sums_0(%[[Q]], %[[K]], %[[L]]) captures(%[[SINK]])
// CHECK-NEXT:    return %[[R]]
func.func @sums(%q: !t, %k: !kv, %lse: !lse, %sink: index) -> !lse {
  %s = sparse_attn.column_sums %q, %k, %lse pattern(@causal) scale(0.5) score (%s, %b, %h, %i, %j) {
    %is_sink = arith.cmpi slt, %j, %sink : index
    %bounded = math.tanh %s : f32
    %new = arith.select %is_sink, %s, %bounded : f32
    sparse_attn.yield %new : f32
  } : (!t, !kv, !lse) -> !lse
  return %s : !lse
}
