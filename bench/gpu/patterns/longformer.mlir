// A local window, and a few tokens that see and are seen by everyone.

// build_artifacts.sh puts other head sizes here.
!array = tensor<?x?x?x128xbf16>

sparse_attn.pattern @longformer {
  %local  = sparse_attn.window left(256) right(256)
  %global = sparse_attn.global first(64)
  %both   = sparse_attn.union %local, %global
  sparse_attn.yield %both
}

func.func @attention(%q: !array, %k: !array, %v: !array) -> !array {
  %o = sparse_attn.attention %q, %k, %v pattern(@longformer) : (!array, !array, !array) -> !array
  return %o : !array
}
