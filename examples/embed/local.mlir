// A causal window: each token sees itself and the 63 tokens before it.
sparse_attn.pattern @window {
  %window = sparse_attn.window left(63) right(0)
  sparse_attn.yield %window
}

func.func @attention(%q: tensor<?x2x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x64xf32>) -> tensor<?x2x?x64xf32> {
  %o = sparse_attn.attention %q, %k, %v pattern(@window) : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x2x?x64xf32>
  return %o : tensor<?x2x?x64xf32>
}
