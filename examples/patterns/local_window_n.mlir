// The window of local_window, as wide as a call asks for: `--capture=n=1023`, or `--sparsity=0.1` for a tenth of the tiles.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @local_window(%n: index) {
  %p = sparse_attn.window left(%n) right(0)
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@local_window(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}
