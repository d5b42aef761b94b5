// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks -split-input-file -verify-diagnostics

!t = tensor<?x?x?x16xf32>

// `modulo` is a promise that the pattern has to keep.
sparse_attn.pattern @near {
  %p = sparse_attn.window left(64) right(64)
  sparse_attn.yield %p
}
func.func @broken_promise(%q: !t) -> !t {
  // expected-error @+1 {{expects a pattern all of whose pairs lie a multiple of modulo(8) apart, in bands, but got @near}}
  %o = sparse_attn.attention %q, %q, %q pattern(@near) modulo(8) : (!t, !t, !t) -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x?x16xf32>

sparse_attn.pattern @near {
  %p = sparse_attn.window left(64) right(64)
  sparse_attn.yield %p
}
func.func @attention_c11(%q: !t) -> !t {
  // expected-error @+1 {{expects a positive modulo, but got 0}}
  %o = sparse_attn.attention %q, %q, %q pattern(@near) modulo(0) : (!t, !t, !t) -> !t
  return %o : !t
}
