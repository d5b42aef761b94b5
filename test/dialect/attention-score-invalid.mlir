// RUN: sparse-attn-opt %s -split-input-file -verify-diagnostics

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
