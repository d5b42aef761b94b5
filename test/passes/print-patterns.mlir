// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=4 columns=6 numbers=1,2" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=2 columns=4 batch=1 head=2" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=HEAD
// RUN: not sparse-attn-opt %s --sparse-attn-print-patterns=rows=0 -o /dev/null 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not sparse-attn-opt %s --sparse-attn-print-patterns=columns=-4 -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=COLUMNS

// ROWS:    error: expects one row and one column or more, but got 0 and 16
// COLUMNS: error: expects one row and one column or more, but got 16 and -4

// The picture of each pattern op is in dialect/pictures/. Sequences end together, and the module is left as it is.

// RUN: sparse-attn-opt %s > %t.before
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o %t.after
// RUN: cmp %t.before %t.after

//      CHECK: @causal: 4 queries, 6 keys
// CHECK-NEXT: ###...
// CHECK-NEXT: ####..
// CHECK-NEXT: #####.
// CHECK-NEXT: ######
sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}

// Captured numbers, in order.
// CHECK-NEXT: @captured: 4 queries, 6 keys
// CHECK-NEXT: .####.
// CHECK-NEXT: ..####
// CHECK-NEXT: ...###
// CHECK-NEXT: ....##
//       HEAD: @captured: needs 2 captured numbers (numbers=...)
sparse_attn.pattern @captured(%left: index, %right: index) {
  %p = sparse_attn.window left(%left) right(%right)
  sparse_attn.yield %p
}

// CHECK-NEXT: @too_many: needs 3 captured numbers (numbers=...)
//  HEAD-NEXT: @too_many: needs 3 captured numbers (numbers=...)
sparse_attn.pattern @too_many(%a: index, %b: index, %c: index) {
  %p = sparse_attn.keys first(%c)
  sparse_attn.yield %p
}

// CHECK-NEXT: @array: captures an array or a mask
//  HEAD-NEXT: @array: captures an array or a mask
sparse_attn.pattern @array(%ids: memref<?xi32>) {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %id = sparse_attn.read %ids[%k] : memref<?xi32>
    %zero = arith.constant 0 : i32
    %holds = arith.cmpi eq, %id, %zero : i32
    sparse_attn.yield %holds : i1
  }
  sparse_attn.yield %p
}

// The first key of batch 0, the second of batch 1; which ones a head sees is its number.
// CHECK-NEXT: @of_a_batch: 4 queries, 6 keys, batch 0
// CHECK-NEXT: #.....
// CHECK-NEXT: #.....
// CHECK-NEXT: #.....
// CHECK-NEXT: #.....
//  HEAD-NEXT: @of_a_batch: 2 queries, 4 keys, batch 1
//  HEAD-NEXT: .#..
//  HEAD-NEXT: .#..
sparse_attn.pattern @of_a_batch {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %holds = arith.cmpi eq, %b, %k : index
    sparse_attn.yield %holds : i1
  }
  sparse_attn.yield %p
}

// CHECK-NEXT: @of_a_head: 4 queries, 6 keys, head 0
// CHECK-NEXT: #.....
// CHECK-NEXT: #.....
// CHECK-NEXT: #.....
// CHECK-NEXT: #.....
//  HEAD-NEXT: @of_a_head: 2 queries, 4 keys, head 2
//  HEAD-NEXT: ###.
//  HEAD-NEXT: ###.
sparse_attn.pattern @of_a_head {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %holds = arith.cmpi ule, %k, %h : index
    sparse_attn.yield %holds : i1
  }
  sparse_attn.yield %p
}
