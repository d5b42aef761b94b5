// A query attends to itself and to what came before.

// build_artifacts.sh puts other head sizes here.
!array = tensor<?x?x?x128xbf16>

sparse_attn.pattern @causal {
  %past = sparse_attn.causal
  sparse_attn.yield %past
}

func.func @attention(%q: !array, %k: !array, %v: !array) -> !array {
  %o = sparse_attn.attention %q, %k, %v pattern(@causal) : (!array, !array, !array) -> !array
  return %o : !array
}
