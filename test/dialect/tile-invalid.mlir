// RUN: sparse-attn-opt %s -split-input-file -verify-diagnostics

!array = memref<1x1x?x16xf32>
// expected-error @+1 {{expects to end in sparse_attn.return, but got 'sparse_attn.yield'}}
sparse_attn.kernel @kernel_c1 of(@dense) tile(64, 64) scale(0.25) {
^bb0(%q: !array, %k: !array, %v: !array, %o: !array, %b: index, %h: index, %t: index):
  sparse_attn.yield
}

// -----

!array = memref<1x1x?x16xf32>
// expected-error @+1 {{expects 4 arrays or more and an item of three index values, but got}}
sparse_attn.kernel @kernel_c2_type of(@dense) tile(64, 64) scale(0.25) {
^bb0(%q: !array, %k: !array, %v: !array, %o: !array, %b: index, %h: index, %t: i32):
  sparse_attn.return
}

// -----

!array = memref<1x1x?x16xf32>
// expected-error @+1 {{expects 4 arrays or more and an item of three index values, but got}}
sparse_attn.kernel @kernel_c2_number of(@dense) tile(64, 64) scale(0.25) {
^bb0(%q: !array, %k: !array, %v: !array, %b: index, %h: index, %t: index):
  sparse_attn.return
}

// -----

!array = memref<1x1x?x16xf32>
// expected-error @+1 {{expects 5 arrays or more and an item of three index values, but got}}
sparse_attn.kernel @kernel_c2_lse of(@dense) tile(64, 64) scale(0.25) lse {
^bb0(%q: !array, %k: !array, %v: !array, %o: !array, %b: index, %h: index, %t: index):
  sparse_attn.return
}

// -----

func.func @return_parent() {
  // expected-error @+1 {{'sparse_attn.return' op expects parent op 'sparse_attn.kernel'}}
  sparse_attn.return
}

// -----

!rows = !sparse_attn.tile<64xf32>
func.func @for_each_key_tile_c1_types(%visit: !sparse_attn.visit, %m0: !rows) {
  // expected-error @+1 {{expects region arguments 'index', 'index', 'i1', '!sparse_attn.tile<64xf32>', but got 'index', 'index', 'i32', '!sparse_attn.tile<64xf32>'}}
  %m = sparse_attn.for_each_key_tile %visit state(%m0) : !rows -> !rows {
  ^bb0(%x: index, %j: index, %partial: i32, %mi: !rows):
    sparse_attn.yield %mi : !rows
  }
  return
}

// -----

!rows = !sparse_attn.tile<64xf32>
func.func @for_each_key_tile_c1_number(%visit: !sparse_attn.visit, %m0: !rows) {
  // expected-error @+1 {{expects region arguments 'index', 'index', 'i1', '!sparse_attn.tile<64xf32>', but got 'index', 'index', 'i1'}}
  %m = sparse_attn.for_each_key_tile %visit state(%m0) : !rows -> !rows {
  ^bb0(%x: index, %j: index, %partial: i1):
    sparse_attn.yield %m0 : !rows
  }
  return
}

// -----

!rows = !sparse_attn.tile<64xf32>
func.func @for_each_key_tile_c2_yield(%visit: !sparse_attn.visit, %m0: !rows) {
  // expected-error @+1 {{expects to yield the types of the state '!sparse_attn.tile<64xf32>'}}
  %m = sparse_attn.for_each_key_tile %visit state(%m0) : !rows -> !rows {
  ^bb0(%x: index, %j: index, %partial: i1, %mi: !rows):
    sparse_attn.yield %mi, %mi : !rows, !rows
  }
  return
}

// -----

!rows = !sparse_attn.tile<64xf32>
func.func @for_each_key_tile_c2_results(%visit: !sparse_attn.visit, %m0: !rows) {
  // expected-error @+1 {{expects to yield the types of the state '!sparse_attn.tile<64xf32>'}}
  %m:2 = sparse_attn.for_each_key_tile %visit state(%m0) : !rows -> !rows, !rows {
  ^bb0(%x: index, %j: index, %partial: i1, %mi: !rows):
    sparse_attn.yield %mi : !rows
  }
  return
}

// -----

// expected-error @+1 {{expected '<'}}
func.func private @tile_without_a_type(!sparse_attn.tile)

// -----

// expected-error @+1 {{expected static shape}}
func.func private @tile_of_unknown_size(!sparse_attn.tile<?x64xf32>)

// -----

func.func @rows_c1(%q: memref<?x?x?x16xf32>, %first: index) {
  // expected-error @+1 {{expects a positive step, but got 0}}
  %0 = sparse_attn.rows %q from(%first) step(0) : memref<?x?x?x16xf32>
  return
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
// expected-error @+1 {{expects a positive modulo, but got 0}}
sparse_attn.kernel @kernel_c3 of(@dense) tile(64, 64) scale(0.125) modulo(0) {
^bb0(%q: memref<?x8x?x64xf32>, %k: memref<?x2x?x64xf32>, %v: memref<?x2x?x64xf32>, %o: memref<?x8x?x64xf32>,
     %b: index, %h: index, %t: index):
  sparse_attn.return
}

// -----

// expected-error @+1 {{expects the last arguments to be of the types 'f32', 'index', 'index', 'index', 'index', but got 'f32', 'index', 'index', 'index'}}
sparse_attn.score @score_c1_number {
^bb0(%s: f32, %b: index, %h: index, %i: index):
  sparse_attn.yield %s : f32
}

// -----

// expected-error @+1 {{expects the last arguments to be of the types 'f32', 'index', 'index', 'index', 'index', but got 'memref<?xf32>', 'f16', 'index', 'index', 'index', 'index'}}
sparse_attn.score @score_c1_type {
^bb0(%x: memref<?xf32>, %s: f16, %b: index, %h: index, %i: index, %j: index):
  sparse_attn.yield %s : f16
}

// -----

// expected-error @+1 {{expects to end in a sparse_attn.yield of one f32}}
sparse_attn.score @score_c2_yield {
^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
  sparse_attn.yield %i : index
}

// -----

sparse_attn.score @score_c2_op {
^bb0(%x: memref<?xf32>, %s: f32, %b: index, %h: index, %i: index, %j: index):
  // expected-error @+1 {{in a score region, but got 'memref.load'}}
  %y = memref.load %x[%h] : memref<?xf32>
  sparse_attn.yield %y : f32
}

// -----

!scores = !sparse_attn.tile<64x32xf32>
func.func @score_mod_c1_arguments(%s: !scores, %t: index) {
  // expected-error @+1 {{expects a region on an f32 and two positions of type index that yields one f32}}
  %new = sparse_attn.score_mod %s at(%t, %t) of(%t, %t) : !scores {
  ^bb0(%score: f32, %qp: index):
    sparse_attn.yield %score : f32
  }
  return
}

// -----

!scores = !sparse_attn.tile<64x32xf32>
func.func @score_mod_c1_yield(%s: !scores, %t: index) {
  // expected-error @+1 {{expects a region on an f32 and two positions of type index that yields one f32}}
  %new = sparse_attn.score_mod %s at(%t, %t) of(%t, %t) : !scores {
  ^bb0(%score: f32, %qp: index, %kp: index):
    sparse_attn.yield %qp : index
  }
  return
}

// -----

!array = memref<1x1x?x16xf32>
// expected-error @+1 {{expects 'nothing' to name a sparse_attn.score, but found none}}
sparse_attn.kernel @kernel_c4_missing of(@dense) tile(64, 64) scale(0.25) score(@nothing) {
^bb0(%q: !array, %k: !array, %v: !array, %o: !array, %b: index, %h: index, %t: index):
  sparse_attn.return
}

// -----

!array = memref<1x1x?x16xf32>
sparse_attn.score @biased {
^bb0(%x: memref<?xf32>, %s: f32, %b: index, %h: index, %i: index, %j: index):
  sparse_attn.yield %s : f32
}
// expected-error @+1 {{expects its last captures to be of the types 'memref<?xf32>', which @biased takes}}
sparse_attn.kernel @kernel_c4_none of(@dense) tile(64, 64) scale(0.25) score(@biased) {
^bb0(%q: !array, %k: !array, %v: !array, %o: !array, %b: index, %h: index, %t: index):
  sparse_attn.return
}

// -----

!array = memref<1x1x?x16xf32>
sparse_attn.score @biased {
^bb0(%x: memref<?xf32>, %s: f32, %b: index, %h: index, %i: index, %j: index):
  sparse_attn.yield %s : f32
}
// expected-error @+1 {{expects its last captures to be of the types 'memref<?xf32>', which @biased takes}}
sparse_attn.kernel @kernel_c4_type of(@dense) tile(64, 64) scale(0.25) score(@biased) {
^bb0(%q: !array, %k: !array, %v: !array, %x: memref<?xf32>, %n: index, %o: !array, %b: index, %h: index, %t: index):
  sparse_attn.return
}

// -----

func.func @read_c3_outside(%x: memref<?xf32>, %i: index) {
  // expected-error @+1 {{expects an array of i32, but got 'memref<?xf32>'}}
  %y = sparse_attn.read %x[%i] : memref<?xf32>
  return
}
