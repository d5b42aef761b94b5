// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks --sparse-attn-fuse-softmax --canonicalize --cse | FileCheck %s

!t = tensor<?x8x?x16xbf16>
!kv = tensor<?x2x?x16xbf16>
!l = tensor<?x8x?xf32>

sparse_attn.pattern @near(%n: index) {
  %p = sparse_attn.window left(%n) right(0)
  sparse_attn.yield %p
}

// The partial result stands between captures and output; the state starts from the item's rows of it.
// CHECK-LABEL: sparse_attn.kernel @resumed_0 of(@near) tile(64, 64) scale(0.25) resumes lse {
// CHECK-NEXT:  ^bb0(%q: [[ARRAY:memref<\?x8x\?x16xbf16, strided<\[\?, \?, \?, 1\], offset: \?>>]], %k: {{.*}}, %v: {{.*}}, %{{.*}}: index, %po: [[ARRAY]], %pl: [[SUMS:memref<\?x8x\?xf32, strided<\[\?, \?, \?\], offset: \?>>]], %o: [[ARRAY]], %lse: [[SUMS]], %b: index, %h: index, %t: index):
// CHECK:         sparse_attn.load %q[%b, %h, %t]
// CHECK-NEXT:    %[[OUTPUT:.*]] = sparse_attn.load %po[%b, %h, %t] : {{.*}} -> <64x16xbf16>
// CHECK-NEXT:    %[[LSE:.*]] = sparse_attn.load %pl[%b, %h, %t] : {{.*}} -> <64xf32>
// CHECK-NEXT:    %[[M:.*]], %[[L:.*]], %[[A:.*]] = sparse_attn.softmax_resume %[[OUTPUT]], %[[LSE]] : <64x16xbf16>, <64xf32> -> <64x16xf32>
// CHECK-NEXT:    %[[END:.*]]:3 = sparse_attn.for_each_key_tile %{{.*}} state(%[[M]], %[[L]], %[[A]])
// CHECK-NOT:     sparse_attn.softmax_init
// CHECK:         %[[OUT:.*]], %[[SUMS_OUT:.*]] = sparse_attn.finalize %[[END]]#2, %[[END]]#0, %[[END]]#1
// CHECK-NEXT:    sparse_attn.store %[[OUT]], %o[%b, %h, %t]
// CHECK-NEXT:    sparse_attn.store %[[SUMS_OUT]], %lse[%b, %h, %t]
// CHECK-LABEL: func.func @resumed(
// CHECK-SAME:    %[[Q:.*]]: tensor<?x8x?x16xbf16>, %[[K:.*]]: tensor<?x2x?x16xbf16>, %[[N:.*]]: index, %[[P:.*]]: tensor<?x8x?x16xbf16>, %[[LP:.*]]: tensor<?x8x?xf32>)
// CHECK-NEXT:    %{{.*}} = sparse_attn.launch @resumed_0(%[[Q]], %[[K]], %[[K]]) captures(%[[N]]) from(%[[P]], %[[LP]]) :
func.func @resumed(%q: !t, %k: !kv, %n: index, %p: !t, %lp: !l) -> (!t, !l) {
  %o, %lse = sparse_attn.attention %q, %k, %k pattern(@near(%n) : (index)) from(%p, %lp : !t, !l)
      : (!t, !kv, !kv) -> (!t, !l)
  return %o, %lse : !t, !l
}

// Without a log-sum-exp of its own.
// CHECK-LABEL: sparse_attn.kernel @output_alone_0 of(@near) tile(64, 64) scale(0.25) resumes {
// CHECK-NEXT:  ^bb0({{.*}}, %po: {{[^%]*}}, %pl: {{[^%]*}}, %o: {{[^%]*}}, %b: index, %h: index, %t: index):
// CHECK:         sparse_attn.softmax_resume
// CHECK:         sparse_attn.store {{.*}}, %o[%b, %h, %t]
// CHECK-NEXT:    sparse_attn.return
func.func @output_alone(%q: !t, %k: !kv, %n: index, %p: !t, %lp: !l) -> !t {
  %o = sparse_attn.attention %q, %k, %k pattern(@near(%n) : (index)) from(%p, %lp : !t, !l) : (!t, !kv, !kv) -> !t
  return %o : !t
}

// Of a residue class, the partial result's rows are those of the queries.
// CHECK-LABEL: sparse_attn.kernel @classes_0 of(@dilated) tile(64, 64) scale(0.25) resumes lse modulo(8) {
// CHECK-DAG:     %[[QUERIES:.*]] = sparse_attn.rows %q from(%[[ROW:.*]]) step(8)
// CHECK-DAG:     %[[OUTPUTS:.*]] = sparse_attn.rows %po from(%[[ROW]]) step(8) : memref<?x8x?x16xbf16,
// CHECK-DAG:     %[[SUMS:.*]] = sparse_attn.rows %pl from(%[[ROW]]) step(8) : memref<?x8x?xf32,
// CHECK:         sparse_attn.load %[[QUERIES]][%b, %h, %[[TILE:.*]]] :
// CHECK-NEXT:    %[[OUTPUT:.*]] = sparse_attn.load %[[OUTPUTS]][%b, %h, %[[TILE]]] :
// CHECK-NEXT:    %[[LSE:.*]] = sparse_attn.load %[[SUMS]][%b, %h, %[[TILE]]] :
// CHECK-NEXT:    sparse_attn.softmax_resume %[[OUTPUT]], %[[LSE]]
sparse_attn.pattern @dilated {
  %window = sparse_attn.window left(64) right(64)
  %stride = sparse_attn.stride step(8)
  %p = sparse_attn.intersect %window, %stride
  sparse_attn.yield %p
}
func.func @classes(%q: !t, %k: !kv, %p: !t, %lp: !l) -> (!t, !l) {
  %o, %lse = sparse_attn.attention %q, %k, %k pattern(@dilated) from(%p, %lp : !t, !l) modulo(8)
      : (!t, !kv, !kv) -> (!t, !l)
  return %o, %lse : !t, !l
}
