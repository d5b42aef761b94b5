// RUN: sparse-attn-opt %s -split-input-file -verify-diagnostics

func.func @merge_c1() {
  // expected-error @+1 {{expects at least one partial result, but got none}}
  %o, %l = "sparse_attn.merge"() : () -> (tensor<1x2x8x64xf32>, tensor<1x2x8xf32>)
  return
}

// -----

func.func @merge_c1_unpaired(%a: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects as many log-sum-exps as outputs, but got 3 operands}}
  %o, %m = "sparse_attn.merge"(%a, %l, %l) : (tensor<1x2x8x64xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>) -> (tensor<1x2x8x64xf32>, tensor<1x2x8xf32>)
  return
}

// -----

func.func @merge_c1_alone(%a: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expects as many log-sum-exps as outputs, but got 1 operands}}
  %o, %m = "sparse_attn.merge"(%a) : (tensor<1x2x8x64xf32>) -> (tensor<1x2x8x64xf32>, tensor<1x2x8xf32>)
  return
}

// -----

func.func @merge_syntax(%a: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expected ','}}
  %o, %m = sparse_attn.merge (%a) : tensor<1x2x8x64xf32>, tensor<1x2x8xf32>
  return
}

// -----

func.func @merge_c2_output(%a: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects partial results of types 'tensor<1x2x?x64xf32>' and 'tensor<1x2x?xf32>', but got 'tensor<1x2x8x64xf32>' and 'tensor<1x2x8xf32>'}}
  %o, %m = "sparse_attn.merge"(%a, %l) : (tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<1x2x?x64xf32>, tensor<1x2x?xf32>)
  return
}

// -----

func.func @merge_c2_mixed(%a: tensor<1x2x8x64xf32>, %b: tensor<1x2x8x64xf16>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects partial results of types 'tensor<1x2x8x64xf32>' and 'tensor<1x2x8xf32>', but got 'tensor<1x2x8x64xf16>' and 'tensor<1x2x8xf32>'}}
  %o, %m = "sparse_attn.merge"(%a, %b, %l, %l) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf16>, tensor<1x2x8xf32>, tensor<1x2x8xf32>) -> (tensor<1x2x8x64xf32>, tensor<1x2x8xf32>)
  return
}

// -----

func.func @merge_c2_lse(%a: tensor<1x2x8x64xf32>, %l: tensor<1x2x9xf32>) {
  // expected-error @+1 {{expects a log-sum-exp of type 'tensor<1x2x8xf32>', but got 'tensor<1x2x9xf32>'}}
  %o, %m = sparse_attn.merge (%a, %l) : tensor<1x2x8x64xf32>, tensor<1x2x9xf32>
  return
}

// -----

func.func @merge_c2_partial_lse(%a: tensor<1x2x8x64xf32>, %l: tensor<1x2x9xf32>) {
  // expected-error @+1 {{expects partial results of types 'tensor<1x2x8x64xf32>' and 'tensor<1x2x8xf32>', but got 'tensor<1x2x8x64xf32>' and 'tensor<1x2x9xf32>'}}
  %o, %m = "sparse_attn.merge"(%a, %l) : (tensor<1x2x8x64xf32>, tensor<1x2x9xf32>) -> (tensor<1x2x8x64xf32>, tensor<1x2x8xf32>)
  return
}

// -----

func.func @merge_lse_element_type(%a: tensor<1x2x8x64xf16>, %l: tensor<1x2x8xf16>) {
  // expected-error @+1 {{must be variadic of 3D tensor of 32-bit float values, but got 'tensor<1x2x8xf16>'}}
  %o, %m = sparse_attn.merge (%a, %l) : tensor<1x2x8x64xf16>, tensor<1x2x8xf16>
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

func.func @attention_c15_output(%q: tensor<1x2x8x64xf32>, %a: tensor<1x2x9x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects a partial result of types 'tensor<1x2x8x64xf32>' and 'tensor<1x2x8xf32>', but got 'tensor<1x2x9x64xf32>' and 'tensor<1x2x8xf32>'}}
  %o = sparse_attn.attention %q, %q, %q pattern(@dense) from(%a, %l : tensor<1x2x9x64xf32>, tensor<1x2x8xf32>)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

func.func @attention_c15_lse(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x?xf32>) {
  // expected-error @+1 {{expects a partial result of types 'tensor<1x2x8x64xf32>' and 'tensor<1x2x8xf32>', but got 'tensor<1x2x8x64xf32>' and 'tensor<1x2x?xf32>'}}
  %o = sparse_attn.attention %q, %q, %q pattern(@dense) from(%q, %l : tensor<1x2x8x64xf32>, tensor<1x2x?xf32>)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

func.func @attention_c15_output_alone(%q: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expects a partial result with its log-sum-exp, but got one of them}}
  %o = "sparse_attn.attention"(%q, %q, %q, %q) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0, 0, 0, 0, 0>, pattern = @dense}> ({
  }) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

func.func @attention_c15_lse_alone(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects a partial result with its log-sum-exp, but got one of them}}
  %o = "sparse_attn.attention"(%q, %q, %q, %l) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 0, 0, 0, 0>, pattern = @dense}> ({
  }) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
sparse_attn.kernel @starting of(@dense) tile(64, 64) scale(0.125) {
^bb0(%q: memref<?x2x?x64xf32>, %k: memref<?x2x?x64xf32>, %v: memref<?x2x?x64xf32>, %o: memref<?x2x?x64xf32>,
     %b: index, %h: index, %t: index):
  sparse_attn.return
}

func.func @launch_c1_superfluous(%q: tensor<?x2x?x64xf32>, %l: tensor<?x2x?xf32>) {
  // expected-error @+1 {{expects a partial result and its log-sum-exp where @starting resumes, and nowhere else}}
  %o = sparse_attn.launch @starting(%q, %q, %q) from(%q, %l)
      : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?xf32>) -> tensor<?x2x?x64xf32>
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
sparse_attn.kernel @resuming of(@dense) tile(64, 64) scale(0.125) resumes {
^bb0(%q: memref<?x2x?x64xf32>, %k: memref<?x2x?x64xf32>, %v: memref<?x2x?x64xf32>, %po: memref<?x2x?x64xf32>,
     %pl: memref<?x2x?xf32>, %o: memref<?x2x?x64xf32>, %b: index, %h: index, %t: index):
  sparse_attn.return
}

func.func @launch_c1_missing(%q: tensor<?x2x?x64xf32>) {
  // expected-error @+1 {{expects a partial result and its log-sum-exp where @resuming resumes, and nowhere else}}
  %o = sparse_attn.launch @resuming(%q, %q, %q)
      : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x2x?x64xf32>
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
sparse_attn.kernel @resuming of(@dense) tile(64, 64) scale(0.125) resumes {
^bb0(%q: memref<?x2x?x64xf32>, %k: memref<?x2x?x64xf32>, %v: memref<?x2x?x64xf32>, %po: memref<?x2x?x64xf32>,
     %pl: memref<?x2x?xf32>, %o: memref<?x2x?x64xf32>, %b: index, %h: index, %t: index):
  sparse_attn.return
}

func.func @launch_c1_output_alone(%q: tensor<?x2x?x64xf32>) {
  // expected-error @+1 {{expects a partial result and its log-sum-exp where @resuming resumes, and nowhere else}}
  %o = "sparse_attn.launch"(%q, %q, %q, %q) <{kernels = [@resuming], operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0, 0, 0, 0, 0>}>
      : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x2x?x64xf32>
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
// expected-error @+1 {{expects 6 arrays or more and an item of three index values, but got}}
sparse_attn.kernel @kernel_c2_resumes of(@dense) tile(64, 64) scale(0.125) resumes {
^bb0(%q: memref<?x2x?x64xf32>, %k: memref<?x2x?x64xf32>, %v: memref<?x2x?x64xf32>, %o: memref<?x2x?x64xf32>,
     %b: index, %h: index, %t: index):
  sparse_attn.return
}
