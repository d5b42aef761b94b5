// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null | FileCheck %s --match-full-lines
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=6 columns=10" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=SHORT
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=10 columns=6" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=LONG

// Always.

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// CHECK-LABEL: @dense: 16 queries, 16 keys
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

// SHORT-LABEL: @dense: 6 queries, 10 keys
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########
// SHORT-NEXT: ##########

// LONG-LABEL: @dense: 10 queries, 6 keys
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
