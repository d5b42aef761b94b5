// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null | FileCheck %s --match-full-lines
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=6 columns=10" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=SHORT
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=10 columns=6" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=LONG

// q + k is a multiple of 3, and k is not 5: written out by the user.

sparse_attn.pattern @sum {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %three = arith.constant 3 : index
    %five = arith.constant 5 : index
    %zero = arith.constant 0 : index
    %sum = arith.addi %q, %k : index
    %rest = arith.remsi %sum, %three : index
    %multiple = arith.cmpi eq, %rest, %zero : index
    %other = arith.cmpi ne, %k, %five : index
    %both = arith.andi %multiple, %other : i1
    sparse_attn.yield %both : i1
  }
  sparse_attn.yield %p
}

// CHECK-LABEL: @sum: 16 queries, 16 keys
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: ..#.....#..#..#.
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: ..#.....#..#..#.
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: ..#.....#..#..#.
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: ..#.....#..#..#.
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: ..#.....#..#..#.
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: #..#..#..#..#..#

// SHORT-LABEL: @sum: 6 queries, 10 keys
// SHORT-NEXT: ..#.....#.
// SHORT-NEXT: .#..#..#..
// SHORT-NEXT: #..#..#..#
// SHORT-NEXT: ..#.....#.
// SHORT-NEXT: .#..#..#..
// SHORT-NEXT: #..#..#..#

// LONG-LABEL: @sum: 10 queries, 6 keys
// LONG-NEXT: .#..#.
// LONG-NEXT: #..#..
// LONG-NEXT: ..#...
// LONG-NEXT: .#..#.
// LONG-NEXT: #..#..
// LONG-NEXT: ..#...
// LONG-NEXT: .#..#.
// LONG-NEXT: #..#..
// LONG-NEXT: ..#...
// LONG-NEXT: .#..#.

sparse_attn.pattern @floats {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    // A disc of radius 5 around (8, 8).
    %eight = arith.constant 8 : index
    %limit = arith.constant 25.0 : f32
    %dq = arith.subi %q, %eight : index
    %dk = arith.subi %k, %eight : index
    %iq = arith.index_cast %dq : index to i32
    %ik = arith.index_cast %dk : index to i32
    %fq = arith.sitofp %iq : i32 to f32
    %fk = arith.sitofp %ik : i32 to f32
    %qq = arith.mulf %fq, %fq : f32
    %kk = arith.mulf %fk, %fk : f32
    %square = arith.addf %qq, %kk : f32
    %inside = arith.cmpf ole, %square, %limit : f32
    sparse_attn.yield %inside : i1
  }
  sparse_attn.yield %p
}

// CHECK-LABEL: @floats: 16 queries, 16 keys
// CHECK-NEXT: ................
// CHECK-NEXT: ................
// CHECK-NEXT: ................
// CHECK-NEXT: ........#.......
// CHECK-NEXT: .....#######....
// CHECK-NEXT: ....#########...
// CHECK-NEXT: ....#########...
// CHECK-NEXT: ....#########...
// CHECK-NEXT: ...###########..
// CHECK-NEXT: ....#########...
// CHECK-NEXT: ....#########...
// CHECK-NEXT: ....#########...
// CHECK-NEXT: .....#######....
// CHECK-NEXT: ........#.......
// CHECK-NEXT: ................
// CHECK-NEXT: ................

// SHORT-LABEL: @floats: 6 queries, 10 keys
// SHORT-NEXT: .....#####
// SHORT-NEXT: ....######
// SHORT-NEXT: ....######
// SHORT-NEXT: ....######
// SHORT-NEXT: ...#######
// SHORT-NEXT: ....######

// LONG-LABEL: @floats: 10 queries, 6 keys
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: .....#
// LONG-NEXT: ....##
