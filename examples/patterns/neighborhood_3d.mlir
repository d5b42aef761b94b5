// Generalized neighborhood attention (arXiv:2504.16922) over a video of 16 frames of 64 x 64 tokens: this frame and the 3
// before it, and in them the 12 x 12 around, which 4 x 4 queries share. Tokens are stored in tiles of 4 x 4 x 4.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @neighborhood_3d {
  %p = sparse_attn.neighborhood shape(16, 64, 64) window(4, 12, 12) stride(1, 4, 4) tile(4, 4, 4)
           causal(true, false, false)
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@neighborhood_3d) : (!t, !t, !t) -> !t
  return %o : !t
}
