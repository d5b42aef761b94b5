// LongNet's dilated attention (arXiv:2307.02486): segments of 2,048, 4,096 and 8,192 tokens, of which every token, every
// 2nd and every 4th take part; heads take turns. The branches are merged by their log-sum-exps, so a key that two of them
// reach counts twice, as in the paper. Every branch is dense work within residue classes.
!t = tensor<?x8x?x64xf32>
!l = tensor<?x8x?xf32>

sparse_attn.pattern @every {
  %p = sparse_attn.segment length(2048) rate(1) shift
  sparse_attn.yield %p
}

sparse_attn.pattern @every_second {
  %p = sparse_attn.segment length(4096) rate(2) shift
  sparse_attn.yield %p
}

sparse_attn.pattern @every_fourth {
  %p = sparse_attn.segment length(8192) rate(4) shift
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %a, %la = sparse_attn.attention %q, %k, %v pattern(@every) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %k, %v pattern(@every_second) : (!t, !t, !t) -> (!t, !l)
  %c, %lc = sparse_attn.attention %q, %k, %v pattern(@every_fourth) : (!t, !t, !t) -> (!t, !l)
  %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb), (%c, %lc) : !t, !l
  return %o : !t
}
