// BigBird (arXiv:2007.14062): blocks of 64 tokens; each sees its neighbours, two global blocks and three random ones.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @bigbird {
  %window = sparse_attn.window left(96) right(96)
  %global = sparse_attn.global first(128)
  %random = sparse_attn.random blocks(3) size(64) seed(7)
  %p      = sparse_attn.union %window, %global, %random
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@bigbird) : (!t, !t, !t) -> !t
  return %o : !t
}
