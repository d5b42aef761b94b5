// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks --sparse-attn-fuse-softmax --canonicalize --cse | FileCheck %s

!t = tensor<1x2x?x16xf32>

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

// The arrays may have any strides but the innermost. One loop, each product once, and no score leaves it.
// CHECK-LABEL: sparse_attn.kernel @plain_0 of(@causal) tile(64, 64) scale(0.25) {
// CHECK-NEXT:  ^bb0(%[[Q:.*]]: [[ARRAY:memref<\?x2x\?x16xf32, strided<\[\?, \?, \?, 1\], offset: \?>>]], %[[K:.*]]: [[ARRAY]], %[[V:.*]]: [[ARRAY]], %[[O:.*]]: [[ARRAY]], %[[B:.*]]: index, %[[H:.*]]: index, %[[T:.*]]: index):
// CHECK-DAG:     %[[SQ:.*]] = memref.dim %[[Q]]
// CHECK-DAG:     %[[SKV:.*]] = memref.dim %[[K]]
// CHECK:         %[[VISIT:.*]] = sparse_attn.visit @causal_64x64(%[[B]], %[[H]], %[[T]], %[[SQ]], %[[SKV]])
// CHECK:         %[[QT:.*]] = sparse_attn.load %[[Q]][%[[B]], %[[H]], %[[T]]]
// CHECK:         %[[M0:.*]], %[[L0:.*]], %[[A0:.*]] = sparse_attn.softmax_init
// CHECK:         %[[END:.*]]:3 = sparse_attn.for_each_key_tile %[[VISIT]] state(%[[M0]], %[[L0]], %[[A0]])
// CHECK-NEXT:    ^bb0(%{{.*}}: index, %[[J:.*]]: index, %[[PARTIAL:.*]]: i1, %[[M:.*]]: !sparse_attn.tile<64xf32>, %[[L:.*]]: !sparse_attn.tile<64xf32>, %[[A:.*]]: !sparse_attn.tile<64x16xf32>):
// CHECK-NEXT:      %[[KT:.*]] = sparse_attn.load %[[K]][%[[B]], %[[H]], %[[J]]]
// CHECK-NEXT:      %[[S:.*]] = sparse_attn.scores %[[QT]], %[[KT]] scale(0.25)
// CHECK-NEXT:      %[[MASKED:.*]] = sparse_attn.mask %[[S]] when %[[PARTIAL]] at(%[[T]], %[[J]]) of(%[[SQ]], %[[SKV]])
// CHECK-NEXT:      ^bb0(%[[QP:.*]]: index, %[[KP:.*]]: index):
// CHECK:             sparse_attn.yield %{{.*}} : i1
// CHECK-NEXT:      }
// CHECK-NEXT:      %[[M1:.*]], %[[L1:.*]], %[[W:.*]], %[[C:.*]] = sparse_attn.online_softmax %[[MASKED]], %[[M]], %[[L]]
// CHECK-NEXT:      %[[R:.*]] = sparse_attn.rescale %[[A]], %[[C]]
// CHECK-NEXT:      %[[VT:.*]] = sparse_attn.load %[[V]][%[[B]], %[[H]], %[[J]]]
// CHECK-NEXT:      %[[A1:.*]] = sparse_attn.accumulate %[[W]], %[[VT]], %[[R]]
// CHECK-NEXT:      sparse_attn.yield %[[M1]], %[[L1]], %[[A1]]
// CHECK:         %[[OUT:.*]], %{{.*}} = sparse_attn.finalize %[[END]]#2, %[[END]]#0, %[[END]]#1
// CHECK-NEXT:    sparse_attn.store %[[OUT]], %[[O]][%[[B]], %[[H]], %[[T]]]
// CHECK-NEXT:    sparse_attn.return
// CHECK-LABEL: func.func @plain(
// CHECK-SAME:    %[[ARG:.*]]: tensor<1x2x?x16xf32>)
// CHECK-NEXT:    %[[RESULT:.*]] = sparse_attn.launch @plain_0(%[[ARG]], %[[ARG]], %[[ARG]])
// CHECK-NEXT:    return %[[RESULT]]
func.func @plain(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@causal) : (!t, !t, !t) -> !t
  return %o : !t
}

// Query head h reads key head h / 4; with unknown numbers of heads the quotient is computed.
// CHECK-LABEL: sparse_attn.kernel @grouped_0
// CHECK-NEXT:  ^bb0(%[[Q:.*]]: memref<?x8x?x16xf32, {{.*}}>, %[[K:.*]]: memref<?x2x?x16xf32, {{.*}}>, %[[V:.*]]: memref<?x2x?x16xf32, {{.*}}>, %{{.*}}: memref<?x8x?x16xf32, {{.*}}>, %[[B:[a-z0-9]*]]: index, %[[H:[a-z0-9]*]]: index, %[[T:[a-z0-9]*]]: index):
// CHECK:         %[[FOUR:.*]] = arith.constant 4 : index
// CHECK:         %[[HK:.*]] = arith.divui %[[H]], %[[FOUR]] : index
// CHECK:         sparse_attn.load %[[Q]][%[[B]], %[[H]], %[[T]]]
// CHECK:         sparse_attn.load %[[K]][%[[B]], %[[HK]], %{{.*}}]
// CHECK:         sparse_attn.load %[[V]][%[[B]], %[[HK]], %{{.*}}]
// CHECK-LABEL: sparse_attn.kernel @grouped_1
// CHECK:         %[[GROUP:.*]] = arith.divui %{{.*}}, %{{.*}} : index
// CHECK:         arith.divui %{{.*}}, %[[GROUP]] : index
func.func @grouped(%q: tensor<?x8x?x16xf32>, %k: tensor<?x2x?x16xf32>, %any: tensor<?x?x?x16xf32>)
    -> (tensor<?x8x?x16xf32>, tensor<?x?x?x16xf32>) {
  %0 = sparse_attn.attention %q, %k, %k pattern(@causal)
      : (tensor<?x8x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x8x?x16xf32>
  %1 = sparse_attn.attention %any, %any, %any pattern(@causal)
      : (tensor<?x?x?x16xf32>, tensor<?x?x?x16xf32>, tensor<?x?x?x16xf32>) -> tensor<?x?x?x16xf32>
  return %0, %1 : tensor<?x8x?x16xf32>, tensor<?x?x?x16xf32>
}

// Captures follow the values, in order; the schedule and the predicate read them.
sparse_attn.pattern @packed(%ids: memref<?xi32>, %n: index) {
  %near = sparse_attn.window left(%n) right(0)
  %same = sparse_attn.predicate (%b, %h, %q, %k) {
    %dq = sparse_attn.read %ids[%q] : memref<?xi32>
    %dk = sparse_attn.read %ids[%k] : memref<?xi32>
    %equal = arith.cmpi eq, %dq, %dk : i32
    sparse_attn.yield %equal : i1
  }
  %p = sparse_attn.intersect %near, %same
  sparse_attn.yield %p
}

// CHECK-LABEL: sparse_attn.kernel @captured_0
// CHECK-NEXT:  ^bb0({{.*}}, %[[IDS:[a-z0-9]*]]: memref<?xi32>, %[[N:[a-z0-9]*]]: index, %{{.*}}: memref<?x2x?x16xf32, {{.*}}>, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index):
// CHECK:         sparse_attn.visit @packed_64x64({{.*}}, %[[IDS]], %[[N]])
// CHECK:         sparse_attn.mask
// CHECK-NEXT:    ^bb0(%[[QP:.*]]: index, %[[KP:.*]]: index):
// CHECK-DAG:       sparse_attn.read %[[IDS]][%[[QP]]]
// CHECK-DAG:       sparse_attn.read %[[IDS]][%[[KP]]]
// CHECK-DAG:       memref.dim %[[IDS]]
// CHECK:           sparse_attn.yield %{{.*}} : i1
// CHECK-LABEL: func.func @captured(
// CHECK-SAME:    %[[Q:.*]]: tensor<1x2x?x16xf32>, %[[IDS:.*]]: memref<?xi32>, %[[N:.*]]: index)
// CHECK:         sparse_attn.launch @captured_0(%[[Q]], %[[Q]], %[[Q]]) captures(%[[IDS]], %[[N]])
func.func @captured(%q: !t, %ids: memref<?xi32>, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@packed(%ids, %n) : (memref<?xi32>, index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// A log-sum-exp is one more array, written from the state. The scale is the given one.
// CHECK-LABEL: sparse_attn.kernel @log_sum_exp_0 of(@causal) tile(64, 64) scale(2.0) lse {
// CHECK-NEXT:  ^bb0({{.*}}, %[[SUMS:[a-z0-9]*]]: memref<?x2x?xf32, strided<[?, ?, ?], offset: ?>>, %[[B:[a-z0-9]*]]: index, %[[H:[a-z0-9]*]]: index, %[[T:[a-z0-9]*]]: index):
// CHECK:         sparse_attn.scores {{.*}} scale(2.0)
// CHECK:         %{{.*}}, %[[LSE:.*]] = sparse_attn.finalize
// CHECK:         sparse_attn.store %[[LSE]], %[[SUMS]][%[[B]], %[[H]], %[[T]]]
// CHECK-LABEL: func.func @log_sum_exp(
// CHECK:         %{{.*}}, %[[SUMS:.*]] = sparse_attn.launch @log_sum_exp_0
// CHECK-NEXT:    return %[[SUMS]]
func.func @log_sum_exp(%q: !t) -> tensor<1x2x?xf32> {
  %o, %sums = sparse_attn.attention %q, %q, %q pattern(@causal) scale(2.0) : (!t, !t, !t) -> (!t, tensor<1x2x?xf32>)
  return %sums : tensor<1x2x?xf32>
}

// 16-bit arrays, state and accumulator in f32.
// CHECK-LABEL: sparse_attn.kernel @half_0
// CHECK:         sparse_attn.softmax_init : <64xf32>, <64xf32>, <64x16xf32>
// CHECK:         sparse_attn.scores {{.*}} : <64x16xbf16>, <64x16xbf16> -> <64x64xf32>
// CHECK:         sparse_attn.store %{{.*}} : <64x16xf32>, memref<?x2x?x16xbf16,
func.func @half(%q: tensor<1x2x?x16xbf16>) -> tensor<1x2x?x16xbf16> {
  %o = sparse_attn.attention %q, %q, %q pattern(@causal)
      : (tensor<1x2x?x16xbf16>, tensor<1x2x?x16xbf16>, tensor<1x2x?x16xbf16>) -> tensor<1x2x?x16xbf16>
  return %o : tensor<1x2x?x16xbf16>
}

// One kernel for each attention, also where they feed each other.
// CHECK-LABEL: sparse_attn.kernel @two_0
// CHECK-LABEL: sparse_attn.kernel @two_1
// CHECK-LABEL: func.func @two(
// CHECK:         %[[FIRST:.*]] = sparse_attn.launch @two_0
// CHECK:         %[[SECOND:.*]] = sparse_attn.launch @two_1(%[[FIRST]], %{{.*}}, %{{.*}})
// CHECK:         return %[[SECOND]]
func.func @two(%q: !t) -> !t {
  %0 = sparse_attn.attention %q, %q, %q pattern(@causal) : (!t, !t, !t) -> !t
  %1 = sparse_attn.attention %0, %q, %q pattern(@causal) : (!t, !t, !t) -> !t
  return %1 : !t
}

// Scores go through the region before the mask. It becomes a function of its own too, with its captures behind those of
// the pattern, and numbers clamped in the kernel; what is the same for all pairs stands in front of the loop, and constants from outside come along.
// CHECK-LABEL: sparse_attn.score @alibi_0_score {
// CHECK-NEXT:  ^bb0(%[[SLOPES:.*]]: memref<?xf32>, %[[M:.*]]: index, %[[S:.*]]: f32, %{{.*}}: index, %[[H:.*]]: index, %[[QP:.*]]: index, %[[KP:.*]]: index):
// CHECK-NEXT:    %[[TWO:.*]] = arith.constant 2.0
// CHECK-NEXT:    %[[SLOPE:.*]] = sparse_attn.read %[[SLOPES]][%[[H]]]
// CHECK-NEXT:    %[[STEEP:.*]] = arith.mulf %[[SLOPE]], %[[TWO]]
// CHECK-NEXT:    %[[DISTANCE:.*]] = arith.subi %[[KP]], %[[QP]]
// CHECK-NEXT:    %[[SHIFTED:.*]] = arith.addi %[[DISTANCE]], %[[M]]
// CHECK-NEXT:    %[[INTEGER:.*]] = arith.index_cast %[[SHIFTED]] : index to i32
// CHECK-NEXT:    %[[NUMBER:.*]] = arith.sitofp %[[INTEGER]]
// CHECK-NEXT:    %[[NEW:.*]] = math.fma %[[STEEP]], %[[NUMBER]], %[[S]]
// CHECK-NEXT:    sparse_attn.yield %[[NEW]] : f32
// CHECK-LABEL: sparse_attn.kernel @alibi_0 of(@packed) tile(64, 64) scale(0.25) score(@alibi_0_score) {
// CHECK-NEXT:  ^bb0({{.*}}, %[[IDS:[a-z0-9]*]]: memref<?xi32>, %[[N:[a-z0-9]*]]: index, %[[SLOPES:[a-z0-9]*]]: memref<?xf32>, %[[M:[a-z0-9]*]]: index, %{{.*}}: memref<?x2x?x16xf32, {{.*}}>, %{{.*}}: index, %[[H:[a-z0-9]*]]: index, %[[T:[a-z0-9]*]]: index):
// CHECK-DAG:     %[[SQ:.*]] = memref.dim %{{.*}}, %{{.*}} : memref<?x2x?x16xf32
// CHECK:         %[[NOT_LESS:.*]] = arith.maxsi %[[M]], %c-1073741823
// CHECK-NEXT:    %[[CLAMPED:.*]] = arith.minsi %[[NOT_LESS]], %c1073741823
// CHECK-NEXT:    %[[SLOPE:.*]] = sparse_attn.read %[[SLOPES]][%[[H]]]
// CHECK-NEXT:    %[[STEEP:.*]] = arith.mulf %[[SLOPE]], %{{.*}}
// CHECK-NEXT:    sparse_attn.visit @packed_64x64({{.*}}, %[[IDS]], %[[N]])
// CHECK:         sparse_attn.for_each_key_tile
// CHECK:           %[[PRODUCTS:.*]] = sparse_attn.scores
// CHECK-NEXT:      %[[SCORES:.*]] = sparse_attn.score_mod %[[PRODUCTS]] at(%[[T]], %{{.*}}) of(%{{.*}}, %{{.*}}) : <64x64xf32> {
// CHECK-NEXT:      ^bb0(%[[S:.*]]: f32, %[[QP:.*]]: index, %[[KP:.*]]: index):
// CHECK-NEXT:        %[[DISTANCE:.*]] = arith.subi %[[KP]], %[[QP]]
// CHECK-NEXT:        %[[SHIFTED:.*]] = arith.addi %[[DISTANCE]], %[[CLAMPED]]
// CHECK-NEXT:        %[[INTEGER:.*]] = arith.index_cast %[[SHIFTED]] : index to i32
// CHECK-NEXT:        %[[NUMBER:.*]] = arith.sitofp %[[INTEGER]]
// CHECK-NEXT:        %[[NEW:.*]] = math.fma %[[STEEP]], %[[NUMBER]], %[[S]]
// CHECK-NEXT:        sparse_attn.yield %[[NEW]] : f32
// CHECK-NEXT:      }
// CHECK-NEXT:      sparse_attn.mask %[[SCORES]] when
// CHECK-LABEL: func.func @alibi(
// CHECK-SAME:    %[[Q:.*]]: tensor<1x2x?x16xf32>, %[[SLOPES:.*]]: memref<?xf32>, %[[M:.*]]: index, %[[IDS:.*]]: memref<?xi32>, %[[N:.*]]: index)
// CHECK:         sparse_attn.launch @alibi_0(%[[Q]], %[[Q]], %[[Q]]) captures(%[[IDS]], %[[N]], %[[SLOPES]], %[[M]])
func.func @alibi(%q: !t, %slopes: memref<?xf32>, %m: index, %ids: memref<?xi32>, %n: index) -> !t {
  %two = arith.constant 2.0 : f32
  %o = sparse_attn.attention %q, %q, %q pattern(@packed(%ids, %n) : (memref<?xi32>, index)) score (%s, %b, %h, %i, %j) {
    %slope = sparse_attn.read %slopes[%h] : memref<?xf32>
    %steep = arith.mulf %slope, %two : f32
    %distance = arith.subi %j, %i : index
    %shifted = arith.addi %distance, %m : index
    %integer = arith.index_cast %shifted : index to i32
    %number = arith.sitofp %integer : i32 to f32
    %new = math.fma %steep, %number, %s : f32
    sparse_attn.yield %new : f32
  } : (!t, !t, !t) -> !t
  return %o : !t
}

// Attentions that differ in their scores alone are two kernels, each with a region of its own. A region that yields what
// all pairs share has nothing else left in the loop.
// CHECK-LABEL: sparse_attn.score @regions_0_score {
// CHECK:         arith.negf
// CHECK-LABEL: sparse_attn.kernel @regions_0 {{.*}} score(@regions_0_score) {
// CHECK:         sparse_attn.score_mod
// CHECK-NEXT:    ^bb0(%[[S:.*]]: f32, %{{.*}}: index, %{{.*}}: index):
// CHECK-NEXT:      %[[NEW:.*]] = arith.negf %[[S]]
// CHECK-NEXT:      sparse_attn.yield %[[NEW]] : f32
// CHECK-LABEL: sparse_attn.score @regions_1_score {
// CHECK-NEXT:  ^bb0(%[[SLOPES:.*]]: memref<?xf32>, %{{.*}}: f32, %[[B:.*]]: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index):
// CHECK-NEXT:    %[[SLOPE:.*]] = sparse_attn.read %[[SLOPES]][%[[B]]]
// CHECK-NEXT:    sparse_attn.yield %[[SLOPE]] : f32
// CHECK-LABEL: sparse_attn.kernel @regions_1 {{.*}} score(@regions_1_score) {
// CHECK:         %[[SLOPE:.*]] = sparse_attn.read
// CHECK:         sparse_attn.score_mod
// CHECK-NEXT:    ^bb0(%{{.*}}: f32, %{{.*}}: index, %{{.*}}: index):
// CHECK-NEXT:      sparse_attn.yield %[[SLOPE]] : f32
// CHECK-LABEL: func.func @regions(
// CHECK:         sparse_attn.launch @regions_0(%{{.*}}, %{{.*}}, %{{.*}}) : (
// CHECK:         sparse_attn.launch @regions_1(%{{.*}}, %{{.*}}, %{{.*}}) captures(%{{.*}}) : (
func.func @regions(%q: !t, %slopes: memref<?xf32>) -> (!t, !t) {
  %0 = sparse_attn.attention %q, %q, %q pattern(@causal) score (%s, %b, %h, %i, %j) {
    %new = arith.negf %s : f32
    sparse_attn.yield %new : f32
  } : (!t, !t, !t) -> !t
  %1 = sparse_attn.attention %q, %q, %q pattern(@causal) score (%s, %b, %h, %i, %j) {
    %slope = sparse_attn.read %slopes[%b] : memref<?xf32>
    sparse_attn.yield %slope : f32
  } : (!t, !t, !t) -> !t
  return %0, %1 : !t, !t
}
