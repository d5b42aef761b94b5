// DuoAttention (arXiv:2410.10819): retrieval heads see all of the past, streaming heads its sinks and the last 256 tokens.
// Here they alternate.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @streaming_heads {
  %past      = sparse_attn.causal
  %sinks     = sparse_attn.keys first(64)
  %recent    = sparse_attn.window left(255) right(0)
  %seen      = sparse_attn.union %sinks, %recent
  %streaming = sparse_attn.intersect %past, %seen
  %p         = sparse_attn.per_head [%past, %streaming]
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@streaming_heads) : (!t, !t, !t) -> !t
  return %o : !t
}
