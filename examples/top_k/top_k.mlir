// Blocks of 64 queries and 64 keys that score best, and nothing after the query (as in MInference, Jiang et al., 2024).
// Which blocks these are is known when the plan is made: one mask a head.
sparse_attn.pattern @chosen(%mask: !sparse_attn.block_mask<64x64>) {
  %blocks = sparse_attn.blocks %mask
  %past   = sparse_attn.causal
  %both   = sparse_attn.intersect %blocks, %past
  sparse_attn.yield %both
}

func.func @attention(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>, %v: tensor<?x?x?x64xf32>,
                     %mask: !sparse_attn.block_mask<64x64>) -> tensor<?x?x?x64xf32> {
  %o = sparse_attn.attention %q, %k, %v pattern(@chosen(%mask) : (!sparse_attn.block_mask))
      : (tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32>
  return %o : tensor<?x?x?x64xf32>
}
