// A step of generation: the newest tokens of each request, over a cache of keys and values with room for more than the
// lengths[n] that request n has so far. The newest tokens stand at the end of their own cache. StreamingLLM
// (arXiv:2309.17453) keeps four sinks and a window.
!q = tensor<?x8x?x64xf32>
!k = tensor<?x2x?x64xf32>

sparse_attn.pattern @streaming {
  %past = sparse_attn.causal
  %near = sparse_attn.window left(1023) right(0)
  %sinks = sparse_attn.keys first(4)
  %any = sparse_attn.union %near, %sinks
  %p = sparse_attn.intersect %past, %any
  sparse_attn.yield %p
}

func.func @attention(%q: !q, %k: !k, %v: !k, %lengths: memref<?xi32>) -> !q {
  %o = sparse_attn.attention %q, %k, %v pattern(@streaming) k_lengths(%lengths) : (!q, !k, !k) -> !q
  return %o : !q
}
