// A function with everything that a header describes: arrays, a captured number, two results.
!t = tensor<?x2x?x16xf32>
sparse_attn.pattern @sliding(%unused: index) {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(40) right(40)
  %p = sparse_attn.intersect %causal, %window
  sparse_attn.yield %p
}
func.func @attention(%q: !t, %k: !t, %v: !t, %width: index) -> (!t, tensor<?x2x?xf32>) {
  %o, %lse = sparse_attn.attention %q, %k, %v pattern(@sliding(%width) : (index))
      : (!t, !t, !t) -> (!t, tensor<?x2x?xf32>)
  return %o, %lse : !t, tensor<?x2x?xf32>
}
