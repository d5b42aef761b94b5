// A causal window beside a few first tokens that stay in sight; the width of the window is chosen at run time.
sparse_attn.pattern @window(%width: index) {
  %window = sparse_attn.window left(%width) right(0)
  %sinks  = sparse_attn.keys first(4)
  %seen   = sparse_attn.union %window, %sinks
  %past   = sparse_attn.causal
  %both   = sparse_attn.intersect %seen, %past
  sparse_attn.yield %both
}

func.func @attention(%q: tensor<?x2x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x64xf32>, %width: index) -> tensor<?x2x?x64xf32> {
  %o = sparse_attn.attention %q, %k, %v pattern(@window(%width) : (index)) : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x2x?x64xf32>
  return %o : tensor<?x2x?x64xf32>
}
