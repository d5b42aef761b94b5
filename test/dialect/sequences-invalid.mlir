// RUN: sparse-attn-opt %s -split-input-file -verify-diagnostics

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_lengths_type(%t: !t, %lengths: memref<?xi64>) {
  // expected-note @-1 {{prior use here}}
  // expected-error @+1 {{use of value '%lengths' expects different type than prior uses: 'memref<?xi32>' vs 'memref<?xi64>'}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) q_lengths(%lengths) : (!t, !t, !t) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_offsets_type(%t: !t, %offsets: memref<9xi32>) {
  // expected-error @+1 {{operand #3 must be memref<?xi32>, but got 'memref<9xi32>'}}
  %o = "sparse_attn.attention"(%t, %t, %t, %offsets) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 1, 0>, pattern = @dense}> ({
  }) : (!t, !t, !t, memref<9xi32>) -> !t
  return
}

// -----

!t = tensor<1x2x?x64xf32>
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @attention_offsets_order(%t: !t, %offsets: memref<?xi32>) {
  // expected-error @+1 {{expected ':'}}
  %o = sparse_attn.attention %t, %t, %t pattern(@dense) k_offsets(%offsets) q_offsets(%offsets) : (!t, !t, !t) -> !t
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
sparse_attn.kernel @plain of(@dense) tile(64, 64) scale(0.125) {
^bb0(%q: memref<?x2x?x64xf32>, %k: memref<?x2x?x64xf32>, %v: memref<?x2x?x64xf32>, %o: memref<?x2x?x64xf32>,
     %b: index, %h: index, %t: index):
  sparse_attn.return
}

func.func @launch_c1_superfluous(%q: tensor<?x2x?x64xf32>, %n: memref<?xi32>) {
  // expected-error @+1 {{expects lengths or offsets where @plain is for sequences, and nowhere else}}
  %o = sparse_attn.launch @plain(%q, %q, %q) k_lengths(%n)
      : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, memref<?xi32>) -> tensor<?x2x?x64xf32>
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
sparse_attn.kernel @of_sequences of(@dense) tile(64, 64) scale(0.125) sequences {
^bb0(%q: memref<?x2x?x64xf32>, %k: memref<?x2x?x64xf32>, %v: memref<?x2x?x64xf32>, %table: memref<?x?xi32>,
     %o: memref<?x2x?x64xf32>, %b: index, %h: index, %t: index):
  sparse_attn.return
}

func.func @launch_c1_missing(%q: tensor<?x2x?x64xf32>) {
  // expected-error @+1 {{expects lengths or offsets where @of_sequences is for sequences, and nowhere else}}
  %o = sparse_attn.launch @of_sequences(%q, %q, %q)
      : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x2x?x64xf32>
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
sparse_attn.kernel @of_sequences of(@dense) tile(64, 64) scale(0.125) sequences {
^bb0(%q: memref<?x2x?x64xf32>, %k: memref<?x2x?x64xf32>, %v: memref<?x2x?x64xf32>, %table: memref<?x?xi32>,
     %o: memref<?x2x?x64xf32>, %b: index, %h: index, %t: index):
  sparse_attn.return
}

func.func @launch_type(%q: tensor<?x2x?x64xf32>, %n: memref<?xf32>) {
  // expected-error @+1 {{operand #3 must be memref<?xi32>, but got 'memref<?xf32>'}}
  %o = "sparse_attn.launch"(%q, %q, %q, %n) <{kernels = [@of_sequences], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1, 0, 0, 0>}>
      : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, memref<?xf32>) -> tensor<?x2x?x64xf32>
  return
}

// -----

!array = memref<1x1x?x16xf32>
// expected-error @+1 {{expects 5 arrays or more and an item of three index values, but got}}
sparse_attn.kernel @kernel_c2_sequences of(@dense) tile(64, 64) scale(0.25) sequences {
^bb0(%q: !array, %k: !array, %v: !array, %o: !array, %b: index, %h: index, %t: index):
  sparse_attn.return
}

// -----

!array = memref<1x1x?x16xf32>
!sums = memref<1x1x?xf32>
// expected-error @+1 {{expects 8 arrays or more and an item of three index values, but got}}
sparse_attn.kernel @kernel_c2_sequences_resumes of(@dense) tile(64, 64) scale(0.25) sequences resumes lse {
^bb0(%q: !array, %k: !array, %v: !array, %po: !array, %pl: !sums, %o: !array, %lse: !sums, %b: index, %h: index, %t: index):
  sparse_attn.return
}

// -----

!array = memref<1x1x?x16xf32>
// expected-error @+1 {{expects a table of sequences of type 'memref<?x?xi32>', but got 'memref<?x4xi32>'}}
sparse_attn.kernel @kernel_c5 of(@dense) tile(64, 64) scale(0.25) sequences {
^bb0(%q: !array, %k: !array, %v: !array, %table: memref<?x4xi32>, %o: !array, %b: index, %h: index, %t: index):
  sparse_attn.return
}

// -----

!array = memref<1x1x?x16xf32>
!sums = memref<1x1x?xf32>
// The table stands before a partial result.
// expected-error @+1 {{expects a table of sequences of type 'memref<?x?xi32>', but got 'index'}}
sparse_attn.kernel @kernel_c5_place of(@dense) tile(64, 64) scale(0.25) sequences resumes {
^bb0(%q: !array, %k: !array, %v: !array, %table: memref<?x?xi32>, %n: index, %po: !array, %pl: !sums, %o: !array,
     %b: index, %h: index, %t: index):
  sparse_attn.return
}

// -----

func.func @rows_count(%q: memref<?x?x?x16xf32>, %first: index, %count: i32) {
  // expected-note @-1 {{prior use here}}
  // expected-error @+1 {{use of value '%count' expects different type than prior uses: 'index' vs 'i32'}}
  %0 = sparse_attn.rows %q from(%first) count(%count) step(1) : memref<?x?x?x16xf32>
  return
}
