// REQUIRES: z3
// RUN: sparse-attn-prove %s | FileCheck %s

// Tiles that a plan lists: masks, arrays and ranks are any functions, their coverage is proved.

!t = tensor<?x2x?x64xf32>

// CHECK-LABEL: @pages_64x16
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @pages(%mask: !sparse_attn.block_mask<64x16>, %n: index) {
  %pages = sparse_attn.blocks %mask : !sparse_attn.block_mask<64x16>
  %sinks = sparse_attn.keys first(%n)
  %seen = sparse_attn.union %pages, %sinks
  %past = sparse_attn.causal
  %p = sparse_attn.intersect %seen, %past
  sparse_attn.yield %p
}
func.func @use_pages(%q: !t, %mask: !sparse_attn.block_mask<64x16>, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@pages(%mask, %n) : (!sparse_attn.block_mask<64x16>, index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @packed_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @packed(%document: memref<?xi32>) {
  %past = sparse_attn.causal
  %same = sparse_attn.predicate (%b, %h, %q, %k) {
    %dq = sparse_attn.read %document[%q] : memref<?xi32>
    %dk = sparse_attn.read %document[%k] : memref<?xi32>
    %equal = arith.cmpi eq, %dq, %dk : i32
    sparse_attn.yield %equal : i1
  }
  %p = sparse_attn.intersect %past, %same
  sparse_attn.yield %p
}
func.func @use_packed(%q: !t, %document: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@packed(%document) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @per_batch_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @per_batch(%time: memref<?x?xi32>) {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %three = arith.constant 3 : i32
    %dq = sparse_attn.read %time[%b, %q] : memref<?x?xi32>
    %dk = sparse_attn.read %time[%b, %k] : memref<?x?xi32>
    %difference = arith.subi %dq, %dk : i32
    %recent = arith.cmpi slt, %difference, %three : i32
    sparse_attn.yield %recent : i1
  }
  sparse_attn.yield %p
}
func.func @use_per_batch(%q: !t, %time: memref<?x?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@per_batch(%time) : (memref<?x?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @formula_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @formula {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %four = arith.constant 4 : index
    %zero = arith.constant 0 : index
    %sum = arith.addi %q, %k : index
    %rest = arith.remsi %sum, %four : index
    %hit = arith.cmpi eq, %rest, %zero : index
    sparse_attn.yield %hit : i1
  }
  sparse_attn.yield %p
}
func.func @use_formula(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@formula) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @wave_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
// What floats compute is any function to the solver; coverage does not depend on it.
sparse_attn.pattern @wave {
  %near = sparse_attn.window left(64) right(64)
  %wave = sparse_attn.predicate (%b, %h, %q, %k) {
    %half = arith.constant 5.0e-1 : f32
    %distance = arith.subi %q, %k : index
    %number = arith.index_cast %distance : index to i32
    %angle = arith.sitofp %number : i32 to f32
    %sine = math.sin %angle : f32
    %high = arith.cmpf ogt, %sine, %half : f32
    sparse_attn.yield %high : i1
  }
  %p = sparse_attn.intersect %near, %wave
  sparse_attn.yield %p
}
func.func @use_wave(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@wave) : (!t, !t, !t) -> !t
  return %o : !t
}

// Ranks of blocks are any function; the loop of the coverage asks it for the block of every pair.
// CHECK-LABEL: @drawn_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @drawn(%n: index) {
  %p = sparse_attn.random blocks(%n) size(64) seed(7)
  sparse_attn.yield %p
}
func.func @use_drawn(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@drawn(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @bigbird_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @bigbird {
  %random = sparse_attn.random blocks(3) size(32) seed(7)
  %near = sparse_attn.window left(96) right(96)
  %global = sparse_attn.global first(64)
  %p = sparse_attn.union %random, %near, %global
  sparse_attn.yield %p
}
func.func @use_bigbird(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@bigbird) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: @by_id_64x64
// CHECK:       no pair attends where coverage is not any proved
// CHECK:       every pair attends where coverage is all proved
sparse_attn.pattern @by_id(%ids: memref<?x?xi32>) {
  %p = sparse_attn.documents ids(%ids) : memref<?x?xi32>
  sparse_attn.yield %p
}
func.func @use_by_id(%q: !t, %ids: memref<?x?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@by_id(%ids) : (memref<?x?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK: {{^}}20 proved, 0 refuted, 0 open;
