// A tree of drafted tokens behind a context: a token sees its ancestors, itself and the context. The tokens stand in
// depth-first order, so that those below k are the ones from k on to just before %past[k]; for the context, all.

// build_artifacts.sh puts other head sizes here.
!array = tensor<?x?x?x128xbf16>

sparse_attn.pattern @tree(%past: memref<?xi32>) {
  %before = sparse_attn.causal
  %below  = sparse_attn.predicate (%b, %h, %q, %k) {
    %end   = sparse_attn.read %past[%k] : memref<?xi32>
    %bound = arith.index_cast %end : i32 to index
    %in    = arith.cmpi slt, %q, %bound : index
    sparse_attn.yield %in : i1
  }
  %both = sparse_attn.intersect %before, %below
  sparse_attn.yield %both
}

func.func @attention(%q: !array, %k: !array, %v: !array, %past: memref<?xi32>) -> !array {
  %o = sparse_attn.attention %q, %k, %v pattern(@tree(%past) : (memref<?xi32>)) : (!array, !array, !array) -> !array
  return %o : !array
}
