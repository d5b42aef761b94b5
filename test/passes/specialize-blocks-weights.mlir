// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks | FileCheck %s
// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks="tile-q=128 tile-k=32" | FileCheck %s --check-prefix=ASKED

!t = tensor<1x1x?x16xf32>
!lse = tensor<1x1x?xf32>

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}
sparse_attn.pattern @random {
  %p = sparse_attn.random blocks(2) size(16) seed(1)
  sparse_attn.yield %p
}

// The values say how large a block is; of sums no one sees it, so that tiles may be asked for.
// CHECK-DAG: sparse_attn.schedule @causal_16x24 of(@causal) tile(16, 24)
// CHECK-DAG: sparse_attn.schedule @causal_48x8 of(@causal) tile(48, 8)
// CHECK-DAG: sparse_attn.plan @{{.*}} of(@random) tile(256, 512)
// CHECK-LABEL: func.func @sizes(
// CHECK:         sparse_attn.weights {{.*}} pattern(@causal) schedule(@causal_16x24) :
// CHECK:         sparse_attn.weights {{.*}} pattern(@causal) schedule(@causal_48x8) :
// CHECK:         sparse_attn.weights {{.*}} pattern(@random) schedule(@random_256x512) :
// CHECK:         sparse_attn.column_sums {{.*}} pattern(@causal) schedule(@causal_{{[0-9]+x[0-9]+}}) :
// ASKED-LABEL: func.func @sizes(
// ASKED:         sparse_attn.weights {{.*}} schedule(@causal_16x24) :
// ASKED:         sparse_attn.weights {{.*}} schedule(@causal_48x8) :
// ASKED:         sparse_attn.weights {{.*}} schedule(@random_256x512) :
// ASKED:         sparse_attn.column_sums {{.*}} schedule(@causal_128x32) :
func.func @sizes(%q: !t, %lse: !lse) {
  %0:3 = sparse_attn.weights %q, %q, %lse pattern(@causal)
      : (!t, !t, !lse) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x16x24xf32>)
  %1:3 = sparse_attn.weights %q, %q, %lse pattern(@causal)
      : (!t, !t, !lse) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x48x8xf32>)
  %2:3 = sparse_attn.weights %q, %q, %lse pattern(@random)
      : (!t, !t, !lse) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x256x512xf32>)
  %3 = sparse_attn.column_sums %q, %q, %lse pattern(@causal) : (!t, !t, !lse) -> !lse
  return
}
