// Neighborhood attention (arXiv:2204.07143) over an image of 64 x 64 tokens: each sees the 13 x 13 around it, pushed inside
// at the borders. Tokens are stored in tiles of 8 x 8, as sparse_attn_order_tokens orders them.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @neighborhood_2d {
  %p = sparse_attn.neighborhood shape(64, 64) window(13, 13) tile(8, 8)
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@neighborhood_2d) : (!t, !t, !t) -> !t
  return %o : !t
}
