// Prompts of different lengths in a batch, each padded to the longest: batch b has lengths[b] tokens, and the rest of its
// rows are neither read nor written.
!q = tensor<?x8x?x64xf32>
!k = tensor<?x2x?x64xf32>

sparse_attn.pattern @causal {
  %past = sparse_attn.causal
  sparse_attn.yield %past
}

func.func @attention(%q: !q, %k: !k, %v: !k, %lengths: memref<?xi32>) -> !q {
  %o = sparse_attn.attention %q, %k, %v pattern(@causal) q_lengths(%lengths) k_lengths(%lengths) : (!q, !k, !k) -> !q
  return %o : !q
}
