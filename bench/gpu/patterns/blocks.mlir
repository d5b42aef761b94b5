// The 64 x 64 blocks of a mask that is made at run time: lists of any density, and BigBird's blocks.

// build_artifacts.sh puts other head sizes here.
!array = tensor<?x?x?x128xbf16>

sparse_attn.pattern @blocks(%mask: !sparse_attn.block_mask<64x64>) {
  %blocks = sparse_attn.blocks %mask
  sparse_attn.yield %blocks
}

func.func @attention(%q: !array, %k: !array, %v: !array, %mask: !sparse_attn.block_mask<64x64>) -> !array {
  %o = sparse_attn.attention %q, %k, %v pattern(@blocks(%mask) : (!sparse_attn.block_mask<64x64>)) : (!array, !array, !array) -> !array
  return %o : !array
}
