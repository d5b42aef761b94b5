// LogSparse (arXiv:1907.00235): tokens at distances 0, 1, 2, 4, 8, ... in the past.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @log_sparse {
  %past   = sparse_attn.causal
  %powers = sparse_attn.exponential base(2)
  %p      = sparse_attn.intersect %past, %powers
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@log_sparse) : (!t, !t, !t) -> !t
  return %o : !t
}
