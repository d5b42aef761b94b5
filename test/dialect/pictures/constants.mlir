// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=2 columns=8 numbers=2" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines

// Constants of a pattern stand for numbers in it, as parameters and in predicates.

//      CHECK: @parameter: 2 queries, 8 keys
// CHECK-NEXT: ####....
// CHECK-NEXT: ####....
sparse_attn.pattern @parameter(%n: index) {
  %four = arith.constant 4 : index
  %p = sparse_attn.keys first(%four)
  sparse_attn.yield %p
}

// CHECK-NEXT: @predicate: 2 queries, 8 keys
// CHECK-NEXT: ##..####
// CHECK-NEXT: ##..####
sparse_attn.pattern @predicate(%n: index) {
  %four = arith.constant 4 : index
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %first = arith.cmpi slt, %k, %n : index
    %last = arith.cmpi sge, %k, %four : index
    %either = arith.ori %first, %last : i1
    sparse_attn.yield %either : i1
  }
  sparse_attn.yield %p
}

// CHECK-NEXT: @nothing: 2 queries, 8 keys
// CHECK-NEXT: ........
// CHECK-NEXT: ........
sparse_attn.pattern @nothing {
  %false = arith.constant false
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    sparse_attn.yield %false : i1
  }
  sparse_attn.yield %p
}
