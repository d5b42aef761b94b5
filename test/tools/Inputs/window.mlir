// Two heads of 16 with a causal window, and the same with a log-sum-exp.
sparse_attn.pattern @window {
  %window = sparse_attn.window left(40) right(0)
  sparse_attn.yield %window
}
func.func @plain(%q: tensor<?x2x?x16xf32>, %k: tensor<?x2x?x16xf32>, %v: tensor<?x2x?x16xf32>)
    -> tensor<?x2x?x16xf32> {
  %o = sparse_attn.attention %q, %k, %v pattern(@window)
      : (tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x2x?x16xf32>
  return %o : tensor<?x2x?x16xf32>
}
func.func @brain(%q: tensor<?x2x?x16xbf16>, %k: tensor<?x2x?x16xbf16>, %v: tensor<?x2x?x16xbf16>)
    -> tensor<?x2x?x16xbf16> {
  %o = sparse_attn.attention %q, %k, %v pattern(@window)
      : (tensor<?x2x?x16xbf16>, tensor<?x2x?x16xbf16>, tensor<?x2x?x16xbf16>) -> tensor<?x2x?x16xbf16>
  return %o : tensor<?x2x?x16xbf16>
}
