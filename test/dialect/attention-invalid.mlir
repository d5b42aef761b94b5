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
  // expected-error @+1 {{result #1 must be 3D tensor of 32-bit float values, but got 'tensor<1x2x8xf16>'}}
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

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_score_arguments(%t: !t) {
  // expected-error @+1 {{expects a score and four positions (batch, head, query, key), but got 4 arguments}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i) {
    sparse_attn.yield %s : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c12_result(%t: !t) {
  // expected-error @+1 {{expects a score region on an f32 and four positions of type index that ends in a sparse_attn.yield of one f32}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    sparse_attn.yield %i : index
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c12_number(%t: !t) {
  // expected-error @+1 {{expects a score region on an f32 and four positions of type index that ends in a sparse_attn.yield of one f32}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    sparse_attn.yield %s, %s : f32, f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c12_none(%t: !t) {
  // expected-error @+1 {{expects a score region on an f32 and four positions of type index that ends in a sparse_attn.yield of one f32}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    sparse_attn.yield
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c12_arguments(%t: !t) {
  // expected-error @+1 {{expects a score region on an f32 and four positions of type index that ends in a sparse_attn.yield of one f32}}
  %o = "sparse_attn.attention"(%t, %t, %t) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0>, pattern = @dense}> ({
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: i32):
    sparse_attn.yield %s : f32
  }) : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c12_terminator(%t: !t) {
  // expected-error @+1 {{empty block: expect at least a terminator}}
  %o = "sparse_attn.attention"(%t, %t, %t) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0>, pattern = @dense}> ({
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
  }) : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c13_side_effect(%t: !t, %slopes: memref<?xf32>) {
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    // expected-error @+1 {{expects pure arith and math ops on index, integers of up to 64 bits and f32, sparse_attn.read or sparse_attn.upper_bound in a score region, but got 'memref.load'}}
    %x = memref.load %slopes[%h] : memref<?xf32>
    sparse_attn.yield %x : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c13_type(%t: !t) {
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    // expected-error @+1 {{expects pure arith and math ops on index, integers of up to 64 bits and f32, sparse_attn.read or sparse_attn.upper_bound in a score region, but got 'arith.extf'}}
    %x = arith.extf %s : f32 to f64
    %y = arith.truncf %x : f64 to f32
    sparse_attn.yield %y : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c13_shift(%t: !t) {
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    %x = arith.constant 3 : i32
    // expected-error @+1 {{expects pure arith and math ops on index, integers of up to 64 bits and f32, sparse_attn.read or sparse_attn.upper_bound in a score region, but got 'arith.shli'}}
    %y = arith.shli %x, %x : i32
    %z = arith.sitofp %y : i32 to f32
    sparse_attn.yield %z : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c13_division(%t: !t) {
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    // expected-error @+1 {{expects pure arith and math ops on index, integers of up to 64 bits and f32, sparse_attn.read or sparse_attn.upper_bound in a score region, but got 'arith.divsi'}}
    %x = arith.divsi %i, %j : index
    sparse_attn.yield %s : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c13_constant(%t: !t) {
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    // expected-error @+1 {{expects index constants of 32 bits in a score region, but got 2147483648}}
    %x = arith.constant 2147483648 : index
    sparse_attn.yield %s : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c13_region(%t: !t) {
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    %x = arith.constant true
    // expected-error @+1 {{expects pure arith and math ops on index, integers of up to 64 bits and f32, sparse_attn.read or sparse_attn.upper_bound in a score region, but got 'scf.if'}}
    scf.if %x {
    }
    sparse_attn.yield %s : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c14_tensor(%t: !t) {
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    // expected-error @+1 {{expects pure arith and math ops on index, integers of up to 64 bits and f32, sparse_attn.read or sparse_attn.upper_bound in a score region, but got 'tensor.extract'}}
    %x = tensor.extract %t[%b, %h, %i, %j] : !t
    sparse_attn.yield %x : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c14_number(%t: !t, %x: f32) {
  // expected-error @+1 {{expects the score region to capture numbers of type index, and arrays of f32 or i32 of up to four dynamic dimensions, but got a value of type 'f32'}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    sparse_attn.yield %x : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c14_integer(%t: !t, %x: i32) {
  // expected-error @+1 {{expects the score region to capture numbers of type index, and arrays of f32 or i32 of up to four dynamic dimensions, but got a value of type 'i32'}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    %y = arith.sitofp %x : i32 to f32
    sparse_attn.yield %y : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c14_static(%t: !t, %x: memref<8xf32>) {
  // expected-error @+1 {{expects the score region to capture numbers of type index, and arrays of f32 or i32 of up to four dynamic dimensions, but got a value of type 'memref<8xf32>'}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    %y = sparse_attn.read %x[%h] : memref<8xf32>
    sparse_attn.yield %y : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c14_rank(%t: !t, %x: memref<?x?x?x?x?xf32>) {
  // expected-error @+1 {{expects the score region to capture numbers of type index, and arrays of f32 or i32 of up to four dynamic dimensions, but got a value of type 'memref<?x?x?x?x?xf32>'}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    %y = sparse_attn.read %x[%b, %h, %i, %j, %j] : memref<?x?x?x?x?xf32>
    sparse_attn.yield %y : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c14_layout(%t: !t, %x: memref<?xf32, strided<[2]>>) {
  // expected-error @+1 {{expects the score region to capture numbers of type index, and arrays of f32 or i32 of up to four dynamic dimensions, but got a value of type 'memref<?xf32, strided<[2]>>'}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    %y = sparse_attn.read %x[%h] : memref<?xf32, strided<[2]>>
    sparse_attn.yield %y : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_c14_constant(%t: !t) {
  %x = arith.constant 4294967296 : index
  // expected-error @+1 {{expects index constants of 32 bits in a score region, but got 4294967296}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    %y = arith.index_cast %x : index to i32
    %z = arith.sitofp %y : i32 to f32
    sparse_attn.yield %z : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @read_c3_half(%t: !t, %x: memref<?xf16>) {
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    // expected-error @+1 {{result #0 must be 32-bit signless integer or 32-bit float, but got 'f16'}}
    %y = sparse_attn.read %x[%h] : memref<?xf16>
    sparse_attn.yield %s : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @read_c3_long(%t: !t, %x: memref<?xi64>) {
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) score (%s, %b, %h, %i, %j) {
    // expected-error @+1 {{result #0 must be 32-bit signless integer or 32-bit float, but got 'i64'}}
    %y = sparse_attn.read %x[%h] : memref<?xi64>
    sparse_attn.yield %s : f32
  } : (!t, !t, !t) -> !t
  return
}

// -----

sparse_attn.pattern @read_c3_of_a_pattern(%x: memref<?xf32>) {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    // expected-error @+1 {{expects an array of i32, but got 'memref<?xf32>'}}
    %y = sparse_attn.read %x[%q] : memref<?xf32>
    %z = arith.cmpf ogt, %y, %y : f32
    sparse_attn.yield %z : i1
  }
  sparse_attn.yield %p
}
