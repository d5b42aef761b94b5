// The last 128 tokens, and every 128th before them.

// build_artifacts.sh puts other head sizes here.
!array = tensor<?x?x?x128xbf16>

sparse_attn.pattern @strided {
  %past  = sparse_attn.causal
  %near  = sparse_attn.window left(127) right(0)
  %every = sparse_attn.stride step(128)
  %seen  = sparse_attn.union %near, %every
  %both  = sparse_attn.intersect %past, %seen
  sparse_attn.yield %both
}

func.func @attention(%q: !array, %k: !array, %v: !array) -> !array {
  %o = sparse_attn.attention %q, %k, %v pattern(@strided) : (!array, !array, !array) -> !array
  return %o : !array
}
