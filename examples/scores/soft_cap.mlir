// Gemma 2 (arXiv:2408.00118): scores are bounded softly, by 50 tanh(s / 50), and every other layer sees the last 4096
// tokens alone.
!q = tensor<?x8x?x64xf32>
!k = tensor<?x4x?x64xf32>

sparse_attn.pattern @local {
  %near = sparse_attn.window left(4095) right(0)
  sparse_attn.yield %near
}

func.func @attention(%q: !q, %k: !k, %v: !k) -> !q {
  %o = sparse_attn.attention %q, %k, %v pattern(@local) score (%s, %b, %h, %i, %j) {
    %cap     = arith.constant 50.0 : f32
    %inverse = arith.constant 0.02 : f32
    %ratio   = arith.mulf %s, %inverse : f32
    %bounded = math.tanh %ratio : f32
    %capped  = arith.mulf %bounded, %cap : f32
    sparse_attn.yield %capped : f32
  } : (!q, !k, !k) -> !q
  return %o : !q
}
