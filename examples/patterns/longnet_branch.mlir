// One branch of LongNet's dilated attention (arXiv:2307.02486): every 4th token of a segment of 2,048, of which heads take
// turns. Kernels work within residue classes: what is computed is dense.
!t = tensor<?x8x?x64xf32>

sparse_attn.pattern @longnet_branch {
  %p = sparse_attn.segment length(2048) rate(4) shift
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@longnet_branch) : (!t, !t, !t) -> !t
  return %o : !t
}
