// What a near and a far pattern see: one after the other, merged, and in two calls.
!t = tensor<?x2x?x16xf32>
!l = tensor<?x2x?xf32>
sparse_attn.pattern @recent {
  %p = sparse_attn.window left(20) right(0)
  sparse_attn.yield %p
}
sparse_attn.pattern @far {
  %p = sparse_attn.stride step(5)
  sparse_attn.yield %p
}
func.func @sums(%q: !t, %k: !t, %v: !t) -> !l {
  %a, %la = sparse_attn.attention %q, %k, %v pattern(@recent) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %k, %v pattern(@far) : (!t, !t, !t) -> (!t, !l)
  %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb) : !t, !l
  return %lse : !l
}
func.func @returned(%q: !t, %k: !t, %v: !t) -> (!t, !t, !l) {
  %a, %la = sparse_attn.attention %q, %k, %v pattern(@recent) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %k, %v pattern(@far) : (!t, !t, !t) -> (!t, !l)
  %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb) : !t, !l
  return %o, %a, %lse : !t, !t, !l
}
func.func @two_layers(%q: !t, %k: !t, %v: !t) -> !t {
  %a, %la = sparse_attn.attention %q, %k, %v pattern(@recent) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %k, %v pattern(@far) : (!t, !t, !t) -> (!t, !l)
  %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb) : !t, !l
  %c, %lc = sparse_attn.attention %o, %k, %v pattern(@recent) : (!t, !t, !t) -> (!t, !l)
  %d, %ld = sparse_attn.attention %o, %o, %v pattern(@far) from(%c, %lc : !t, !l) : (!t, !t, !t) -> (!t, !l)
  return %d : !t
}
func.func @same(%q: !t, %k: !t, %v: !t) -> !t {
  %a, %la = sparse_attn.attention %q, %k, %v pattern(@recent) : (!t, !t, !t) -> (!t, !l)
  %d = sparse_attn.attention %a, %k, %v pattern(@far) from(%a, %la : !t, !l) : (!t, !t, !t) -> !t
  return %d : !t
}
func.func @near(%q: !t, %k: !t, %v: !t) -> (!t, !l) {
  %o, %lse = sparse_attn.attention %q, %k, %v pattern(@recent) : (!t, !t, !t) -> (!t, !l)
  return %o, %lse : !t, !l
}
func.func @both(%q: !t, %k: !t, %v: !t) -> (!t, !l) {
  %a, %la = sparse_attn.attention %q, %k, %v pattern(@recent) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %k, %v pattern(@far) : (!t, !t, !t) -> (!t, !l)
  %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb) : !t, !l
  return %o, %lse : !t, !l
}
func.func @ring(%q: !t, %k: !t, %v: !t, %po: !t, %pl: !l) -> (!t, !l) {
  %o, %lse = sparse_attn.attention %q, %k, %v pattern(@far) from(%po, %pl : !t, !l) : (!t, !t, !t) -> (!t, !l)
  return %o, %lse : !t, !l
}
