// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks --sparse-attn-prove-schedule | FileCheck %s
// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks --sparse-attn-prove-schedule | mlir-translate --export-smtlib | FileCheck %s --check-prefix=SMTLIB

!t = tensor<?x2x?x64xf32>

// Nothing is left but solvers.
// CHECK-NOT: sparse_attn.pattern
// CHECK-NOT: func.func

// The claim that bounds never decrease: lengths below 2^31, two queries that exist, the first not after the other, and
// the bounds of the second less than those of the first.
// CHECK:      smt.solver() {sparse_attn.claim = "bounds of band 0 never decrease", sparse_attn.schedule = "recent_64x64", sparse_attn.symbols = ["sq", "skv", "capture0", "q", "later_q"]}
// CHECK:        %[[SQ:.*]] = smt.declare_fun "sq" : !smt.int
// CHECK:        %[[SKV:.*]] = smt.declare_fun "skv" : !smt.int
// CHECK:        %[[N:.*]] = smt.declare_fun "capture0" : !smt.int
// CHECK:        %[[Q:.*]] = smt.declare_fun "q" : !smt.int
// CHECK:        %[[LATER:.*]] = smt.declare_fun "later_q" : !smt.int
// CHECK:        smt.int.constant 2147483648
// CHECK:        %[[ORDER:.*]] = smt.int.cmp le %[[Q]], %[[LATER]]
// CHECK:        %[[LO:.*]] = smt.int.sub %[[Q]], %[[WIDTH:.*]]
// CHECK:        %[[LATER_LO:.*]] = smt.int.sub %[[LATER]], %[[WIDTH]]
// CHECK:        smt.int.cmp le %[[LO]], %[[LATER_LO]]
// CHECK:        smt.assert %[[ORDER]]
// CHECK:        %[[FAILS:.*]] = smt.not
// CHECK-NEXT:   smt.assert %[[FAILS]]
// CHECK-NEXT:   smt.check sat
// CHECK:      sparse_attn.claim = "pairs of band 0 lie in visited tiles"

// A quotient is a witness: x = 64 * quotient + remainder.
// CHECK:        %[[QUOTIENT:.*]] = smt.declare_fun "quotient" : !smt.int
// CHECK:        %[[REMAINDER:.*]] = smt.declare_fun "remainder" : !smt.int
// CHECK:        %[[MULTIPLE:.*]] = smt.int.mul %{{.*}}, %[[QUOTIENT]]
// CHECK:        %[[SUM:.*]] = smt.int.add %[[MULTIPLE]], %[[REMAINDER]]
// CHECK:        smt.eq %{{.*}}, %[[SUM]] : !smt.int
sparse_attn.pattern @recent(%n: index) {
  %p = sparse_attn.window left(%n) right(0)
  sparse_attn.yield %p
}
func.func @use_recent(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@recent(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// A captured array is any function, and a slice of it bounds each of its elements.
// CHECK:      sparse_attn.claim = "every pair attends where coverage is all", sparse_attn.schedule = "same_64x64"
// CHECK:        %[[ARRAY:.*]] = smt.declare_fun "array4" : !smt.func<(!smt.int) !smt.int>
// CHECK:        smt.apply_func %[[ARRAY]](%{{.*}})
// SMTLIB:     (declare-fun array4 (Int) Int)
sparse_attn.pattern @same(%document: memref<?xi32>) {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %dq = sparse_attn.read %document[%q] : memref<?xi32>
    %dk = sparse_attn.read %document[%k] : memref<?xi32>
    %equal = arith.cmpi eq, %dq, %dk : i32
    sparse_attn.yield %equal : i1
  }
  sparse_attn.yield %p
}
func.func @use_same(%q: !t, %document: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@same(%document) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}
