// RUN: sparse-attn-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: sparse-attn-opt %s --split-input-file --verify-diagnostics --sparse-attn-specialize-blocks \
// RUN:   --sparse-attn-fuse-softmax | FileCheck %s --check-prefix=TILE

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

// CHECK-LABEL: func.func @maximum
// CHECK:         %output, %lse, %row_max = sparse_attn.attention {{.*}} -> (tensor<?x2x?x16xf32>, tensor<?x2x?xf32>, tensor<?x2x?xf32>)
// TILE-LABEL:  sparse_attn.kernel @maximum_0 of(@causal) {{.*}} lse row_max {
// TILE-NEXT:   ^bb0({{.*}}, %o: memref<{{.*}}>, %lse: memref<{{.*}}>, %row_max: memref<{{.*}}>, %b: index
// TILE:          %[[LOOP:.*]]:3 = sparse_attn.for_each_key_tile
// TILE:          %[[MAX:.*]] = sparse_attn.row_maximum %[[LOOP]]#0 : <64xf32>
// TILE:          sparse_attn.store %[[MAX]], %row_max
// TILE:        sparse_attn.launch @maximum_0(
func.func @maximum(%q: tensor<?x2x?x16xf32>, %k: tensor<?x2x?x16xf32>) -> (tensor<?x2x?x16xf32>, tensor<?x2x?xf32>, tensor<?x2x?xf32>) {
  %o, %lse, %max = sparse_attn.attention %q, %k, %k pattern(@causal)
      : (tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>)
      -> (tensor<?x2x?x16xf32>, tensor<?x2x?xf32>, tensor<?x2x?xf32>)
  return %o, %lse, %max : tensor<?x2x?x16xf32>, tensor<?x2x?xf32>, tensor<?x2x?xf32>
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c16_count(%q: tensor<?x2x?x16xf32>) {
  // expected-error @+1 {{expects an output, a log-sum-exp and a row maximum at most, but got 4 results}}
  %o, %a, %b, %c = sparse_attn.attention %q, %q, %q pattern(@causal)
      : (tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>)
      -> (tensor<?x2x?x16xf32>, tensor<?x2x?xf32>, tensor<?x2x?xf32>, tensor<?x2x?xf32>)
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c16_type(%q: tensor<?x2x?x16xf32>) {
  // expected-error @+1 {{expects a row maximum of type 'tensor<?x2x?xf32>', but got 'tensor<?x2x8xf32>'}}
  %o, %lse, %max = sparse_attn.attention %q, %q, %q pattern(@causal)
      : (tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>)
      -> (tensor<?x2x?x16xf32>, tensor<?x2x?xf32>, tensor<?x2x8xf32>)
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c16_resumes(%q: tensor<?x2x?x16xf32>, %o: tensor<?x2x?x16xf32>, %l: tensor<?x2x?xf32>) {
  // expected-error @+1 {{expects no row maximum of attention that goes on from a partial result, but got one}}
  %p, %lse, %max = sparse_attn.attention %q, %q, %q pattern(@causal) from(%o, %l : tensor<?x2x?x16xf32>, tensor<?x2x?xf32>)
      : (tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>)
      -> (tensor<?x2x?x16xf32>, tensor<?x2x?xf32>, tensor<?x2x?xf32>)
  return
}
