// Small blocks, chosen at run time.
!t = tensor<1x?x?x64xf32>
!mask = !sparse_attn.block_mask<16x16>

sparse_attn.pattern @chosen(%mask: !mask) {
  %blocks = sparse_attn.blocks %mask : !mask
  sparse_attn.yield %blocks
}
func.func @retrieved(%q: !t, %k: !t, %v: !t, %mask: !mask) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@chosen(%mask) : (!mask)) : (!t, !t, !t) -> !t
  return %o : !t
}

// No two positions lie a step apart.
sparse_attn.pattern @far {
  %p = sparse_attn.stride step(536870912)
  sparse_attn.yield %p
}
func.func @strided(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@far) : (!t, !t, !t) -> !t
  return %o : !t
}
