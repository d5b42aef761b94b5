// StreamingLLM (arXiv:2309.17453): four attention sinks, and the last 1,024 tokens.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @streaming_llm {
  %past   = sparse_attn.causal
  %sinks  = sparse_attn.keys first(4)
  %recent = sparse_attn.window left(1023) right(0)
  %seen   = sparse_attn.union %sinks, %recent
  %p      = sparse_attn.intersect %past, %seen
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@streaming_llm) : (!t, !t, !t) -> !t
  return %o : !t
}
