// Score regions of weights and of their sums read arrays of f32, as those of attention do, and keep their constants.
// RUN: sparse-attn-opt %s --canonicalize | sparse-attn-opt | FileCheck %s

!t = tensor<?x8x?x64xbf16>
!l = tensor<?x8x?xf32>
!slopes = memref<?xf32>

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// CHECK-LABEL: func.func @biased(
// CHECK-SAME:    %[[SLOPES:[a-z0-9]*]]: memref<?xf32>)
// CHECK-NEXT:    sparse_attn.weights {{.*}} score (%[[S:.*]], %{{.*}}, %[[H:.*]], %{{.*}}, %{{.*}}) {
// CHECK-NEXT:      %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
// CHECK-NEXT:      %[[SLOPE:.*]] = sparse_attn.read %[[SLOPES]][%[[H]]] : memref<?xf32>
// CHECK-NEXT:      %[[SCALED:.*]] = arith.mulf %[[SLOPE]], %[[HALF]] : f32
// CHECK-NEXT:      %[[NEW:.*]] = arith.addf %[[S]], %[[SCALED]] : f32
// CHECK-NEXT:      sparse_attn.yield %[[NEW]] : f32
// CHECK:         sparse_attn.column_sums {{.*}} score (
// CHECK-NEXT:      %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
// CHECK-NEXT:      sparse_attn.read %[[SLOPES]][
func.func @biased(%q: !t, %l: !l, %slopes: !slopes) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>, !l) {
  %p, %i, %v = sparse_attn.weights %q, %q, %l pattern(@dense) score (%s, %b, %h, %qp, %kp) {
    %half = arith.constant 0.5 : f32
    %slope = sparse_attn.read %slopes[%h] : !slopes
    %scaled = arith.mulf %slope, %half : f32
    %new = arith.addf %s, %scaled : f32
    sparse_attn.yield %new : f32
  } : (!t, !t, !l) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  %sums = sparse_attn.column_sums %q, %q, %l pattern(@dense) score (%s, %b, %h, %qp, %kp) {
    %half = arith.constant 0.5 : f32
    %slope = sparse_attn.read %slopes[%h] : !slopes
    %scaled = arith.mulf %slope, %half : f32
    %new = arith.addf %s, %scaled : f32
    sparse_attn.yield %new : f32
  } : (!t, !t, !l) -> !l
  return %p, %i, %v, %sums : tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>, !l
}
