// RUN: sparse-attn-opt %s --sparse-attn-to-tiles -split-input-file | FileCheck %s
// RUN: sparse-attn-opt %s --sparse-attn-to-tiles --sparse-attn-convert-to-cpu -split-input-file | FileCheck %s --check-prefix=CPU
// RUN: not sparse-attn-opt %s --sparse-attn-to-tiles=tile-k=48 -split-input-file 2>&1 | FileCheck %s --check-prefix=TILE
// TILE: expects tiles that are multiples or divisors of the blocks of '!sparse_attn.block_mask<16x32>', but got 16 and 48

!t = tensor<?x?x?x16xf32>
!mask = !sparse_attn.block_mask<16x32>

// Small blocks get two kernels: tiles no larger than the blocks, and large ones. The plan asks the mask for the keys of a node, and the closed form for the rest.
// CHECK-LABEL: sparse_attn.plan @retrieved_16x32_plan
// CHECK:         %[[ANY:.*]], %[[ALL:.*]] = sparse_attn.block_coverage %{{.*}} keys(%first_k to %last_k) : <16x32>
// CHECK:         %[[SOME:.*]] = arith.andi %[[ANY]], %{{.*}} : i1
// CHECK:         %[[WHOLE:.*]] = arith.andi %[[ALL]], %{{.*}} : i1
// CHECK:         sparse_attn.yield %[[SOME]], %[[WHOLE]] : i1, i1

// Rows of a mask count from the first query: the aligned position less what the keys are longer.
// CHECK-LABEL: sparse_attn.kernel @attend_0
// CHECK:         sparse_attn.mask
// CHECK-NEXT:    ^bb0(%[[Q:.*]]: index, %[[K:.*]]: index):
// CHECK:           %[[SHIFT:.*]] = arith.subi %[[SKV:.*]], %[[SQ:.*]] : index
// CHECK:           %[[ROW:.*]] = arith.subi %[[Q]], %[[SHIFT]] : index
// CHECK:           sparse_attn.block_active %{{.*}}[%[[ROW]], %[[K]]] : <16x32>

// CHECK-LABEL: sparse_attn.kernel @attend_0_64x64
// CHECK:         sparse_attn.visit @retrieved_64x64
// CHECK-LABEL: func.func @attend(
// CHECK:         sparse_attn.launch @attend_0, @attend_0_64x64(%{{.*}}, %{{.*}}, %{{.*}}) captures(%{{.*}})

// CPU-LABEL: func.func @attend_0_items(
// CPU-NOT:     sparse_attn.block_active
sparse_attn.pattern @retrieved(%mask: !mask) {
  %blocks = sparse_attn.blocks %mask : !mask
  %causal = sparse_attn.causal
  %p = sparse_attn.intersect %blocks, %causal
  sparse_attn.yield %p
}
func.func @attend(%q: !t, %k: !t, %v: !t, %mask: !mask) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@retrieved(%mask) : (!mask)) : (!t, !t, !t) -> !t
  return %o : !t
}
