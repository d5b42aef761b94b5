// Dilated sliding window: every 8th token within 1,024 on both sides (Longformer, arXiv:2004.05150, section 3.1). Kernels
// work within the residue classes of the positions, and compute no pair that the dilation leaves out.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @dilated_sparse {
  %window = sparse_attn.window left(1024) right(1024)
  %eighth = sparse_attn.stride step(8)
  %p      = sparse_attn.intersect %window, %eighth
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@dilated_sparse) : (!t, !t, !t) -> !t
  return %o : !t
}
