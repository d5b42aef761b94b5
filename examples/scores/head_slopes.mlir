// ALiBi (arXiv:2108.12409) for 8 heads with the slopes of the paper, 2^-(h + 1), computed and not captured, in a window of
// 1024 tokens. What does not depend on the pair is computed once for each tile of queries.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @near {
  %near = sparse_attn.window left(1023) right(0)
  sparse_attn.yield %near
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@near) score (%s, %b, %h, %i, %j) {
    %minus_one = arith.constant -1 : i32
    %head      = arith.index_cast %h : index to i32
    %power     = arith.subi %minus_one, %head : i32
    %exponent  = arith.sitofp %power : i32 to f32
    %slope     = math.exp2 %exponent : f32
    %distance  = arith.subi %j, %i : index
    %integer   = arith.index_cast %distance : index to i32
    %number    = arith.sitofp %integer : i32 to f32
    %biased    = math.fma %slope, %number, %s : f32
    sparse_attn.yield %biased : f32
  } : (!t, !t, !t) -> !t
  return %o : !t
}
