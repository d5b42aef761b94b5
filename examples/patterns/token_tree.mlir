// Speculative decoding over a tree of drafts (SpecInfer, arXiv:2305.09781; Medusa, arXiv:2401.10774): each draft sees the
// text so far, and the drafts that it continues. The parents are numbers of drafts, -1 for those that continue the text.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @token_tree(%parents: memref<?xi32>) {
  %p = sparse_attn.tree parents(%parents)
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t, %parents: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@token_tree(%parents) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}
