// Prompts one behind another in one batch, without padding (cu_seqlens of FlashAttention, arXiv:2205.14135): prompt n is
// the rows from cu_seqlens[n] to cu_seqlens[n + 1].
!q = tensor<1x8x?x64xf32>
!k = tensor<1x2x?x64xf32>

sparse_attn.pattern @causal {
  %past = sparse_attn.causal
  sparse_attn.yield %past
}

func.func @attention(%q: !q, %k: !k, %v: !k, %cu_seqlens: memref<?xi32>) -> !q {
  %o = sparse_attn.attention %q, %k, %v pattern(@causal) q_offsets(%cu_seqlens) k_offsets(%cu_seqlens)
      : (!q, !k, !k) -> !q
  return %o : !q
}
