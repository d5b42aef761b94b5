// Weights and their sums are computed on the CPU alone.
// DEFINE: %{check} = -split-input-file -verify-diagnostics
// RUN: sparse-attn-opt %s --sparse-attn-to-tiles=target=sm_80 --sparse-attn-convert-to-nvvm=chip=sm_80 %{check}
// RUN: sparse-attn-opt %s --sparse-attn-to-tiles=target=sm_90a --sparse-attn-convert-to-nvvm=chip=sm_90a %{check}

!t = tensor<1x1x?x64xf16>
!lse = tensor<1x1x?xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @weights(%q: !t, %lse: !lse) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>) {
  // expected-error @+1 {{expects a kernel of attention; weights and column sums are computed on the CPU}}
  %0:3 = sparse_attn.weights %q, %q, %lse pattern(@dense) : (!t, !t, !lse) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return %0#0, %0#1, %0#2 : tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>
}

// -----

!t = tensor<1x1x?x64xf16>
!lse = tensor<1x1x?xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @column_sums(%q: !t, %lse: !lse) -> !lse {
  // expected-error @+1 {{expects a kernel of attention; weights and column sums are computed on the CPU}}
  %0 = sparse_attn.column_sums %q, %q, %lse pattern(@dense) : (!t, !t, !lse) -> !lse
  return %0 : !lse
}
