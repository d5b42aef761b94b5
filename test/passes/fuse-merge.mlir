// RUN: sparse-attn-opt %s --sparse-attn-fuse-merge | FileCheck %s

!t = tensor<?x2x?x16xf32>
!l = tensor<?x2x?xf32>

sparse_attn.pattern @near {
  %p = sparse_attn.window left(20) right(0)
  sparse_attn.yield %p
}
sparse_attn.pattern @far(%n: index) {
  %p = sparse_attn.stride step(%n)
  sparse_attn.yield %p
}
sparse_attn.pattern @first {
  %p = sparse_attn.keys first(4)
  sparse_attn.yield %p
}

// Each goes on from the one before, in the order of the merge; what is their own stays.
// CHECK-LABEL: func.func @order(
// CHECK-SAME:    %[[Q:.*]]: tensor<?x2x?x16xf32>, %[[K:.*]]: tensor<?x2x?x16xf32>, %[[N:.*]]: index)
// CHECK-NEXT:    %[[B:.*]], %[[LB:.*]] = sparse_attn.attention %[[Q]], %[[K]], %[[K]] pattern(@far(%[[N]]) : (index)) scale(0.5) modulo(3) :
// CHECK-NEXT:    %[[A:.*]], %[[LA:.*]] = sparse_attn.attention %[[Q]], %[[K]], %[[Q]] pattern(@near) from(%[[B]], %[[LB]] : tensor<?x2x?x16xf32>, tensor<?x2x?xf32>) score (%[[S:[a-z0-9]*]], %{{.*}}) {
// CHECK-NEXT:      math.tanh %[[S]] : f32
// CHECK:         }
// CHECK-NEXT:    %[[C:.*]], %[[LC:.*]] = sparse_attn.attention %[[Q]], %[[Q]], %[[Q]] pattern(@first) from(%[[A]], %[[LA]] :
// CHECK-NEXT:    return %[[C]], %[[LC]]
func.func @order(%q: !t, %k: !t, %n: index) -> (!t, !l) {
  %a, %la = sparse_attn.attention %q, %k, %q pattern(@near) score (%s, %b_, %h, %i, %j) {
    %capped = math.tanh %s : f32
    sparse_attn.yield %capped : f32
  } : (!t, !t, !t) -> (!t, !l)
  %c, %lc = sparse_attn.attention %q, %q, %q pattern(@first) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %k, %k pattern(@far(%n) : (index)) scale(0.5) modulo(3) : (!t, !t, !t) -> (!t, !l)
  %o, %lse = sparse_attn.merge (%b, %lb), (%a, %la), (%c, %lc) : !t, !l
  return %o, %lse : !t, !l
}

// A partial result that is given goes first, wherever it stands.
// CHECK-LABEL: func.func @given(
// CHECK-SAME:    %{{.*}}: tensor<?x2x?x16xf32>, %[[P:.*]]: tensor<?x2x?x16xf32>, %[[LP:.*]]: tensor<?x2x?xf32>)
// CHECK-NEXT:    %[[A:.*]], %[[LA:.*]] = sparse_attn.attention {{.*}} pattern(@near) from(%[[P]], %[[LP]] :
// CHECK-NEXT:    %[[B:.*]], %[[LB:.*]] = sparse_attn.attention {{.*}} pattern(@first) from(%[[A]], %[[LA]] :
// CHECK-NEXT:    return %[[B]]
func.func @given(%q: !t, %p: !t, %lp: !l) -> !t {
  %a, %la = sparse_attn.attention %q, %q, %q pattern(@near) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %q, %q pattern(@first) : (!t, !t, !t) -> (!t, !l)
  %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb), (%p, %lp) : !t, !l
  return %o : !t
}

// What is returned, too, cannot be gone on from in its place: the other goes on from it.
// CHECK-LABEL: func.func @returned(
// CHECK-NEXT:    %[[A:.*]], %[[LA:.*]] = sparse_attn.attention {{.*}} pattern(@near) :
// CHECK-NEXT:    %[[B:.*]], %[[LB:.*]] = sparse_attn.attention {{.*}} pattern(@first) from(%[[A]], %[[LA]] :
// CHECK-NEXT:    return %[[B]], %[[A]]
func.func @returned(%q: !t) -> (!t, !t) {
  %a, %la = sparse_attn.attention %q, %q, %q pattern(@near) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %q, %q pattern(@first) : (!t, !t, !t) -> (!t, !l)
  %o, %lse = sparse_attn.merge (%b, %lb), (%a, %la) : !t, !l
  return %o, %a : !t, !t
}

// A merge of one is that one.
// CHECK-LABEL: func.func @one(
// CHECK-NEXT:    %[[A:.*]], %[[LA:.*]] = sparse_attn.attention {{.*}} pattern(@near) : {{.*}} -> (tensor<?x2x?x16xf32>, tensor<?x2x?xf32>)
// CHECK-NEXT:    return %[[A]], %[[LA]]
// CHECK-LABEL: func.func @one_given(
// CHECK-SAME:    %[[P:.*]]: tensor<?x2x?x16xf32>, %[[LP:.*]]: tensor<?x2x?xf32>)
// CHECK-NEXT:    return %[[P]], %[[LP]]
func.func @one(%q: !t) -> (!t, !l) {
  %a, %la = sparse_attn.attention %q, %q, %q pattern(@near) : (!t, !t, !t) -> (!t, !l)
  %o, %lse = sparse_attn.merge (%a, %la) : !t, !l
  return %o, %lse : !t, !l
}
func.func @one_given(%p: !t, %lp: !l) -> (!t, !l) {
  %o, %lse = sparse_attn.merge (%p, %lp) : !t, !l
  return %o, %lse : !t, !l
}

// Merges of merges, and attention that already goes on from something.
// CHECK-LABEL: func.func @nested(
// CHECK-SAME:    %{{.*}}: tensor<?x2x?x16xf32>, %[[P:.*]]: tensor<?x2x?x16xf32>, %[[LP:.*]]: tensor<?x2x?xf32>)
// CHECK-NEXT:    %[[A:.*]], %[[LA:.*]] = sparse_attn.attention {{.*}} pattern(@near) from(%[[P]], %[[LP]] :
// CHECK-NEXT:    %[[B:.*]], %[[LB:.*]] = sparse_attn.attention {{.*}} pattern(@first) from(%[[A]], %[[LA]] :
// CHECK-NEXT:    %[[C:.*]], %[[LC:.*]] = sparse_attn.attention {{.*}} pattern(@near) from(%[[B]], %[[LB]] :
// CHECK-NEXT:    return %[[C]], %[[LC]]
func.func @nested(%q: !t, %p: !t, %lp: !l) -> (!t, !l) {
  %a, %la = sparse_attn.attention %q, %q, %q pattern(@near) from(%p, %lp : !t, !l) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %q, %q pattern(@first) : (!t, !t, !t) -> (!t, !l)
  %c, %lc = sparse_attn.attention %q, %q, %q pattern(@near) : (!t, !t, !t) -> (!t, !l)
  %ab, %lab = sparse_attn.merge (%a, %la), (%b, %lb) : !t, !l
  %o, %lse = sparse_attn.merge (%c, %lc), (%ab, %lab) : !t, !l
  return %o, %lse : !t, !l
}

// An output with the log-sum-exp of another attention is a partial result like one that is given.
// CHECK-LABEL: func.func @crossed(
// CHECK-NEXT:    %[[A:.*]], %[[LA:.*]] = sparse_attn.attention {{.*}} pattern(@near) :
// CHECK-NEXT:    %[[B:.*]], %[[LB:.*]] = sparse_attn.attention {{.*}} pattern(@first) :
// CHECK-NEXT:    %[[C:.*]], %[[LC:.*]] = sparse_attn.attention {{.*}} pattern(@near) from(%[[A]], %[[LB]] :
// CHECK-NEXT:    return %[[C]]
func.func @crossed(%q: !t) -> !t {
  %a, %la = sparse_attn.attention %q, %q, %q pattern(@near) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %q, %q pattern(@first) : (!t, !t, !t) -> (!t, !l)
  %c, %lc = sparse_attn.attention %q, %q, %q pattern(@near) : (!t, !t, !t) -> (!t, !l)
  %o, %lse = sparse_attn.merge (%c, %lc), (%a, %lb) : !t, !l
  return %o : !t
}

// Keys of other lengths than one another's, of the same sequences of queries.
// CHECK-LABEL: func.func @sequences(
// CHECK-SAME:    %{{[^:]*}}: tensor<?x2x?x16xf32>, %[[N:.*]]: memref<?xi32>, %[[M:.*]]: memref<?xi32>)
// CHECK-NEXT:    %[[A:.*]], %[[LA:.*]] = sparse_attn.attention {{.*}} pattern(@near) q_lengths(%[[N]]) k_lengths(%[[N]]) :
// CHECK-NEXT:    %[[B:.*]], %[[LB:.*]] = sparse_attn.attention {{.*}} pattern(@first) q_lengths(%[[N]]) k_lengths(%[[M]]) from(%[[A]], %[[LA]] :
// CHECK-NEXT:    return %[[B]], %[[LB]]
func.func @sequences(%q: !t, %n: memref<?xi32>, %m: memref<?xi32>) -> (!t, !l) {
  %a, %la = sparse_attn.attention %q, %q, %q pattern(@near) q_lengths(%n) k_lengths(%n) : (!t, !t, !t) -> (!t, !l)
  %b, %lb = sparse_attn.attention %q, %q, %q pattern(@first) q_lengths(%n) k_lengths(%m) : (!t, !t, !t) -> (!t, !l)
  %o, %lse = sparse_attn.merge (%a, %la), (%b, %lb) : !t, !l
  return %o, %lse : !t, !l
}
