// Packed sequences (Krell et al., arXiv:2107.02027; cu_seqlens of FlashAttention, arXiv:2205.14135): several documents
// share a row, each causal on its own.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @packed_documents(%cu_seqlens: memref<?xi32>) {
  %own = sparse_attn.documents offsets(%cu_seqlens)
  %past = sparse_attn.causal
  %p = sparse_attn.intersect %own, %past
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t, %cu_seqlens: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@packed_documents(%cu_seqlens) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}
