// RUN: sparse-attn-opt %s -split-input-file -verify-diagnostics

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @weights_c1_lse(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x9xf32>) {
  // expected-error @+1 {{expects a log-sum-exp of type 'tensor<1x2x8xf32>', but got 'tensor<1x2x9xf32>'}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x9xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c1_lse_element(%q: tensor<1x2x8x64xf16>, %l: tensor<1x2x8xf16>) {
  // expected-error @+1 {{operand #2 must be}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) : (tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8xf16>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c1_elements(%q: tensor<1x2x8x64xf32>, %k: tensor<1x2x8x64xf16>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{failed to verify that all of {query, key} have same element type}}
  %0:3 = sparse_attn.weights %q, %k, %l pattern(@dense) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf16>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c1_head_size(%q: tensor<1x2x8x24xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects a head size that is static, a multiple of 16, and lies in [16, 256], but got 24}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) : (tensor<1x2x8x24xf32>, tensor<1x2x8x24xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c1_heads(%q: tensor<1x3x8x64xf32>, %k: tensor<1x2x8x64xf32>, %l: tensor<1x3x8xf32>) {
  // expected-error @+1 {{expects the number of query heads to be a multiple of the number of key heads, but got 3 and 2}}
  %0:3 = sparse_attn.weights %q, %k, %l pattern(@dense) : (tensor<1x3x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x3x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c1_scale(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects a finite, positive scale, but got -1}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) scale(-1.0) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c1_pattern(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects 'nothing' to name a sparse_attn.pattern, but found none}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@nothing) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

sparse_attn.pattern @near(%width: index) {
  %p = sparse_attn.window left(%width)
  sparse_attn.yield %p
}
func.func @weights_c1_captures(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects 1 captures for @near, but got 0}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@near) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @weights_c1_schedule(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects 'nothing' to name a schedule of @dense, but found none}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) schedule(@nothing) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c2(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects a score region on an f32 and four positions of type index that ends in a sparse_attn.yield of one f32}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) score (%s, %b, %h, %i, %j) {
    sparse_attn.yield %b : index
  } : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c2_capture(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>, %factor: f32) {
  // expected-error @+1 {{expects the score region to capture numbers of type index, and arrays of f32 or i32 of up to four dynamic dimensions, but got a value of type 'f32'}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) score (%s, %b, %h, %i, %j) {
    %new = arith.mulf %s, %factor : f32
    sparse_attn.yield %new : f32
  } : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c3_offsets(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects offsets of type tensor<?xi64> and indices of type tensor<?x2xi32>, but got 'tensor<3xi64>' and 'tensor<?x2xi32>'}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<3xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c3_offset_type(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{result #0 must be 1D tensor of 64-bit signless integer values, but got 'tensor<?xi32>'}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi32>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c3_indices(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects offsets of type tensor<?xi64> and indices of type tensor<?x2xi32>, but got 'tensor<?xi64>' and 'tensor<?x3xi32>'}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x3xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c3_static_indices(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects offsets of type tensor<?xi64> and indices of type tensor<?x2xi32>, but got 'tensor<?xi64>' and 'tensor<7x2xi32>'}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<7x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c3_index_type(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{result #1 must be 2D tensor of 32-bit signless integer values, but got 'tensor<?x2xi64>'}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi64>, tensor<?x64x64xf32>)
  return
}

// -----

func.func @weights_c3_number(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects values of a dynamic number of blocks of static sizes, but got 'tensor<7x64x64xf32>'}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<7x64x64xf32>)
  return
}

// -----

func.func @weights_c3_sizes(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects values of a dynamic number of blocks of static sizes, but got 'tensor<?x64x?xf32>'}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x?xf32>)
  return
}

// -----

func.func @weights_c3_value_type(%q: tensor<1x2x8x64xf16>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{result #2 must be 3D tensor of 32-bit float values, but got 'tensor<?x64x64xf16>'}}
  %0:3 = sparse_attn.weights %q, %q, %l pattern(@dense) : (tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf16>)
  return
}

// -----

func.func @column_sums_c1_lse(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x?xf32>) {
  // expected-error @+1 {{expects a log-sum-exp of type 'tensor<1x2x8xf32>', but got 'tensor<1x2x?xf32>'}}
  %0 = sparse_attn.column_sums %q, %q, %l pattern(@dense) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x?xf32>) -> tensor<1x2x8xf32>
  return
}

// -----

func.func @column_sums_c1_batch(%q: tensor<1x2x8x64xf32>, %k: tensor<3x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects query and key of one batch size, but got 1 and 3}}
  %0 = sparse_attn.column_sums %q, %k, %l pattern(@dense) : (tensor<1x2x8x64xf32>, tensor<3x2x8x64xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
  return
}

// -----

func.func @column_sums_c1_pattern(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects 'nothing' to name a sparse_attn.pattern, but found none}}
  %0 = sparse_attn.column_sums %q, %q, %l pattern(@nothing) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
  return
}

// -----

func.func @column_sums_c2(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects a score region on an f32 and four positions of type index that ends in a sparse_attn.yield of one f32}}
  %0 = sparse_attn.column_sums %q, %q, %l pattern(@dense) score (%s, %b, %h, %i, %j) {
    sparse_attn.yield %s, %s : f32, f32
  } : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
  return
}

// -----

func.func @column_sums_c3(%q: tensor<1x4x8x64xf32>, %k: tensor<1x2x9x64xf32>, %l: tensor<1x4x8xf32>) {
  // expected-error @+1 {{expects sums of type 'tensor<1x4x9xf32>', but got 'tensor<1x2x9xf32>'}}
  %0 = sparse_attn.column_sums %q, %k, %l pattern(@dense) : (tensor<1x4x8x64xf32>, tensor<1x2x9x64xf32>, tensor<1x4x8xf32>) -> tensor<1x2x9xf32>
  return
}

// -----

func.func @launch_blocks_c1_none(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects 'nothing' to name a sparse_attn.kernel of column sums, but found none}}
  %0 = sparse_attn.launch_blocks @nothing(%q, %q, %l) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
  return
}

// -----

!array = memref<1x2x?x64xf32, strided<[?, ?, ?, 1], offset: ?>>
!sums = memref<1x2x?xf32, strided<[?, ?, ?], offset: ?>>
sparse_attn.kernel @columns column_sums of(@dense) tile(64, 64) scale(0.125) {
^bb0(%q: !array, %k: !array, %l: !sums, %o: !sums, %b: index, %h: index, %t: index):
  sparse_attn.return
}
func.func @launch_blocks_c1_weights(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects 'columns' to name a sparse_attn.kernel of weights, but found none}}
  %0:3 = sparse_attn.launch_blocks @columns(%q, %q, %l) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?x64x64xf32>)
  return
}

// -----

!array = memref<1x2x?x64xf32, strided<[?, ?, ?, 1], offset: ?>>
sparse_attn.kernel @attention of(@dense) tile(64, 64) scale(0.125) {
^bb0(%q: !array, %k: !array, %v: !array, %o: !array, %b: index, %h: index, %t: index):
  sparse_attn.return
}
func.func @launch_blocks_c1_attention(%q: tensor<1x2x8x64xf32>, %l: tensor<1x2x8xf32>) {
  // expected-error @+1 {{expects 'attention' to name a sparse_attn.kernel of column sums, but found none}}
  %0 = sparse_attn.launch_blocks @attention(%q, %q, %l) : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
  return
}

// -----

func.func @for_each_block_c1() {
  // expected-error @+1 {{expects region arguments 'index', 'index', 'i1', but got 'index', 'index', 'i32'}}
  sparse_attn.for_each_block of @dense_64x64 {
  ^bb0(%n: index, %j: index, %partial: i32):
    sparse_attn.yield
  }
  return
}

// -----

func.func @for_each_block_c1_state(%none: !sparse_attn.tile<64xf32>) {
  // expected-error @+1 {{expects region arguments 'index', 'index', 'i1', '!sparse_attn.tile<64xf32>', but got 'index', 'index', 'i1'}}
  %0 = sparse_attn.for_each_block of @dense_64x64 state(%none) : !sparse_attn.tile<64xf32> -> !sparse_attn.tile<64xf32> {
  ^bb0(%n: index, %j: index, %partial: i1):
    sparse_attn.yield %none : !sparse_attn.tile<64xf32>
  }
  return
}

// -----

func.func @for_each_block_c2(%none: !sparse_attn.tile<64xf32>) {
  // expected-error @+1 {{expects to yield the types of the state '!sparse_attn.tile<64xf32>'}}
  %0 = sparse_attn.for_each_block of @dense_64x64 state(%none) : !sparse_attn.tile<64xf32> -> !sparse_attn.tile<64xf32> {
  ^bb0(%n: index, %j: index, %partial: i1, %before: !sparse_attn.tile<64xf32>):
    sparse_attn.yield
  }
  return
}

// -----

func.func @for_each_block_c2_results(%none: !sparse_attn.tile<64xf32>) {
  // expected-error @+1 {{expects to yield the types of the state '!sparse_attn.tile<64xf32>'}}
  %0 = sparse_attn.for_each_block of @dense_64x64 state(%none) : !sparse_attn.tile<64xf32> -> !sparse_attn.tile<32xf32> {
  ^bb0(%n: index, %j: index, %partial: i1, %before: !sparse_attn.tile<64xf32>):
    sparse_attn.yield %before : !sparse_attn.tile<64xf32>
  }
  return
}

// -----

func.func @for_each_block_c3() {
  // expected-error @+1 {{expects 'nothing' to name a sparse_attn.schedule, but found none}}
  sparse_attn.for_each_block of @nothing {
  ^bb0(%n: index, %j: index, %partial: i1):
    sparse_attn.yield
  }
  return
}

// -----

func.func @weights_of(%scores: !sparse_attn.tile<64x32xf32>, %lse: !sparse_attn.tile<64xf32>) {
  // expected-error @+1 {{failed to verify that all of {scores, weights} have same type}}
  %0 = "sparse_attn.weights_of"(%scores, %lse) : (!sparse_attn.tile<64x32xf32>, !sparse_attn.tile<64xf32>) -> !sparse_attn.tile<64x64xf32>
  return
}

// -----

func.func @add_columns(%weights: !sparse_attn.tile<64x32xf32>, %sums: !sparse_attn.tile<32xf32>, %t: index) {
  // expected-error @+1 {{failed to verify that all of {sums, result} have same type}}
  %0 = "sparse_attn.add_columns"(%weights, %sums, %t) : (!sparse_attn.tile<64x32xf32>, !sparse_attn.tile<32xf32>, index) -> !sparse_attn.tile<64xf32>
  return
}
