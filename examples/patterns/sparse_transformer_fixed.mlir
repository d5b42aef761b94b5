// Sparse Transformer, fixed (arXiv:1904.10509): the own block of 128 tokens, and the last 8 of every block; causal.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @fixed {
  %past    = sparse_attn.causal
  %block   = sparse_attn.chunk size(128)
  %summary = sparse_attn.columns every(128) last(8)
  %seen    = sparse_attn.union %block, %summary
  %p       = sparse_attn.intersect %past, %seen
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@fixed) : (!t, !t, !t) -> !t
  return %o : !t
}
