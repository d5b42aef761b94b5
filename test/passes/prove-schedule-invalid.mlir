// RUN: sparse-attn-opt %s --sparse-attn-prove-schedule --verify-diagnostics

// Plans ask about rectangles of positions, of which a residue class has few.

sparse_attn.pattern @even {
  %p = sparse_attn.stride step(2)
  sparse_attn.yield %p
}
sparse_attn.plan @even_plan of(@even) tile(64, 64) {
^bb0(%b: index, %h: index, %q0: index, %q1: index, %k0: index, %k1: index, %sq: index, %skv: index):
  %true = arith.constant true
  sparse_attn.yield %true, %true : i1, i1
}
// expected-error @+1 {{expects tiles in closed form over the residue classes modulo 2, but got listed ones}}
sparse_attn.schedule @even_64x64 of(@even) tile(64, 64) modulo(2) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  sparse_attn.listed @even_plan
}
