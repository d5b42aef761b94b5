// A-shape head (MInference, arXiv:2407.02490): the first 128 tokens, and a local window; causal.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @a_shape {
  %past  = sparse_attn.causal
  %first = sparse_attn.keys first(128)
  %local = sparse_attn.window left(2048) right(0)
  %seen  = sparse_attn.union %first, %local
  %p     = sparse_attn.intersect %past, %seen
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@a_shape) : (!t, !t, !t) -> !t
  return %o : !t
}
