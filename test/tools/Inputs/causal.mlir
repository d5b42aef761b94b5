!t = tensor<1x2x?x16xf32>
sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}
func.func @f(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@causal) : (!t, !t, !t) -> !t
  return %o : !t
}
