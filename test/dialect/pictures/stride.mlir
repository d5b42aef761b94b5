// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null | FileCheck %s --match-full-lines
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=6 columns=10" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=SHORT
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=10 columns=6" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=LONG

// (q - k) mod step = 0.

sparse_attn.pattern @three {
  %p = sparse_attn.stride step(3)
  sparse_attn.yield %p
}

// CHECK-LABEL: @three: 16 queries, 16 keys
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: ..#..#..#..#..#.
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: ..#..#..#..#..#.
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: ..#..#..#..#..#.
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: ..#..#..#..#..#.
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: ..#..#..#..#..#.
// CHECK-NEXT: #..#..#..#..#..#

// SHORT-LABEL: @three: 6 queries, 10 keys
// SHORT-NEXT: .#..#..#..
// SHORT-NEXT: ..#..#..#.
// SHORT-NEXT: #..#..#..#
// SHORT-NEXT: .#..#..#..
// SHORT-NEXT: ..#..#..#.
// SHORT-NEXT: #..#..#..#

// LONG-LABEL: @three: 10 queries, 6 keys
// LONG-NEXT: ..#..#
// LONG-NEXT: #..#..
// LONG-NEXT: .#..#.
// LONG-NEXT: ..#..#
// LONG-NEXT: #..#..
// LONG-NEXT: .#..#.
// LONG-NEXT: ..#..#
// LONG-NEXT: #..#..
// LONG-NEXT: .#..#.
// LONG-NEXT: ..#..#

sparse_attn.pattern @one {
  %p = sparse_attn.stride step(1)
  sparse_attn.yield %p
}

// CHECK-LABEL: @one: 16 queries, 16 keys
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################
// CHECK-NEXT: ################

// SHORT-LABEL: @one: 6 queries, 10 keys
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########

// LONG-LABEL: @one: 10 queries, 6 keys
// LONG-NEXT: ######
// LONG-NEXT: ######
// LONG-NEXT: ######
// LONG-NEXT: ######
// LONG-NEXT: ######
// LONG-NEXT: ######
// LONG-NEXT: ######
// LONG-NEXT: ######
// LONG-NEXT: ######
// LONG-NEXT: ######
