// RUN: sparse-attn-opt %s | sparse-attn-opt | FileCheck %s
// RUN: sparse-attn-opt %s --mlir-print-op-generic | sparse-attn-opt | FileCheck %s

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

sparse_attn.pattern @captures(%ids: memref<?xi32>, %table: memref<?x?xi32>, %n: index) {
  %p = sparse_attn.keys first(%n)
  sparse_attn.yield %p
}

sparse_attn.schedule @causal_64x64 of(@causal) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  sparse_attn.ranges touched(%b to %b step [1]) full(%b to %b)
}

// CHECK-LABEL: func.func @plain
// CHECK:         sparse_attn.attention %{{.*}}, %{{.*}}, %{{.*}} pattern(@causal) : (tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32>) -> tensor<1x2x128x64xf32>
func.func @plain(%q: tensor<1x2x128x64xf32>, %k: tensor<1x2x128x64xf32>, %v: tensor<1x2x128x64xf32>) -> tensor<1x2x128x64xf32> {
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32>) -> tensor<1x2x128x64xf32>
  return %o : tensor<1x2x128x64xf32>
}

// Grouped heads, lengths that differ, all sizes but the head size dynamic.
// CHECK-LABEL: func.func @dynamic
// CHECK:         pattern(@causal) scale(0.125) : (tensor<?x8x?x64xbf16>, tensor<?x2x?x64xbf16>, tensor<?x2x?x64xbf16>) -> tensor<?x8x?x64xbf16>
// CHECK:         pattern(@causal) scale(1.0) : (tensor<?x?x?x256xf16>, tensor<?x?x?x256xf16>, tensor<?x?x?x256xf16>) -> tensor<?x?x?x256xf16>
func.func @dynamic(%q: tensor<?x8x?x64xbf16>, %k: tensor<?x2x?x64xbf16>, %a: tensor<?x?x?x256xf16>) {
  %0 = sparse_attn.attention %q, %k, %k pattern(@causal) scale(0.125)
      : (tensor<?x8x?x64xbf16>, tensor<?x2x?x64xbf16>, tensor<?x2x?x64xbf16>) -> tensor<?x8x?x64xbf16>
  %1 = sparse_attn.attention %a, %a, %a pattern(@causal) scale(1.0)
      : (tensor<?x?x?x256xf16>, tensor<?x?x?x256xf16>, tensor<?x?x?x256xf16>) -> tensor<?x?x?x256xf16>
  return
}

// CHECK-LABEL: func.func @captured(
// CHECK-SAME:    %[[Q:.*]]: tensor<?x2x?x16xf32>, %[[IDS:.*]]: memref<?xi32>, %[[TABLE:.*]]: memref<?x?xi32>, %[[N:.*]]: index)
// CHECK:         sparse_attn.attention %[[Q]], %[[Q]], %[[Q]] pattern(@captures(%[[IDS]], %[[TABLE]], %[[N]]) : (memref<?xi32>, memref<?x?xi32>, index))
func.func @captured(%q: tensor<?x2x?x16xf32>, %ids: memref<?xi32>, %table: memref<?x?xi32>, %n: index) {
  %0 = sparse_attn.attention %q, %q, %q pattern(@captures(%ids, %table, %n) : (memref<?xi32>, memref<?x?xi32>, index))
      : (tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x2x?x16xf32>
  return
}

// CHECK-LABEL: func.func @log_sum_exp
// CHECK:         %{{.*}}, %{{.*}} = sparse_attn.attention {{.*}} schedule(@causal_64x64) {note = 1 : i64} : {{.*}} -> (tensor<?x2x?x16xf16>, tensor<?x2x?xf32>)
func.func @log_sum_exp(%q: tensor<?x2x?x16xf16>) -> tensor<?x2x?xf32> {
  %o, %lse = sparse_attn.attention %q, %q, %q pattern(@causal) schedule(@causal_64x64) {note = 1}
      : (tensor<?x2x?x16xf16>, tensor<?x2x?x16xf16>, tensor<?x2x?x16xf16>) -> (tensor<?x2x?x16xf16>, tensor<?x2x?xf32>)
  return %lse : tensor<?x2x?xf32>
}

// The scale that is printed reads back as the same number.
// CHECK-LABEL: func.func @scales
// CHECK:         scale(0.1{{(0+1)?}})
// CHECK:         scale(0.17677669529663687)
// CHECK:         scale(1.0e-30)
func.func @scales(%q: tensor<?x2x?x32xf32>) {
  %0 = sparse_attn.attention %q, %q, %q pattern(@causal) scale(0.1)
      : (tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>) -> tensor<?x2x?x32xf32>
  %1 = sparse_attn.attention %q, %q, %q pattern(@causal) scale(0.17677669529663687)
      : (tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>) -> tensor<?x2x?x32xf32>
  %2 = sparse_attn.attention %q, %q, %q pattern(@causal) scale(1.0e-30)
      : (tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>) -> tensor<?x2x?x32xf32>
  return
}

sparse_attn.kernel @kernel of(@causal) tile(64, 64) scale(0.125) {
^bb0(%q: memref<?x8x?x64xf32>, %k: memref<?x2x?x64xf32>, %v: memref<?x2x?x64xf32>, %o: memref<?x8x?x64xf32>,
     %b: index, %h: index, %t: index):
  sparse_attn.return
}

// CHECK-LABEL: func.func @launch
// CHECK:         sparse_attn.launch @kernel(%{{.*}}, %{{.*}}, %{{.*}}) captures(%{{.*}}) : (tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, memref<?xi32>) -> tensor<?x8x?x64xf32>
// CHECK:         %{{.*}}, %{{.*}} = sparse_attn.launch @kernel(%{{.*}}, %{{.*}}, %{{.*}}) : (tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> (tensor<?x8x?x64xf32>, tensor<?x8x?xf32>)
func.func @launch(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %ids: memref<?xi32>) {
  %0 = sparse_attn.launch @kernel(%q, %k, %k) captures(%ids)
      : (tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, memref<?xi32>) -> tensor<?x8x?x64xf32>
  %1, %lse = sparse_attn.launch @kernel(%q, %k, %k)
      : (tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> (tensor<?x8x?x64xf32>, tensor<?x8x?xf32>)
  return
}

sparse_attn.schedule @causal_32x32 of(@causal) tile(32, 32) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  sparse_attn.ranges touched(%b to %skv step [1]) full(%b to %b)
}
sparse_attn.kernel @small of(@causal) tile(32, 32) scale(0.125) {
^bb0(%q: memref<?x8x?x64xf32>, %k: memref<?x2x?x64xf32>, %v: memref<?x2x?x64xf32>, %o: memref<?x8x?x64xf32>,
     %b: index, %h: index, %t: index):
  sparse_attn.return
}

// Tiles of several sizes.
// CHECK-LABEL: func.func @choice
// CHECK:         sparse_attn.attention {{.*}} schedule(@causal_32x32, @causal_64x64) :
// CHECK:         sparse_attn.launch @small, @kernel(%{{.*}}, %{{.*}}, %{{.*}}) :
func.func @choice(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>) {
  %0 = sparse_attn.attention %q, %k, %k pattern(@causal) schedule(@causal_32x32, @causal_64x64)
      : (tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x8x?x64xf32>
  %1 = sparse_attn.launch @small, @kernel(%q, %k, %k)
      : (tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x8x?x64xf32>
  return
}

// What scores become: of a region, with constants and captures from outside. The names of its arguments are the printer's.
// CHECK-LABEL: func.func @scores(
// CHECK-SAME:    %[[Q:.*]]: tensor<?x8x?x16xbf16>, %[[SLOPES:.*]]: memref<?xf32>, %[[TABLE:.*]]: memref<?x?x?x?xi32>, %[[N:.*]]: index)
// CHECK:         sparse_attn.attention %[[Q]], %[[Q]], %[[Q]] pattern(@causal) scale(0.125) score (%[[S:.*]], %[[B:.*]], %[[H:.*]], %[[I:.*]], %[[J:.*]]) {
// CHECK-NEXT:      %[[SLOPE:.*]] = sparse_attn.read %[[SLOPES]][%[[H]]] : memref<?xf32>
// CHECK-NEXT:      %[[NUMBER:.*]] = sparse_attn.read %[[TABLE]][%[[B]], %[[N]], %[[I]], %[[J]]] : memref<?x?x?x?xi32>
// CHECK-NEXT:      %[[BIAS:.*]] = arith.sitofp %[[NUMBER]] : i32 to f32
// CHECK-NEXT:      %[[BIASED:.*]] = math.fma %[[SLOPE]], %[[BIAS]], %[[S]] : f32
// CHECK-NEXT:      %[[HALF:.*]] = arith.mulf %[[BIASED]], %{{.*}} : f32
// CHECK-NEXT:      sparse_attn.yield %[[HALF]] : f32
// CHECK-NEXT:    } : (tensor<?x8x?x16xbf16>, tensor<?x8x?x16xbf16>, tensor<?x8x?x16xbf16>) -> (tensor<?x8x?x16xbf16>, tensor<?x8x?xf32>)
func.func @scores(%q: tensor<?x8x?x16xbf16>, %slopes: memref<?xf32>, %table: memref<?x?x?x?xi32>, %n: index) {
  %factor = arith.constant 0.5 : f32
  %o, %lse = sparse_attn.attention %q, %q, %q pattern(@causal) scale(0.125) score (%s, %b, %h, %i, %j) {
    %slope = sparse_attn.read %slopes[%h] : memref<?xf32>
    %number = sparse_attn.read %table[%b, %n, %i, %j] : memref<?x?x?x?xi32>
    %bias = arith.sitofp %number : i32 to f32
    %biased = math.fma %slope, %bias, %s : f32
    %half = arith.mulf %biased, %factor : f32
    sparse_attn.yield %half : f32
  } : (tensor<?x8x?x16xbf16>, tensor<?x8x?x16xbf16>, tensor<?x8x?x16xbf16>) -> (tensor<?x8x?x16xbf16>, tensor<?x8x?xf32>)
  return
}

// The region stands behind the schedule, and before other attributes.
// CHECK-LABEL: func.func @scores_with_a_schedule(
// CHECK:         pattern(@causal) modulo(2) schedule(@causal_64x64) score (%[[S:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {
// CHECK-NEXT:      sparse_attn.yield %[[S]] : f32
// CHECK-NEXT:    } {note = 1 : i64} :
func.func @scores_with_a_schedule(%q: tensor<?x2x?x16xf16>) {
  %o = sparse_attn.attention %q, %q, %q pattern(@causal) modulo(2) schedule(@causal_64x64) score (%s, %b, %h, %i, %j) {
    sparse_attn.yield %s : f32
  } {note = 1} : (tensor<?x2x?x16xf16>, tensor<?x2x?x16xf16>, tensor<?x2x?x16xf16>) -> tensor<?x2x?x16xf16>
  return
}
