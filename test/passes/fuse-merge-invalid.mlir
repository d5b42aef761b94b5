// RUN: sparse-attn-opt %s --sparse-attn-fuse-merge -split-input-file -verify-diagnostics

!t = tensor<?x2x?x16xf32>
!l = tensor<?x2x?xf32>

func.func @two_given(%a: !t, %la: !l, %b: !t, %lb: !l) -> !t {
  // expected-error @+1 {{expects all partial results but one to come from attention that nothing else uses, and that does not go on from others, but got two that do not}}
  %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb) : !t, !l
  return %o : !t
}

// -----

!t = tensor<?x2x?x16xf32>
!l = tensor<?x2x?xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// The output of one, the log-sum-exp of the other is returned as well.
func.func @two_returned(%q: !t) -> (!t, !t, !l) {
  %a, %la = sparse_attn.attention %q, %q, %q pattern(@dense) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %q, %q pattern(@dense) : (!t, !t, !t) -> (!t, !l)
  // expected-error @+1 {{expects all partial results but one to come from attention that nothing else uses, and that does not go on from others, but got two that do not}}
  %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb) : !t, !l
  return %o, %a, %lb : !t, !t, !l
}

// -----

!t = tensor<?x2x?x16xf32>
!l = tensor<?x2x?xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

func.func @twice(%q: !t) -> !t {
  %a, %la = sparse_attn.attention %q, %q, %q pattern(@dense) : (!t, !t, !t) -> (!t, !l)
  // expected-error @+1 {{but got two that do not}}
  %o, %lse = sparse_attn.merge (%a, %la), (%a, %la) : !t, !l
  return %o : !t
}

// -----

!t = tensor<?x2x?x16xf32>
!l = tensor<?x2x?xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

func.func @two_resumed(%q: !t, %a: !t, %la: !l) -> !t {
  %b, %lb = sparse_attn.attention %q, %q, %q pattern(@dense) from(%a, %la : !t, !l) : (!t, !t, !t) -> (!t, !l)
  // expected-error @+1 {{but got two that do not}}
  %o, %lse = sparse_attn.merge (%b, %lb), (%a, %la) : !t, !l
  return %o : !t
}

// -----

!t = tensor<?x2x?x16xf32>
!l = tensor<?x2x?xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

func.func @other_lengths(%q: !t, %n: memref<?xi32>, %m: memref<?xi32>) -> !t {
  %a, %la = sparse_attn.attention %q, %q, %q pattern(@dense) q_lengths(%n) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %q, %q pattern(@dense) q_lengths(%m) : (!t, !t, !t) -> (!t, !l)
  // expected-error @+1 {{expects all attention over the same sequences of queries: one q_lengths and one q_offsets, or none}}
  %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb) : !t, !l
  return %o : !t
}

// -----

!t = tensor<?x2x?x16xf32>
!l = tensor<?x2x?xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

func.func @offsets_of_one(%q: !t, %n: memref<?xi32>) -> !t {
  %a, %la = sparse_attn.attention %q, %q, %q pattern(@dense) q_offsets(%n) k_offsets(%n) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %q, %q pattern(@dense) k_offsets(%n) : (!t, !t, !t) -> (!t, !l)
  // expected-error @+1 {{expects all attention over the same sequences of queries: one q_lengths and one q_offsets, or none}}
  %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb) : !t, !l
  return %o : !t
}
