// RUN: sparse-attn-opt %s -split-input-file -verify-diagnostics

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c1(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{all of {query, output} have same type}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x9x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c2(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf16>, %v: tensor<1x2x8x64xf16>) {
  // expected-error @+1 {{all of {query, key, value} have same element type}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c2_element_type(%q: tensor<1x2x8x64xf64>, %k: tensor<1x2x8x64xf64>, %v: tensor<1x2x8x64xf64>) {
  // expected-error @+1 {{operand #0 must be 4D tensor of 32-bit float or 16-bit float or bfloat16 type values, but got 'tensor<1x2x8x64xf64>'}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x64xf64>, tensor<1x2x8x64xf64>, tensor<1x2x8x64xf64>) -> tensor<1x2x8x64xf64>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_rank(%q: tensor<2x8x64xf32>, %k: tensor<2x8x64xf32>, %v: tensor<2x8x64xf32>) {
  // expected-error @+1 {{operand #0 must be 4D tensor of 32-bit float or 16-bit float or bfloat16 type values, but got 'tensor<2x8x64xf32>'}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<2x8x64xf32>, tensor<2x8x64xf32>, tensor<2x8x64xf32>) -> tensor<2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c3(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x9x64xf32>) {
  // expected-error @+1 {{expects key and value of one type, but got 'tensor<1x2x8x64xf32>' and 'tensor<1x2x9x64xf32>'}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x9x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c4_batch(%q: tensor<1x2x8x64xf32>, %k: tensor<2x2x8x64xf32>, %v: tensor<2x2x8x64xf32>) {
  // expected-error @+1 {{expects query and key of one batch size, but got 1 and 2}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x64xf32>, tensor<2x2x8x64xf32>, tensor<2x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c4_head_size(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x32xf32>, %v: tensor<1x2x8x32xf32>) {
  // expected-error @+1 {{expects query and key of one head size, but got 64 and 32}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x32xf32>, tensor<1x2x8x32xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c4_dynamic_head_size(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x?xf32>, %v: tensor<1x2x8x?xf32>) {
  // expected-error @+1 {{expects query and key of one head size, but got 64 and ?}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x?xf32>, tensor<1x2x8x?xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c5(%q: tensor<1x3x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expects the number of query heads to be a multiple of the number of key heads, but got 3 and 2}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x3x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x3x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c5_no_heads(%q: tensor<1x3x8x64xf32>, %k: tensor<1x0x8x64xf32>, %v: tensor<1x0x8x64xf32>) {
  // expected-error @+1 {{expects the number of query heads to be a multiple of the number of key heads, but got 3 and 0}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x3x8x64xf32>, tensor<1x0x8x64xf32>, tensor<1x0x8x64xf32>) -> tensor<1x3x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c5_dynamic(%q: tensor<1x2x8x64xf32>, %k: tensor<1x?x8x64xf32>, %v: tensor<1x?x8x64xf32>) {
  // expected-error @+1 {{expects the numbers of query and key heads both static or both dynamic, but got 2 and ?}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x64xf32>, tensor<1x?x8x64xf32>, tensor<1x?x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c6_odd(%q: tensor<1x2x8x24xf32>, %k: tensor<1x2x8x24xf32>, %v: tensor<1x2x8x24xf32>) {
  // expected-error @+1 {{expects a head size that is static, a multiple of 16, and lies in [16, 256], but got 24}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x24xf32>, tensor<1x2x8x24xf32>, tensor<1x2x8x24xf32>) -> tensor<1x2x8x24xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c6_small(%q: tensor<1x2x8x8xf32>, %k: tensor<1x2x8x8xf32>, %v: tensor<1x2x8x8xf32>) {
  // expected-error @+1 {{expects a head size that is static, a multiple of 16, and lies in [16, 256], but got 8}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x8xf32>, tensor<1x2x8x8xf32>, tensor<1x2x8x8xf32>) -> tensor<1x2x8x8xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c6_zero(%q: tensor<1x2x8x0xf32>, %k: tensor<1x2x8x0xf32>, %v: tensor<1x2x8x0xf32>) {
  // expected-error @+1 {{expects a head size that is static, a multiple of 16, and lies in [16, 256], but got 0}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x0xf32>, tensor<1x2x8x0xf32>, tensor<1x2x8x0xf32>) -> tensor<1x2x8x0xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c6_large(%q: tensor<1x2x8x272xf32>, %k: tensor<1x2x8x272xf32>, %v: tensor<1x2x8x272xf32>) {
  // expected-error @+1 {{expects a head size that is static, a multiple of 16, and lies in [16, 256], but got 272}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x272xf32>, tensor<1x2x8x272xf32>, tensor<1x2x8x272xf32>) -> tensor<1x2x8x272xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c6_dynamic(%q: tensor<1x2x8x?xf32>, %k: tensor<1x2x8x?xf32>, %v: tensor<1x2x8x?xf32>) {
  // expected-error @+1 {{expects a head size that is static, a multiple of 16, and lies in [16, 256], but got ?}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x?xf32>, tensor<1x2x8x?xf32>, tensor<1x2x8x?xf32>) -> tensor<1x2x8x?xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c7_zero(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expects a finite, positive scale, but got 0.0}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal) scale(0.0)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c7_negative(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expects a finite, positive scale, but got -}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal) scale(-0.5)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c7_infinite(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expects a finite, positive scale, but got INF}}
  %o = "sparse_attn.attention"(%q, %k, %v) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0>, pattern = @causal, scale = 0x7FF0000000000000 : f64}> ({})
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c8(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expects a log-sum-exp of type 'tensor<1x2x8xf32>', but got 'tensor<1x2x9xf32>'}}
  %o, %lse = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> (tensor<1x2x8x64xf32>, tensor<1x2x9xf32>)
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c8_dynamic(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expects a log-sum-exp of type 'tensor<1x2x8xf32>', but got 'tensor<1x2x?xf32>'}}
  %o, %lse = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> (tensor<1x2x8x64xf32>, tensor<1x2x?xf32>)
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c8_element_type(%q: tensor<1x2x8x64xf16>, %k: tensor<1x2x8x64xf16>, %v: tensor<1x2x8x64xf16>) {
  // expected-error @+1 {{result #1 must be variadic of 3D tensor of 32-bit float values, but got 'tensor<1x2x8xf16>'}}
  %o, %lse = sparse_attn.attention %q, %k, %v pattern(@causal)
      : (tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>) -> (tensor<1x2x8x64xf16>, tensor<1x2x8xf16>)
  return
}

// -----

func.func @attention_c9_missing(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expects 'nothing' to name a sparse_attn.pattern, but found none}}
  %o = sparse_attn.attention %q, %k, %v pattern(@nothing)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

func.func @attention_c9_no_pattern(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expects 'attention_c9_no_pattern' to name a sparse_attn.pattern, but found none}}
  %o = sparse_attn.attention %q, %k, %v pattern(@attention_c9_no_pattern)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @packed(%ids: memref<?xi32>, %n: index) {
  %p = sparse_attn.keys first(%n)
  sparse_attn.yield %p
}

func.func @attention_c9_count(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>, %n: index) {
  // expected-error @+1 {{expects 2 captures for @packed, but got 1}}
  %o = sparse_attn.attention %q, %k, %v pattern(@packed(%n) : (index))
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @packed(%ids: memref<?xi32>, %n: index) {
  %p = sparse_attn.keys first(%n)
  sparse_attn.yield %p
}

func.func @attention_c9_none(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>) {
  // expected-error @+1 {{expects 2 captures for @packed, but got 0}}
  %o = sparse_attn.attention %q, %k, %v pattern(@packed)
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

func.func @attention_c9_too_many(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>, %n: index) {
  // expected-error @+1 {{expects 0 captures for @causal, but got 1}}
  %o = sparse_attn.attention %q, %k, %v pattern(@causal(%n) : (index))
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @packed(%ids: memref<?xi32>, %n: index) {
  %p = sparse_attn.keys first(%n)
  sparse_attn.yield %p
}

func.func @attention_c9_type(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>, %ids: memref<?x?xi32>, %n: index) {
  // expected-error @+1 {{expects capture 0 of @packed to be of type 'memref<?xi32>', but got 'memref<?x?xi32>'}}
  %o = sparse_attn.attention %q, %k, %v pattern(@packed(%ids, %n) : (memref<?x?xi32>, index))
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}

// -----

sparse_attn.pattern @packed(%ids: memref<?xi32>, %n: index) {
  %p = sparse_attn.keys first(%n)
  sparse_attn.yield %p
}

func.func @attention_c9_number(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x8x64xf32>, %ids: memref<?xi32>, %n: i64) {
  // expected-error @+1 {{expects capture 1 of @packed to be of type 'index', but got 'i64'}}
  %o = sparse_attn.attention %q, %k, %v pattern(@packed(%ids, %n) : (memref<?xi32>, i64))
      : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  return
}
