// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null | FileCheck %s --match-full-lines
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=6 columns=10" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=SHORT
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=10 columns=6" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=LONG

// k mod every >= every - last.

sparse_attn.pattern @two_of_five {
  %p0 = sparse_attn.columns every(5) last(2)
  sparse_attn.yield %p0
}

// CHECK-LABEL: @two_of_five: 16 queries, 16 keys
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.
// CHECK-NEXT: ...##...##...##.

// SHORT-LABEL: @two_of_five: 6 queries, 10 keys
// SHORT-NEXT: ...##...##
// SHORT-NEXT: ...##...##
// SHORT-NEXT: ...##...##
// SHORT-NEXT: ...##...##
// SHORT-NEXT: ...##...##
// SHORT-NEXT: ...##...##

// LONG-LABEL: @two_of_five: 10 queries, 6 keys
// LONG-NEXT: ...##.
// LONG-NEXT: ...##.
// LONG-NEXT: ...##.
// LONG-NEXT: ...##.
// LONG-NEXT: ...##.
// LONG-NEXT: ...##.
// LONG-NEXT: ...##.
// LONG-NEXT: ...##.
// LONG-NEXT: ...##.
// LONG-NEXT: ...##.

sparse_attn.pattern @all {
  %p0 = sparse_attn.columns every(3) last(3)
  sparse_attn.yield %p0
}

// CHECK-LABEL: @all: 16 queries, 16 keys
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

// SHORT-LABEL: @all: 6 queries, 10 keys
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########

// LONG-LABEL: @all: 10 queries, 6 keys
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
