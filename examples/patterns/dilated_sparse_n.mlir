// The dilated window of dilated_sparse, as wide as a call asks for: `--capture=n=1024`, or `--sparsity=0.1`.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @dilated_sparse(%n: index) {
  %window = sparse_attn.window left(%n) right(%n)
  %eighth = sparse_attn.stride step(8)
  %p      = sparse_attn.intersect %window, %eighth
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@dilated_sparse(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}
