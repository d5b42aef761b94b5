// Longformer (Beltagy et al., 2020): a local window, and a few tokens that see and are seen by everyone.
sparse_attn.pattern @longformer {
  %local  = sparse_attn.window left(256) right(256)
  %global = sparse_attn.global first(64)
  %both   = sparse_attn.union %local, %global
  sparse_attn.yield %both
}

func.func @attention_f32(%q: tensor<?x8x?x64xf32>, %k: tensor<?x8x?x64xf32>, %v: tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32> {
  %o = sparse_attn.attention %q, %k, %v pattern(@longformer) : (tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32>
  return %o : tensor<?x8x?x64xf32>
}

func.func @attention_bf16(%q: tensor<?x8x?x64xbf16>, %k: tensor<?x8x?x64xbf16>, %v: tensor<?x8x?x64xbf16>) -> tensor<?x8x?x64xbf16> {
  %o = sparse_attn.attention %q, %k, %v pattern(@longformer) : (tensor<?x8x?x64xbf16>, tensor<?x8x?x64xbf16>, tensor<?x8x?x64xbf16>) -> tensor<?x8x?x64xbf16>
  return %o : tensor<?x8x?x64xbf16>
}
