// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks --sparse-attn-fuse-softmax --canonicalize --cse | FileCheck %s

!t = tensor<?x8x?x16xbf16>
!kv = tensor<?x2x?x16xbf16>
!l = tensor<?x8x?xf32>

sparse_attn.pattern @near {
  %p = sparse_attn.window left(100) right(0)
  sparse_attn.yield %p
}

// The pattern sees one sequence: every array is replaced by its rows, and lengths come from the table. Items count
// sequences; arrays may have one batch alone.
// CHECK-LABEL: sparse_attn.kernel @packed_0 of(@near) tile(64, 64) scale(0.25) sequences lse {
// CHECK-NEXT:  ^bb0(%q: {{[^%]*}}, %k: {{[^%]*}}, %v: {{[^%]*}}, %sequences: memref<?x?xi32>, %o: {{[^%]*}}, %lse: {{[^%]*}}, %b: index, %h: index, %t: index):
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG:     %[[C3:.*]] = arith.constant 3 : index
// CHECK:         %[[FIRST_QUERY_I32:.*]] = sparse_attn.read %sequences[%b, %[[C0]]] : memref<?x?xi32>
// CHECK-NEXT:    %[[FIRST_QUERY:.*]] = arith.index_cast %[[FIRST_QUERY_I32]] : i32 to index
// CHECK-NEXT:    %[[FIRST_KEY_I32:.*]] = sparse_attn.read %sequences[%b, %[[C2]]] : memref<?x?xi32>
// CHECK-NEXT:    %[[FIRST_KEY:.*]] = arith.index_cast %[[FIRST_KEY_I32]] : i32 to index
// CHECK-NEXT:    %[[QUERIES_I32:.*]] = sparse_attn.read %sequences[%b, %[[C1]]] : memref<?x?xi32>
// CHECK-NEXT:    %[[QUERIES:.*]] = arith.index_cast %[[QUERIES_I32]] : i32 to index
// CHECK-NEXT:    %[[KEYS_I32:.*]] = sparse_attn.read %sequences[%b, %[[C3]]] : memref<?x?xi32>
// CHECK-NEXT:    %[[KEYS:.*]] = arith.index_cast %[[KEYS_I32]] : i32 to index
// CHECK-NEXT:    %[[BATCHES:.*]] = memref.dim %q, %[[C0]]
// CHECK-NEXT:    %[[LAST:.*]] = arith.subi %[[BATCHES]], %[[C1]] : index
// CHECK-NEXT:    %[[BATCH:.*]] = arith.minsi %b, %[[LAST]] : index
// CHECK-NEXT:    %[[Q:.*]] = sparse_attn.rows %q from(%[[FIRST_QUERY]]) count(%[[QUERIES]]) step(1) :
// CHECK-NEXT:    %[[K:.*]] = sparse_attn.rows %k from(%[[FIRST_KEY]]) count(%[[KEYS]]) step(1) :
// CHECK-NEXT:    %[[V:.*]] = sparse_attn.rows %v from(%[[FIRST_KEY]]) count(%[[KEYS]]) step(1) :
// CHECK-NEXT:    %[[O:.*]] = sparse_attn.rows %o from(%[[FIRST_QUERY]]) count(%[[QUERIES]]) step(1) :
// CHECK-NEXT:    %[[L:.*]] = sparse_attn.rows %lse from(%[[FIRST_QUERY]]) count(%[[QUERIES]]) step(1) :
// CHECK:         %[[KEY_HEAD:.*]] = arith.divui %h,
// CHECK:         sparse_attn.visit @near_64x64(%b, %h, %t, %[[QUERIES]], %[[KEYS]]) :
// CHECK-NEXT:    sparse_attn.load %[[Q]][%[[BATCH]], %h, %t] :
// CHECK:         sparse_attn.load %[[K]][%[[BATCH]], %[[KEY_HEAD]], %[[J:.*]]] :
// CHECK:         sparse_attn.mask {{.*}} at(%t, %[[J]]) of(%[[QUERIES]], %[[KEYS]]) :
// CHECK:         sparse_attn.load %[[V]][%[[BATCH]], %[[KEY_HEAD]], %[[J]]] :
// CHECK:         sparse_attn.store {{.*}}, %[[O]][%[[BATCH]], %h, %t] :
// CHECK-NEXT:    sparse_attn.store {{.*}}, %[[L]][%[[BATCH]], %h, %t] :
// CHECK-LABEL: func.func @packed(
// CHECK-SAME:    %[[Q:.*]]: tensor<?x8x?x16xbf16>, %[[K:.*]]: tensor<?x2x?x16xbf16>, %[[OFFSETS:.*]]: memref<?xi32>, %[[LENGTHS:.*]]: memref<?xi32>)
// CHECK-NEXT:    sparse_attn.launch @packed_0(%[[Q]], %[[K]], %[[K]]) k_lengths(%[[LENGTHS]]) q_offsets(%[[OFFSETS]]) k_offsets(%[[OFFSETS]]) :
func.func @packed(%q: !t, %k: !kv, %offsets: memref<?xi32>, %lengths: memref<?xi32>) -> (!t, !l) {
  %o, %lse = sparse_attn.attention %q, %k, %k pattern(@near) k_lengths(%lengths) q_offsets(%offsets) k_offsets(%offsets)
      : (!t, !kv, !kv) -> (!t, !l)
  return %o, %lse : !t, !l
}

// Residue classes are those of a sequence: rows of rows, as many as there are.
// CHECK-LABEL: sparse_attn.kernel @classes_0 of(@dilated) tile(64, 64) scale(0.25) sequences modulo(8) {
// CHECK:         %[[QUERIES:.*]] = arith.index_cast %{{.*}} : i32 to index
// CHECK:         %[[BATCH:.*]] = arith.minsi %b,
// CHECK-NEXT:    %[[Q:.*]] = sparse_attn.rows %q from(%{{.*}}) count(%{{.*}}) step(1) :
// CHECK-NEXT:    %[[K:.*]] = sparse_attn.rows %k from(%{{.*}}) count(%{{.*}}) step(1) :
// CHECK-NEXT:    %[[V:.*]] = sparse_attn.rows %v from(%{{.*}}) count(%{{.*}}) step(1) :
// CHECK-NEXT:    %[[O:.*]] = sparse_attn.rows %o from(%{{.*}}) count(%{{.*}}) step(1) :
// CHECK:         %[[Q8:.*]] = sparse_attn.rows %[[Q]] from(%[[ROW:.*]]) step(8) :
// CHECK-NEXT:    %[[K8:.*]] = sparse_attn.rows %[[K]] from(%[[CLASS:.*]]) step(8) :
// CHECK-NEXT:    %[[V8:.*]] = sparse_attn.rows %[[V]] from(%[[CLASS]]) step(8) :
// CHECK-NEXT:    %[[O8:.*]] = sparse_attn.rows %[[O]] from(%[[ROW]]) step(8) :
// CHECK:         sparse_attn.load %[[Q8]][%[[BATCH]], %h, %[[TILE:.*]]] :
// CHECK:         sparse_attn.load %[[K8]][%[[BATCH]],
// CHECK:         sparse_attn.load %[[V8]][%[[BATCH]],
// CHECK:         sparse_attn.store {{.*}}, %[[O8]][%[[BATCH]], %h, %[[TILE]]] :
sparse_attn.pattern @dilated {
  %window = sparse_attn.window left(64) right(64)
  %stride = sparse_attn.stride step(8)
  %p = sparse_attn.intersect %window, %stride
  sparse_attn.yield %p
}
func.func @classes(%q: !t, %k: !kv, %lengths: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %k, %k pattern(@dilated) q_lengths(%lengths) modulo(8) : (!t, !kv, !kv) -> !t
  return %o : !t
}

// A partial result is that of the queries.
// CHECK-LABEL: sparse_attn.kernel @resumed_0 of(@near) tile(64, 64) scale(0.25) sequences resumes {
// CHECK:         %[[BATCH:.*]] = arith.minsi %b,
// CHECK-NEXT:    sparse_attn.rows %q from(%[[FIRST_QUERY:.*]]) count(%[[QUERIES:.*]]) step(1) :
// CHECK:         %[[PO:.*]] = sparse_attn.rows %po from(%[[FIRST_QUERY]]) count(%[[QUERIES]]) step(1) :
// CHECK-NEXT:    %[[PL:.*]] = sparse_attn.rows %pl from(%[[FIRST_QUERY]]) count(%[[QUERIES]]) step(1) :
// CHECK-NEXT:    sparse_attn.rows %o from(%[[FIRST_QUERY]]) count(%[[QUERIES]]) step(1) :
// CHECK:         sparse_attn.load %[[PO]][%[[BATCH]], %h, %t] :
// CHECK-NEXT:    sparse_attn.load %[[PL]][%[[BATCH]], %h, %t] :
// CHECK-LABEL: func.func @resumed(
// CHECK:         sparse_attn.launch @resumed_0({{.*}}) q_lengths(%{{.*}}) from(
func.func @resumed(%q: !t, %k: !kv, %p: !t, %lp: !l, %lengths: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %k, %k pattern(@near) q_lengths(%lengths) from(%p, %lp : !t, !l) : (!t, !kv, !kv) -> !t
  return %o : !t
}
