// Sliding tile attention (arXiv:2502.04507) over a video of 30 x 48 x 80 tokens, as of HunyuanVideo: a tile of 6 x 8 x 8
// tokens sees the 3 x 3 x 3 tiles around it. With the stride of a tile its queries share a window, and no mask is needed.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @sliding_tile {
  %p = sparse_attn.neighborhood shape(30, 48, 80) window(18, 24, 24) stride(6, 8, 8) tile(6, 8, 8)
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@sliding_tile) : (!t, !t, !t) -> !t
  return %o : !t
}
