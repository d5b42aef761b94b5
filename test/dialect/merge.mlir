// RUN: sparse-attn-opt %s | sparse-attn-opt | FileCheck %s
// RUN: sparse-attn-opt %s --mlir-print-op-generic | sparse-attn-opt | FileCheck %s

!q = tensor<?x8x?x64xbf16>
!k = tensor<?x2x?x64xbf16>
!l = tensor<?x8x?xf32>

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
sparse_attn.schedule @dense_64x64 of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  sparse_attn.ranges touched(%b to %skv step [1]) full(%b to %b)
}

// CHECK-LABEL: func.func @merge(
// CHECK-SAME:    %[[A:.*]]: tensor<?x8x?x64xbf16>, %[[LA:.*]]: tensor<?x8x?xf32>, %[[B:.*]]: tensor<?x8x?x64xbf16>, %[[LB:.*]]: tensor<?x8x?xf32>)
// CHECK:         %{{.*}}, %{{.*}} = sparse_attn.merge (%[[A]], %[[LA]]) : tensor<?x8x?x64xbf16>, tensor<?x8x?xf32>
// CHECK:         %{{.*}}, %{{.*}} = sparse_attn.merge (%[[A]], %[[LA]]), (%[[B]], %[[LB]]), (%[[A]], %[[LB]]) {note = 1 : i64} : tensor<?x8x?x64xbf16>, tensor<?x8x?xf32>
func.func @merge(%a: !q, %la: !l, %b: !q, %lb: !l) {
  %0, %1 = sparse_attn.merge (%a, %la) : !q, !l
  %2, %3 = sparse_attn.merge (%a, %la), (%b, %lb), (%a, %lb) {note = 1} : !q, !l
  return
}

// Attention goes on from a partial result, with and without a log-sum-exp of its own.
// CHECK-LABEL: func.func @from(
// CHECK-SAME:    %{{.*}}: tensor<?x8x?x64xbf16>, %{{.*}}: tensor<?x2x?x64xbf16>, %[[A:.*]]: tensor<?x8x?x64xbf16>, %[[L:.*]]: tensor<?x8x?xf32>)
// CHECK:         pattern(@dense) from(%[[A]], %[[L]] : tensor<?x8x?x64xbf16>, tensor<?x8x?xf32>) : {{.*}} -> tensor<?x8x?x64xbf16>
// CHECK:         pattern(@dense) from(%[[A]], %[[L]] : tensor<?x8x?x64xbf16>, tensor<?x8x?xf32>) scale(0.5) modulo(2) schedule(@dense_64x64) score (%{{.*}}) {
// CHECK:         } : {{.*}} -> (tensor<?x8x?x64xbf16>, tensor<?x8x?xf32>)
func.func @from(%q: !q, %k: !k, %a: !q, %l: !l) {
  %0 = sparse_attn.attention %q, %k, %k pattern(@dense) from(%a, %l : !q, !l) : (!q, !k, !k) -> !q
  %1, %2 = sparse_attn.attention %q, %k, %k pattern(@dense) from(%a, %l : !q, !l) scale(0.5) modulo(2)
      schedule(@dense_64x64) score (%s, %b, %h, %i, %j) {
    %capped = math.tanh %s : f32
    sparse_attn.yield %capped : f32
  } : (!q, !k, !k) -> (!q, !l)
  return
}

// CHECK-LABEL: sparse_attn.kernel @resuming of(@dense) tile(64, 64) scale(0.125) resumes lse {
// CHECK-NEXT:  ^bb0(%q: {{.*}}, %k: {{.*}}, %v: {{.*}}, %{{[^:]*}}: index, %po: memref<?x8x?x64xbf16>, %pl: memref<?x8x?xf32>, %o: memref<?x8x?x64xbf16>, %lse: memref<?x8x?xf32>, %b: index, %h: index, %t: index):
// CHECK-NEXT:    %[[OUTPUT:.*]] = sparse_attn.load %po[%b, %h, %t] : memref<?x8x?x64xbf16> -> <64x64xbf16>
// CHECK-NEXT:    %[[SUMS:.*]] = sparse_attn.load %pl[%b, %h, %t] : memref<?x8x?xf32> -> <64xf32>
// CHECK-NEXT:    %{{.*}}, %{{.*}}, %{{.*}} = sparse_attn.softmax_resume %[[OUTPUT]], %[[SUMS]] : <64x64xbf16>, <64xf32> -> <64x64xf32>
sparse_attn.kernel @resuming of(@dense) tile(64, 64) scale(0.125) resumes lse {
^bb0(%0: memref<?x8x?x64xbf16>, %1: memref<?x2x?x64xbf16>, %2: memref<?x2x?x64xbf16>, %n: index,
     %3: memref<?x8x?x64xbf16>, %4: memref<?x8x?xf32>, %5: memref<?x8x?x64xbf16>, %6: memref<?x8x?xf32>,
     %7: index, %8: index, %9: index):
  %output = sparse_attn.load %3[%7, %8, %9] : memref<?x8x?x64xbf16> -> <64x64xbf16>
  %sums = sparse_attn.load %4[%7, %8, %9] : memref<?x8x?xf32> -> <64xf32>
  %m, %s, %acc = sparse_attn.softmax_resume %output, %sums : <64x64xbf16>, <64xf32> -> <64x64xf32>
  sparse_attn.return
}

// CHECK-LABEL: func.func @launch(
// CHECK-SAME:    %[[Q:.*]]: tensor<?x8x?x64xbf16>, %[[K:.*]]: tensor<?x2x?x64xbf16>, %[[N:.*]]: index, %[[A:.*]]: tensor<?x8x?x64xbf16>, %[[L:.*]]: tensor<?x8x?xf32>)
// CHECK:         sparse_attn.launch @resuming(%[[Q]], %[[K]], %[[K]]) captures(%[[N]]) from(%[[A]], %[[L]]) :
func.func @launch(%q: !q, %k: !k, %n: index, %a: !q, %l: !l) {
  %0, %1 = sparse_attn.launch @resuming(%q, %k, %k) captures(%n) from(%a, %l) : (!q, !k, !k, index, !q, !l) -> (!q, !l)
  return
}
