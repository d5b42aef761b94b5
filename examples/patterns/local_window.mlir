// Sliding window attention: each token sees the last 1,024 (Mistral 7B, arXiv:2310.06825).
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @local_window {
  %p = sparse_attn.window left(1023) right(0)
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@local_window) : (!t, !t, !t) -> !t
  return %o : !t
}
