// A query attends to itself and to the 4,095 tokens before it.

// build_artifacts.sh puts other head sizes here.
!array = tensor<?x?x?x128xbf16>

sparse_attn.pattern @window_4096 {
  %near = sparse_attn.window left(4095) right(0)
  sparse_attn.yield %near
}

func.func @attention(%q: !array, %k: !array, %v: !array) -> !array {
  %o = sparse_attn.attention %q, %k, %v pattern(@window_4096) : (!array, !array, !array) -> !array
  return %o : !array
}
