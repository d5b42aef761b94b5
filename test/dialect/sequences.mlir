// RUN: sparse-attn-opt %s | sparse-attn-opt | FileCheck %s
// RUN: sparse-attn-opt %s --mlir-print-op-generic | sparse-attn-opt | FileCheck %s

!q = tensor<?x8x?x64xbf16>
!k = tensor<?x2x?x64xbf16>
!l = tensor<?x8x?xf32>

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
sparse_attn.pattern @prefix(%lengths: memref<?xi32>) {
  %p = sparse_attn.prefix_lm %lengths
  sparse_attn.yield %p
}

// Each operand alone, and all of them.
// CHECK-LABEL: func.func @places(
// CHECK-SAME:    %{{.*}}: tensor<?x8x?x64xbf16>, %{{.*}}: tensor<?x2x?x64xbf16>, %[[A:.*]]: memref<?xi32>, %[[B:.*]]: memref<?xi32>)
// CHECK:         pattern(@dense) q_lengths(%[[A]]) : (tensor
// CHECK:         pattern(@dense) k_lengths(%[[A]]) : (tensor
// CHECK:         pattern(@dense) q_offsets(%[[A]]) : (tensor
// CHECK:         pattern(@dense) k_offsets(%[[A]]) : (tensor
// CHECK:         pattern(@dense) q_lengths(%[[A]]) k_offsets(%[[B]]) : (tensor
// CHECK:         pattern(@dense) q_lengths(%[[A]]) k_lengths(%[[A]]) q_offsets(%[[B]]) k_offsets(%[[B]]) : (tensor
func.func @places(%q: !q, %k: !k, %a: memref<?xi32>, %b: memref<?xi32>) {
  %0 = sparse_attn.attention %q, %k, %k pattern(@dense) q_lengths(%a) : (!q, !k, !k) -> !q
  %1 = sparse_attn.attention %q, %k, %k pattern(@dense) k_lengths(%a) : (!q, !k, !k) -> !q
  %2 = sparse_attn.attention %q, %k, %k pattern(@dense) q_offsets(%a) : (!q, !k, !k) -> !q
  %3 = sparse_attn.attention %q, %k, %k pattern(@dense) k_offsets(%a) : (!q, !k, !k) -> !q
  %4 = sparse_attn.attention %q, %k, %k pattern(@dense) q_lengths(%a) k_offsets(%b) : (!q, !k, !k) -> !q
  %5 = sparse_attn.attention %q, %k, %k pattern(@dense) q_lengths(%a) k_lengths(%a) q_offsets(%b) k_offsets(%b)
      : (!q, !k, !k) -> !q
  return
}

// They stand behind the captures of the pattern, and before all else.
// CHECK-LABEL: func.func @among_others(
// CHECK:         pattern(@prefix(%[[N:.*]]) : (memref<?xi32>)) q_lengths(%[[N]]) from(%{{.*}}, %{{.*}} : tensor<?x8x?x64xbf16>, tensor<?x8x?xf32>) scale(0.5) modulo(2) score (%[[S:[a-z]*]], %{{.*}}) {
// CHECK-NEXT:      sparse_attn.yield %[[S]] : f32
// CHECK-NEXT:    } : {{.*}} -> (tensor<?x8x?x64xbf16>, tensor<?x8x?xf32>)
func.func @among_others(%q: !q, %k: !k, %n: memref<?xi32>, %p: !q, %lp: !l) {
  %0, %1 = sparse_attn.attention %q, %k, %k pattern(@prefix(%n) : (memref<?xi32>)) q_lengths(%n)
      from(%p, %lp : !q, !l) scale(0.5) modulo(2) score (%s, %b, %h, %i, %j) {
    sparse_attn.yield %s : f32
  } : (!q, !k, !k) -> (!q, !l)
  return
}

// The table stands between captures and the partial result, or the output.
// CHECK-LABEL: sparse_attn.kernel @plain of(@dense) tile(64, 64) scale(0.125) sequences {
// CHECK-NEXT:  ^bb0(%q: {{[^%]*}}, %k: {{[^%]*}}, %v: {{[^%]*}}, %sequences: memref<?x?xi32>, %o: {{[^%]*}}, %b: index, %h: index, %t: index):
// CHECK-NEXT:    %{{.*}} = sparse_attn.rows %q from(%t) count(%h) step(1) : memref<?x8x?x64xbf16>
// CHECK-NEXT:    %{{.*}} = sparse_attn.rows %q from(%t) step(8) : memref<?x8x?x64xbf16>
sparse_attn.kernel @plain of(@dense) tile(64, 64) scale(0.125) sequences {
^bb0(%0: memref<?x8x?x64xbf16>, %1: memref<?x2x?x64xbf16>, %2: memref<?x2x?x64xbf16>, %3: memref<?x?xi32>,
     %4: memref<?x8x?x64xbf16>, %5: index, %6: index, %7: index):
  %some = sparse_attn.rows %0 from(%7) count(%6) step(1) : memref<?x8x?x64xbf16>
  %all = sparse_attn.rows %0 from(%7) step(8) : memref<?x8x?x64xbf16>
  sparse_attn.return
}

// CHECK-LABEL: sparse_attn.kernel @whole of(@dense) tile(64, 64) scale(0.125) sequences resumes lse modulo(2) {
// CHECK-NEXT:  ^bb0(%q: {{[^%]*}}, %k: {{[^%]*}}, %v: {{[^%]*}}, %{{[^:]*}}: index, %sequences: memref<?x?xi32>, %po: {{[^%]*}}, %pl: {{[^%]*}}, %o: {{[^%]*}}, %lse: {{[^%]*}}, %b: index, %h: index, %t: index):
sparse_attn.kernel @whole of(@dense) tile(64, 64) scale(0.125) sequences resumes lse modulo(2) {
^bb0(%0: memref<?x8x?x64xbf16>, %1: memref<?x2x?x64xbf16>, %2: memref<?x2x?x64xbf16>, %n: index,
     %3: memref<?x?xi32>, %4: memref<?x8x?x64xbf16>, %5: memref<?x8x?xf32>, %6: memref<?x8x?x64xbf16>,
     %7: memref<?x8x?xf32>, %8: index, %9: index, %10: index):
  sparse_attn.return
}

// CHECK-LABEL: func.func @launch(
// CHECK-SAME:    %[[Q:.*]]: tensor<?x8x?x64xbf16>, %[[K:.*]]: tensor<?x2x?x64xbf16>, %[[I:.*]]: index, %[[N:.*]]: memref<?xi32>, %[[A:.*]]: tensor<?x8x?x64xbf16>, %[[L:.*]]: tensor<?x8x?xf32>)
// CHECK:         sparse_attn.launch @plain(%[[Q]], %[[K]], %[[K]]) q_offsets(%[[N]]) k_offsets(%[[N]]) :
// CHECK:         sparse_attn.launch @whole(%[[Q]], %[[K]], %[[K]]) captures(%[[I]]) q_lengths(%[[N]]) k_lengths(%[[N]]) from(%[[A]], %[[L]]) :
func.func @launch(%q: !q, %k: !k, %i: index, %n: memref<?xi32>, %a: !q, %l: !l) {
  %0 = sparse_attn.launch @plain(%q, %k, %k) q_offsets(%n) k_offsets(%n)
      : (!q, !k, !k, memref<?xi32>, memref<?xi32>) -> !q
  %1, %2 = sparse_attn.launch @whole(%q, %k, %k) captures(%i) q_lengths(%n) k_lengths(%n) from(%a, %l)
      : (!q, !k, !k, index, !q, !l, memref<?xi32>, memref<?xi32>) -> (!q, !l)
  return
}
