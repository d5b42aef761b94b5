// A window of 256 on both sides, and 64 tokens that see and are seen by everyone (Longformer, arXiv:2004.05150; ETC,
// arXiv:2004.08483).
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @global_local {
  %local  = sparse_attn.window left(256) right(256)
  %global = sparse_attn.global first(64)
  %p      = sparse_attn.union %local, %global
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@global_local) : (!t, !t, !t) -> !t
  return %o : !t
}
