// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null -verify-diagnostics

sparse_attn.pattern @division_by_zero {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    // expected-error @+1 {{expects ops that fold on constants, but got 'arith.remsi'}}
    %rest = arith.remsi %q, %k : index
    %zero = arith.constant 0 : index
    %holds = arith.cmpi eq, %rest, %zero : index
    sparse_attn.yield %holds : i1
  }
  sparse_attn.yield %p
}
