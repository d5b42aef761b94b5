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
