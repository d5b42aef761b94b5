// Relative position bias: a learned number for each head and distance, as in Swin (arXiv:2103.14030), over one dimension.
// The table is [heads, 2 n + 1], for distances from -n to n; those further away have the numbers at its ends, where reads
// outside of an array end up.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @near {
  %near = sparse_attn.window left(511) right(511)
  sparse_attn.yield %near
}

func.func @attention(%q: !t, %k: !t, %v: !t, %table: memref<?x?xf32>, %n: index) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@near) score (%s, %b, %h, %i, %j) {
    %distance = arith.subi %j, %i : index
    %column   = arith.addi %distance, %n : index
    %bias     = sparse_attn.read %table[%h, %column] : memref<?x?xf32>
    %biased   = arith.addf %s, %bias : f32
    sparse_attn.yield %biased : f32
  } : (!t, !t, !t) -> !t
  return %o : !t
}
