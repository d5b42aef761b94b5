// Patterns of every sort that sparse-attn-mask draws: structured, of a head, with captures.
!t = tensor<?x4x?x16xf32>
sparse_attn.pattern @sliding {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(48) right(48)
  %p = sparse_attn.intersect %causal, %window
  sparse_attn.yield %p
}
func.func @window(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@sliding) : (!t, !t, !t) -> !t
  return %o : !t
}
// Head h reads the keys from 16 h on.
sparse_attn.pattern @of_a_head {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %width = arith.constant 16 : index
    %first = arith.muli %h, %width : index
    %holds = arith.cmpi sge, %k, %first : index
    sparse_attn.yield %holds : i1
  }
  sparse_attn.yield %p
}
func.func @heads(%q: !t, %k: !t, %v: !t) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@of_a_head) : (!t, !t, !t) -> !t
  return %o : !t
}
sparse_attn.pattern @documents(%ids: memref<?xi32>, %sinks: index) {
  %same = sparse_attn.predicate (%b, %h, %q, %k) {
    %dq = sparse_attn.read %ids[%q] : memref<?xi32>
    %dk = sparse_attn.read %ids[%k] : memref<?xi32>
    %equal = arith.cmpi eq, %dq, %dk : i32
    sparse_attn.yield %equal : i1
  }
  %first = sparse_attn.keys first(%sinks)
  %p = sparse_attn.union %same, %first
  sparse_attn.yield %p
}
func.func @packed(%q: !t, %k: !t, %v: !t, %ids: memref<?xi32>, %sinks: index) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@documents(%ids, %sinks) : (memref<?xi32>, index)) : (!t, !t, !t) -> !t
  return %o : !t
}
!b = !sparse_attn.block_mask<16x16>
sparse_attn.pattern @chosen(%mask: !b) {
  %blocks = sparse_attn.blocks %mask : !b
  %causal = sparse_attn.causal
  %p = sparse_attn.intersect %blocks, %causal
  sparse_attn.yield %p
}
func.func @retrieved(%q: !t, %k: !t, %v: !t, %mask: !b) -> !t {
  %o = sparse_attn.attention %q, %k, %v pattern(@chosen(%mask) : (!b)) : (!t, !t, !t) -> !t
  return %o : !t
}
