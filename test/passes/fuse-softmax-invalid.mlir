// RUN: sparse-attn-opt %s --sparse-attn-fuse-softmax -split-input-file -verify-diagnostics

!t = tensor<1x1x?x16xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @no_schedule(%q: !t) -> !t {
  // expected-error @+1 {{expects a schedule; run -sparse-attn-specialize-blocks first}}
  %o = sparse_attn.attention %q, %q, %q pattern(@dense) : (!t, !t, !t) -> !t
  return %o : !t
}

// -----

!t = tensor<1x1x?x16xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @unknown_schedule(%q: !t) -> !t {
  // expected-error @+1 {{expects 'nothing' to name a schedule of @dense, but found none}}
  %o = sparse_attn.attention %q, %q, %q pattern(@dense) schedule(@nothing) : (!t, !t, !t) -> !t
  return %o : !t
}
