// RUN: sparse-attn-opt %s | sparse-attn-opt | FileCheck %s
// RUN: sparse-attn-opt %s --mlir-print-op-generic | sparse-attn-opt | FileCheck %s

!q = tensor<?x8x?x64xbf16>
!k = tensor<?x2x?x64xbf16>
!l = tensor<?x8x?xf32>
!offsets = tensor<?xi64>
!indices = tensor<?x2xi32>
!values = tensor<?x64x32xf32>

!queries = memref<?x8x?x64xbf16, strided<[?, ?, ?, 1], offset: ?>>
!keys = memref<?x2x?x64xbf16, strided<[?, ?, ?, 1], offset: ?>>
!sums = memref<?x8x?xf32, strided<[?, ?, ?], offset: ?>>
!blocks = memref<?x64x32xf32, strided<[?, ?, 1], offset: ?>>
!query_tile = !sparse_attn.tile<64x64xbf16>
!key_tile = !sparse_attn.tile<32x64xbf16>
!scores = !sparse_attn.tile<64x32xf32>
!rows = !sparse_attn.tile<64xf32>
!columns = !sparse_attn.tile<32xf32>

sparse_attn.pattern @near(%width: index) {
  %p = sparse_attn.window left(%width)
  sparse_attn.yield %p
}
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
sparse_attn.schedule @dense_64x32 of(@dense) tile(64, 32) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  sparse_attn.ranges touched(%b to %skv step [1]) full(%b to %b)
}

// CHECK-LABEL: func.func @weights(
// CHECK-SAME:    %[[Q:.*]]: tensor<?x8x?x64xbf16>, %[[K:.*]]: tensor<?x2x?x64xbf16>, %[[L:.*]]: tensor<?x8x?xf32>, %[[W:.*]]: index)
// CHECK:         %{{.*}}:3 = sparse_attn.weights %[[Q]], %[[K]], %[[L]] pattern(@dense) : (tensor<?x8x?x64xbf16>, tensor<?x2x?x64xbf16>, tensor<?x8x?xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x32xf32>)
// CHECK:         %{{.*}}:3 = sparse_attn.weights %[[Q]], %[[K]], %[[L]] pattern(@near(%[[W]]) : (index)) scale(0.5) {note = 1 : i64} :
// CHECK:         sparse_attn.weights %[[Q]], %[[K]], %[[L]] pattern(@dense) scale(0.5) schedule(@dense_64x32) score (%[[S:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {
// CHECK-NEXT:      %[[CAPPED:.*]] = math.tanh %[[S]] : f32
// CHECK-NEXT:      sparse_attn.yield %[[CAPPED]] : f32
// CHECK-NEXT:    } : (tensor<?x8x?x64xbf16>, tensor<?x2x?x64xbf16>, tensor<?x8x?xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x32xf32>)
func.func @weights(%q: !q, %k: !k, %l: !l, %w: index) {
  %p0, %i0, %v0 = sparse_attn.weights %q, %k, %l pattern(@dense) : (!q, !k, !l) -> (!offsets, !indices, !values)
  %p1, %i1, %v1 = sparse_attn.weights %q, %k, %l pattern(@near(%w) : (index)) scale(0.5) {note = 1}
      : (!q, !k, !l) -> (!offsets, !indices, !values)
  %p2, %i2, %v2 = sparse_attn.weights %q, %k, %l pattern(@dense) scale(0.5) schedule(@dense_64x32)
      score (%s, %b, %h, %i, %j) {
    %capped = math.tanh %s : f32
    sparse_attn.yield %capped : f32
  } : (!q, !k, !l) -> (!offsets, !indices, !values)
  return
}

// CHECK-LABEL: func.func @column_sums(
// CHECK-SAME:    %[[Q:.*]]: tensor<?x8x?x64xbf16>, %[[K:.*]]: tensor<?x2x?x64xbf16>, %[[L:.*]]: tensor<?x8x?xf32>, %[[W:.*]]: index)
// CHECK:         %{{.*}} = sparse_attn.column_sums %[[Q]], %[[K]], %[[L]] pattern(@dense) : (tensor<?x8x?x64xbf16>, tensor<?x2x?x64xbf16>, tensor<?x8x?xf32>) -> tensor<?x8x?xf32>
// CHECK:         sparse_attn.column_sums %[[Q]], %[[K]], %[[L]] pattern(@near(%[[W]]) : (index)) scale(0.5) {note = 1 : i64} :
// CHECK:         sparse_attn.column_sums %[[Q]], %[[K]], %[[L]] pattern(@dense) scale(0.5) schedule(@dense_64x32) score (%[[S:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {
// CHECK-NEXT:      %[[NEW:.*]] = math.tanh %[[S]] : f32
// CHECK-NEXT:      sparse_attn.yield %[[NEW]] : f32
// CHECK-NEXT:    } : (tensor<?x8x?x64xbf16>, tensor<?x2x?x64xbf16>, tensor<?x8x?xf32>) -> tensor<?x8x?xf32>
func.func @column_sums(%q: !q, %k: !k, %l: !l, %w: index) {
  %0 = sparse_attn.column_sums %q, %k, %l pattern(@dense) : (!q, !k, !l) -> !l
  %1 = sparse_attn.column_sums %q, %k, %l pattern(@near(%w) : (index)) scale(0.5) {note = 1} : (!q, !k, !l) -> !l
  %2 = sparse_attn.column_sums %q, %k, %l pattern(@dense) scale(0.5) schedule(@dense_64x32)
      score (%s, %b, %h, %i, %j) {
    %new = math.tanh %s : f32
    sparse_attn.yield %new : f32
  } : (!q, !k, !l) -> !l
  return
}

// CHECK-LABEL: sparse_attn.kernel @rows weights of(@dense) tile(64, 32) scale(0.25) {
// CHECK-NEXT:  ^bb0(%[[Q:.*]]: memref<?x8x?x64xbf16, {{.*}}>, %[[K:.*]]: memref<?x2x?x64xbf16, {{.*}}>, %[[L:.*]]: memref<?x8x?xf32, {{.*}}>, %[[O:.*]]: memref<?x64x32xf32, {{.*}}>, %[[B:[a-z0-9]*]]: index, %[[H:[a-z0-9]*]]: index, %[[T:[a-z0-9]*]]: index):
sparse_attn.kernel @rows weights of(@dense) tile(64, 32) scale(0.25) {
^bb0(%q: !queries, %k: !keys, %l: !sums, %o: !blocks, %b: index, %h: index, %t: index):
  %qt = sparse_attn.load %q[%b, %h, %t] : !queries -> !query_tile
  // CHECK: %[[LT:.*]] = sparse_attn.load %[[L]][%[[B]], %[[H]], %[[T]]] : memref<?x8x?xf32, {{.*}}> -> <64xf32>
  %lt = sparse_attn.load %l[%b, %h, %t] : !sums -> !rows
  // CHECK-NEXT: sparse_attn.for_each_block of @dense_64x32 {
  sparse_attn.for_each_block of @dense_64x32 {
  // CHECK-NEXT: ^bb0(%[[N:.*]]: index, %[[J:.*]]: index, %{{.*}}: i1):
  ^bb0(%n: index, %j: index, %partial: i1):
    %kt = sparse_attn.load %k[%b, %h, %j] : !keys -> !key_tile
    // CHECK: %[[S:.*]] = sparse_attn.scores
    %s = sparse_attn.scores %qt, %kt scale(0.25) : !query_tile, !key_tile -> !scores
    // CHECK-NEXT: %[[W:.*]] = sparse_attn.weights_of %[[S]], %[[LT]] : <64x32xf32>, <64xf32>
    %w = sparse_attn.weights_of %s, %lt : !scores, !rows
    // CHECK-NEXT: sparse_attn.store_block %[[W]], %[[O]][%[[N]]] at(%[[T]]) : <64x32xf32>, memref<?x64x32xf32, {{.*}}>
    sparse_attn.store_block %w, %o[%n] at(%t) : !scores, !blocks
    // CHECK-NEXT: sparse_attn.yield
    sparse_attn.yield
  }
  sparse_attn.return
}

// CHECK-LABEL: sparse_attn.kernel @columns column_sums of(@dense) tile(64, 32) scale(0.25) {
sparse_attn.kernel @columns column_sums of(@dense) tile(64, 32) scale(0.25) {
^bb0(%q: !queries, %k: !keys, %l: !sums, %o: !sums, %b: index, %h: index, %t: index):
  %kt = sparse_attn.load %k[%b, %h, %t] : !keys -> !key_tile
  // CHECK: %[[NONE:.*]] = sparse_attn.no_sums : <32xf32>
  %none = sparse_attn.no_sums : !columns
  // CHECK-NEXT: %{{.*}} = sparse_attn.for_each_block of @dense_64x32 state(%[[NONE]]) : !sparse_attn.tile<32xf32> -> !sparse_attn.tile<32xf32> {
  %all = sparse_attn.for_each_block of @dense_64x32 state(%none) : !columns -> !columns {
  // CHECK-NEXT: ^bb0(%{{.*}}: index, %[[I:.*]]: index, %{{.*}}: i1, %[[BEFORE:.*]]: !sparse_attn.tile<32xf32>):
  ^bb0(%n: index, %i: index, %partial: i1, %before: !columns):
    %qt = sparse_attn.load %q[%b, %h, %i] : !queries -> !query_tile
    %lt = sparse_attn.load %l[%b, %h, %i] : !sums -> !rows
    %s = sparse_attn.scores %qt, %kt scale(0.25) : !query_tile, !key_tile -> !scores
    // CHECK: %[[W:.*]] = sparse_attn.weights_of
    %w = sparse_attn.weights_of %s, %lt : !scores, !rows
    // CHECK-NEXT: %[[AFTER:.*]] = sparse_attn.add_columns %[[W]], %[[BEFORE]] at(%[[I]]) : <64x32xf32>, <32xf32>
    %after = sparse_attn.add_columns %w, %before at(%i) : !scores, !columns
    // CHECK-NEXT: sparse_attn.yield %[[AFTER]] : !sparse_attn.tile<32xf32>
    sparse_attn.yield %after : !columns
  }
  sparse_attn.store %all, %o[%b, %h, %t] : !columns, !sums
  sparse_attn.return
}

// CHECK-LABEL: func.func @launch_blocks(
// CHECK-SAME:    %[[Q:.*]]: tensor<?x8x?x64xbf16>, %[[K:.*]]: tensor<?x2x?x64xbf16>, %[[L:.*]]: tensor<?x8x?xf32>, %[[W:.*]]: index)
// CHECK:         %{{.*}}:3 = sparse_attn.launch_blocks @rows(%[[Q]], %[[K]], %[[L]]) : (tensor<?x8x?x64xbf16>, tensor<?x2x?x64xbf16>, tensor<?x8x?xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x32xf32>)
// CHECK:         %{{.*}} = sparse_attn.launch_blocks @columns(%[[Q]], %[[K]], %[[L]]) captures(%[[W]]) {note = 1 : i64} : (tensor<?x8x?x64xbf16>, tensor<?x2x?x64xbf16>, tensor<?x8x?xf32>, index) -> tensor<?x8x?xf32>
func.func @launch_blocks(%q: !q, %k: !k, %l: !l, %w: index) {
  %0:3 = sparse_attn.launch_blocks @rows(%q, %k, %l) : (!q, !k, !l) -> (!offsets, !indices, !values)
  %1 = sparse_attn.launch_blocks @columns(%q, %k, %l) captures(%w) {note = 1} : (!q, !k, !l, index) -> !l
  return
}
