// Sparse Transformer, strided (arXiv:1904.10509): the last 128 tokens, and every 128th before; causal.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @strided {
  %past   = sparse_attn.causal
  %recent = sparse_attn.window left(127) right(0)
  %every  = sparse_attn.stride step(128)
  %seen   = sparse_attn.union %recent, %every
  %p      = sparse_attn.intersect %past, %seen
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@strided) : (!t, !t, !t) -> !t
  return %o : !t
}
