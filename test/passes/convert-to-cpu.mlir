// RUN: sparse-attn-opt %s --sparse-attn-to-tiles --sparse-attn-convert-to-cpu > %t.v4
// RUN: FileCheck %s --check-prefixes=CHECK,V4 < %t.v4
// RUN: sparse-attn-opt %s --sparse-attn-to-tiles --sparse-attn-convert-to-cpu=cpu=x86-64-v3 > %t.v3
// RUN: FileCheck %s --check-prefixes=CHECK,V3 < %t.v3

// Of the dialect nothing is left but the size of the scratch memory.
// RUN: cat %t.v4 %t.v3 | grep -o "sparse_attn[.][a-z_]*" | sort -u | FileCheck %s --check-prefix=LEFT
// LEFT-NOT: sparse_attn
// LEFT:     sparse_attn.scratch_bytes
// LEFT-NOT: sparse_attn

!t = tensor<1x2x?x16xf32>

// Vectors are as wide as the registers.
// V4-NOT: vector<8xf32>
// V3-NOT: vector<16xf32>

// CHECK-NOT:   func.func
// CHECK-LABEL: func.func @closed_form_0_items(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr) -> i32
// CHECK-SAME:    attributes {sparse_attn.scratch_bytes = {{[1-9][0-9]*}} : i64}
// V4:            vector.fma {{.*}} : vector<16xf32>
// V3:            vector.fma {{.*}} : vector<8xf32>
// CHECK:         return %{{.*}} : i32
// CHECK-LABEL: func.func @closed_form_0_work(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr) -> i32
// CHECK-LABEL: func.func @closed_form_0_predicate(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr) -> i32
// CHECK-LABEL: func.func @closed_form_0_tiles(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr) -> i32
// CHECK-NOT:   @closed_form_0_plan
sparse_attn.pattern @mixed {
  %causal = sparse_attn.causal
  %local = sparse_attn.window left(256) right(256)
  %sinks = sparse_attn.keys first(64)
  %stride = sparse_attn.stride step(512)
  %any = sparse_attn.union %local, %sinks, %stride
  %p = sparse_attn.intersect %causal, %any
  sparse_attn.yield %p
}
func.func @closed_form(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@mixed) : (!t, !t, !t) -> !t
  return %o : !t
}

// A listed schedule adds the plan.
// CHECK-LABEL: func.func @listed_0_items(
// CHECK-LABEL: func.func @listed_0_work(
// CHECK-LABEL: func.func @listed_0_predicate(
// CHECK-LABEL: func.func @listed_0_tiles(
// CHECK-LABEL: func.func @listed_0_plan(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr) -> i32
sparse_attn.pattern @packed(%ids: memref<?xi32>) {
  %random = sparse_attn.random blocks(3) size(64) seed(7)
  %same = sparse_attn.predicate (%b, %h, %q, %k) {
    %dq = sparse_attn.read %ids[%q] : memref<?xi32>
    %dk = sparse_attn.read %ids[%k] : memref<?xi32>
    %equal = arith.cmpi eq, %dq, %dk : i32
    sparse_attn.yield %equal : i1
  }
  %p = sparse_attn.union %random, %same
  sparse_attn.yield %p
}
func.func @listed(%q: !t, %ids: memref<?xi32>) -> (!t, tensor<1x2x?xf32>) {
  %o, %lse = sparse_attn.attention %q, %q, %q pattern(@packed(%ids) : (memref<?xi32>)) : (!t, !t, !t)
      -> (!t, tensor<1x2x?xf32>)
  return %o, %lse : !t, tensor<1x2x?xf32>
}

// A score region is evaluated for vectors of queries, with no function of a library, and for single scores in an entry of
// its own.
// CHECK-LABEL: func.func @scored_0_items(
// V4:            vector.gather {{.*}} : memref<?x?xf32>, vector<16xi32>, vector<16xi1>, vector<16xf32> into vector<16xf32>
// V3:            vector.gather {{.*}} : memref<?x?xf32>, vector<8xi32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
// CHECK-NOT:     math.tanh
// CHECK-LABEL: func.func @scored_0_predicate(
// CHECK-LABEL: func.func @scored_0_score(
// CHECK-SAME:    %[[BLOCK:.*]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %[[SCORES:.*]]: !llvm.ptr) -> i32
// CHECK:         scf.for
// CHECK:           %[[BEFORE:.*]] = llvm.getelementptr %[[SCORES]]
// CHECK:           llvm.load %[[BEFORE]] {{.*}} -> f32
// CHECK:           memref.load {{.*}} : memref<?x?xf32>
// CHECK:           llvm.store %{{.*}} : f32, !llvm.ptr
// CHECK-LABEL: func.func @scored_0_tiles(
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @scored(%q: !t, %table: memref<?x?xf32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@dense) score (%s, %b, %h, %i, %j) {
    %bias = sparse_attn.read %table[%h, %i] : memref<?x?xf32>
    %biased = arith.addf %s, %bias : f32
    %new = math.tanh %biased : f32
    sparse_attn.yield %new : f32
  } : (!t, !t, !t) -> !t
  return %o : !t
}

// Functions that launch nothing stay as they are.
// CHECK-LABEL: func.func @unrelated
// CHECK-NEXT:    return %{{.*}} : i32
func.func @unrelated(%x: i32) -> i32 {
  return %x : i32
}
