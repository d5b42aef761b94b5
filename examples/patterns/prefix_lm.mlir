// Prefix language model (T5, arXiv:1910.10683): each sequence sees its own prefix whole, and is causal behind it.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @prefix_lm(%prefix: memref<?xi32>) {
  %p = sparse_attn.prefix_lm %prefix
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t, %prefix: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@prefix_lm(%prefix) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}
