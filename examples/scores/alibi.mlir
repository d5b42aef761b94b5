// ALiBi (Press et al., arXiv:2108.12409): no position embeddings; a key weighs less the further it lies back, by a slope
// that each head has of its own. For n heads the paper takes 2^(-8 (h + 1) / n), here as an array.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @causal {
  %past = sparse_attn.causal
  sparse_attn.yield %past
}

func.func @attention(%q: !t, %k: !t, %v: !t, %slopes: memref<?xf32>) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@causal) score (%s, %b, %h, %i, %j) {
    %slope    = sparse_attn.read %slopes[%h] : memref<?xf32>
    %distance = arith.subi %j, %i : index
    %integer  = arith.index_cast %distance : index to i32
    %number   = arith.sitofp %integer : i32 to f32
    %bias     = arith.mulf %slope, %number : f32
    %biased   = arith.addf %s, %bias : f32
    sparse_attn.yield %biased : f32
  } : (!t, !t, !t) -> !t
  return %o : !t
}
