// A query attends to itself and to the 1,023 tokens before it.

// build_artifacts.sh puts other head sizes here.
!array = tensor<?x?x?x128xbf16>

sparse_attn.pattern @window_1024 {
  %near = sparse_attn.window left(1023) right(0)
  sparse_attn.yield %near
}

func.func @attention(%q: !array, %k: !array, %v: !array) -> !array {
  %o = sparse_attn.attention %q, %k, %v pattern(@window_1024) : (!array, !array, !array) -> !array
  return %o : !array
}
