// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null | FileCheck %s --match-full-lines
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=6 columns=10" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=SHORT
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=10 columns=6" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=LONG

// Two blocks of two keys for each two queries; test/oracle/random_pattern.py has the definition.

sparse_attn.pattern @random {
  %p = sparse_attn.random blocks(2) size(2) seed(7)
  sparse_attn.yield %p
}

// CHECK-LABEL: @random: 16 queries, 16 keys, batch 0, head 0
// CHECK-NEXT: ####............
// CHECK-NEXT: ####............
// CHECK-NEXT: ##............##
// CHECK-NEXT: ##............##
// CHECK-NEXT: ........##..##..
// CHECK-NEXT: ........##..##..
// CHECK-NEXT: ......##..##....
// CHECK-NEXT: ......##..##....
// CHECK-NEXT: ....##......##..
// CHECK-NEXT: ....##......##..
// CHECK-NEXT: ##..##..........
// CHECK-NEXT: ##..##..........
// CHECK-NEXT: ##........##....
// CHECK-NEXT: ##........##....
// CHECK-NEXT: ....##....##....
// CHECK-NEXT: ....##....##....

// SHORT-LABEL: @random: 6 queries, 10 keys, batch 0, head 0
// SHORT-NEXT: ......####
// SHORT-NEXT: ......####
// SHORT-NEXT: ......####
// SHORT-NEXT: ......####
// SHORT-NEXT: ....####..
// SHORT-NEXT: ....####..

// LONG-LABEL: @random: 10 queries, 6 keys, batch 0, head 0
// LONG-NEXT: ..####
// LONG-NEXT: ..####
// LONG-NEXT: ##..##
// LONG-NEXT: ##..##
// LONG-NEXT: ##..##
// LONG-NEXT: ##..##
// LONG-NEXT: ..####
// LONG-NEXT: ..####
// LONG-NEXT: ..####
// LONG-NEXT: ..####
