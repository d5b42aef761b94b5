// The pattern of global_local, as wide as a call asks for: `--capture=local=256 --capture=global=64`; or `--sparsity=0.1`,
// which chooses what is not given.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @global_local(%window: index, %first: index) {
  %local  = sparse_attn.window left(%window) right(%window)
  %global = sparse_attn.global first(%first)
  %p      = sparse_attn.union %local, %global
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t, %local: index, %global: index) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@global_local(%local, %global) : (index, index)) : (!t, !t, !t) -> !t
  return %o : !t
}
