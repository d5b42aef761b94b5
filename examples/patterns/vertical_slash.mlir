// Vertical and slash lines (MInference, arXiv:2407.02490): for each head the keys and the distances that an estimate found
// to matter, in ascending order; a head with fewer repeats its last.
!t = tensor<?x8x?x64xf32>
!lines = memref<?x?x?xi32>

sparse_attn.pattern @vertical_slash(%columns: !lines, %diagonals: !lines) {
  %p = sparse_attn.vertical_slash columns(%columns) diagonals(%diagonals) : !lines
  sparse_attn.yield %p
}

func.func @attention(%q: !t, %k: !t, %v: !t, %columns: !lines, %diagonals: !lines) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@vertical_slash(%columns, %diagonals) : (!lines, !lines))
      : (!t, !t, !t) -> !t
  return %o : !t
}
