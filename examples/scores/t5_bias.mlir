// T5 (arXiv:1910.10683), the encoder: a learned number for each head and bucket of distances, and scores that nothing
// scales. 16 buckets a direction: distances below 8 have one each, further ones share buckets that grow with the
// logarithm, up to a distance of 128. The table is [32, heads], as checkpoints have it; keys ahead use its upper half.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @all {
  %all = sparse_attn.dense
  sparse_attn.yield %all
}

func.func @attention(%q: !t, %k: !t, %v: !t, %table: memref<?x?xf32>) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@all) scale(1.0) score (%s, %b, %h, %i, %j) {
    %zero = arith.constant 0 : i32
    %near = arith.constant 8 : i32
    %last = arith.constant 15 : i32
    %half = arith.constant 16 : i32
    %distance = arith.subi %j, %i : index
    %signed   = arith.index_cast %distance : index to i32
    %is_ahead = arith.cmpi sgt, %signed, %zero : i32
    %first    = arith.select %is_ahead, %half, %zero : i32
    %length   = math.absi %signed : i32

    // 8 + 8 log(length / 8) / log(128 / 8) = 2 log2(length) + 2, rounded down. A little is added, so that powers of two
    // stay above the edge of their bucket.
    %is_near  = arith.cmpi slt, %length, %near : i32
    %far      = arith.maxsi %length, %near : i32
    %number   = arith.sitofp %far : i32 to f32
    %log      = math.log2 %number : f32
    %two      = arith.constant 2.0 : f32
    %shift    = arith.constant 2.001 : f32
    %place    = math.fma %log, %two, %shift : f32
    %rounded  = arith.fptosi %place : f32 to i32
    %at_most  = arith.minsi %rounded, %last : i32
    %bucket   = arith.select %is_near, %length, %at_most : i32

    %row_of_table = arith.addi %bucket, %first : i32
    %row    = arith.index_cast %row_of_table : i32 to index
    %bias   = sparse_attn.read %table[%row, %h] : memref<?x?xf32>
    %biased = arith.addf %s, %bias : f32
    sparse_attn.yield %biased : f32
  } : (!t, !t, !t) -> !t
  return %o : !t
}
