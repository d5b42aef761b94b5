// RUN: sparse-attn-opt %s -split-input-file -verify-diagnostics

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// expected-error @+1 {{expects positive tile sizes, but got 0 and 64}}
sparse_attn.schedule @schedule_c1_queries of(@dense) tile(0, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  sparse_attn.ranges touched(%t to %skv step [1]) full( to )
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// expected-error @+1 {{expects positive tile sizes, but got 64 and -64}}
sparse_attn.schedule @schedule_c1_keys of(@dense) tile(64, -64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  sparse_attn.ranges touched(%t to %skv step [1]) full( to )
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// expected-error @+1 {{expects 5 arguments of type index before the captures, but got 'index', 'index'}}
sparse_attn.schedule @schedule_c2_number of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index):
  sparse_attn.ranges touched( to step []) full( to )
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// expected-error @+1 {{expects 5 arguments of type index before the captures, but got 'index', 'i32', 'index', 'index', 'index'}}
sparse_attn.schedule @schedule_c2_type of(@dense) tile(64, 64) {
^bb0(%b: index, %h: i32, %t: index, %sq: index, %skv: index):
  sparse_attn.ranges touched(%t to %skv step [1]) full( to )
}

// -----

sparse_attn.pattern @packed(%ids: memref<?xi32>) {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// expected-error @+1 {{expects the captures of @packed, ('memref<?xi32>'), after the positions, but got ()}}
sparse_attn.schedule @schedule_c2_captures of(@packed) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  sparse_attn.ranges touched(%t to %skv step [1]) full( to )
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// expected-error @+1 {{expects to end in sparse_attn.ranges or sparse_attn.listed, but got 'sparse_attn.yield'}}
sparse_attn.schedule @schedule_c3 of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  sparse_attn.yield %t : index
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// expected-error @+1 {{expects 8 arguments of type index before the captures, but got 'index', 'index', 'index', 'index', 'index'}}
sparse_attn.plan @plan_c1_number of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  %true = arith.constant true
  sparse_attn.yield %true, %true : i1, i1
}

// -----

sparse_attn.pattern @packed(%ids: memref<?xi32>) {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// expected-error @+1 {{expects the captures of @packed, ('memref<?xi32>'), after the positions, but got ()}}
sparse_attn.plan @plan_c1_captures of(@packed) tile(64, 64) {
^bb0(%b: index, %h: index, %q0: index, %q1: index, %k0: index, %k1: index, %sq: index, %skv: index):
  %true = arith.constant true
  sparse_attn.yield %true, %true : i1, i1
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// expected-error @+1 {{expects to end in a sparse_attn.yield of two i1}}
sparse_attn.plan @plan_c2_number of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %q0: index, %q1: index, %k0: index, %k1: index, %sq: index, %skv: index):
  %true = arith.constant true
  sparse_attn.yield %true : i1
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// expected-error @+1 {{expects to end in a sparse_attn.yield of two i1}}
sparse_attn.plan @plan_c2_type of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %q0: index, %q1: index, %k0: index, %k1: index, %sq: index, %skv: index):
  sparse_attn.yield %b, %h : index, index
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

sparse_attn.schedule @progression_c1 of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  // expected-error @+1 {{expects the step to be a positive multiple of the key tile, but got 96 and 64}}
  %p0, %p1 = sparse_attn.progression 0 step(96) queries(%t to %t) within(%t to %t)
  sparse_attn.ranges touched(%t to %skv step [1]) full( to )
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

sparse_attn.schedule @progression_c1_zero of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  // expected-error @+1 {{expects the step to be a positive multiple of the key tile, but got 0 and 64}}
  %p0, %p1 = sparse_attn.progression 0 step(0) queries(%t to %t) within(%t to %t)
  sparse_attn.ranges touched(%t to %skv step [1]) full( to )
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

sparse_attn.schedule @ranges_c1_ends of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  // expected-error @+1 {{expects as many ends and steps as first tiles, but got 2 to 1 step 1 touched and 0 to 0 full}}
  sparse_attn.ranges touched(%t, %t to %skv step [1]) full( to )
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

sparse_attn.schedule @ranges_c1_steps of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  // expected-error @+1 {{expects as many ends and steps as first tiles, but got 1 to 1 step 2 touched and 0 to 0 full}}
  sparse_attn.ranges touched(%t to %skv step [1, 1]) full( to )
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

sparse_attn.schedule @ranges_c1_full of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  // expected-error @+1 {{expects as many ends and steps as first tiles, but got 1 to 1 step 1 touched and 1 to 0 full}}
  sparse_attn.ranges touched(%t to %skv step [1]) full(%t to )
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

sparse_attn.schedule @ranges_c2_zero of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  // expected-error @+1 {{expects positive steps, those of 1 first, but got array<i64: 0>}}
  sparse_attn.ranges touched(%t to %skv step [0]) full( to )
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

sparse_attn.schedule @ranges_c2_order of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  // expected-error @+1 {{expects positive steps, those of 1 first, but got array<i64: 4, 1>}}
  sparse_attn.ranges touched(%t, %t to %skv, %skv step [4, 1]) full( to )
}

// -----

sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

sparse_attn.schedule @residue_class_c1 of(@dense) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index):
  // expected-error @+1 {{expects a schedule with a modulo above 1, but got 1}}
  %c, %tile, %queries, %keys = sparse_attn.residue_class %t of %sq, %skv
  sparse_attn.ranges touched(to step []) full(to)
}

// -----

func.func @step_parent(%t: index) {
  // expected-error @+1 {{'sparse_attn.query_span' op expects parent op 'sparse_attn.schedule'}}
  %first, %last = sparse_attn.query_span %t of %t, %t
  return
}

// -----

sparse_attn.pattern @retrieved(%mask: !sparse_attn.block_mask) {
  %p = sparse_attn.blocks %mask
  sparse_attn.yield %p
}

sparse_attn.plan @plan_c3_mask of(@retrieved) tile(64, 64) {
^bb0(%b: index, %h: index, %q0: index, %q1: index, %k0: index, %k1: index, %sq: index, %skv: index, %mask: !sparse_attn.block_mask):
  %other = builtin.unrealized_conversion_cast %k0 : index to !sparse_attn.block_mask
  // expected-error @+1 {{expects to read a capture of the plan, at its batch and head}}
  %any, %all = sparse_attn.block_coverage %other keys(%k0 to %k1) : !sparse_attn.block_mask
  sparse_attn.yield %any, %all : i1, i1
}

// -----

sparse_attn.pattern @prefixed(%lengths: memref<?xi32>) {
  %p = sparse_attn.prefix_lm %lengths
  sparse_attn.yield %p
}

sparse_attn.schedule @schedule_c4_read of(@prefixed) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index, %lengths: memref<?xi32>):
  // expected-error @+1 {{expects ops of schedules, arith ops and reads of captures in a schedule, but got 'builtin.unrealized_conversion_cast'}}
  %other = builtin.unrealized_conversion_cast %t : index to memref<?xi32>
  %length = sparse_attn.read %other[%t] : memref<?xi32>
  sparse_attn.ranges touched( to step []) full( to )
}

// -----

sparse_attn.pattern @prefixed(%lengths: memref<?xi32>) {
  %p = sparse_attn.prefix_lm %lengths
  sparse_attn.yield %p
}

sparse_attn.plan @plan_c3_read of(@prefixed) tile(64, 64) {
^bb0(%b: index, %h: index, %q0: index, %q1: index, %k0: index, %k1: index, %sq: index, %skv: index, %lengths: memref<?xi32>):
  %other = builtin.unrealized_conversion_cast %k0 : index to memref<?xi32>
  // expected-error @+1 {{expects to read a capture of the plan, at its batch and head}}
  %length = sparse_attn.read %other[%b] : memref<?xi32>
  %true = arith.constant true
  sparse_attn.yield %true, %true : i1, i1
}

// -----

sparse_attn.pattern @packed(%offsets: memref<?x?xi32>) {
  %p = sparse_attn.documents offsets(%offsets) : memref<?x?xi32>
  sparse_attn.yield %p
}

sparse_attn.schedule @schedule_c4_row of(@packed) tile(64, 64) {
^bb0(%b: index, %h: index, %t: index, %sq: index, %skv: index, %offsets: memref<?x?xi32>):
  // expected-error @+1 {{expects ops of schedules, arith ops and reads of captures in a schedule, but got 'sparse_attn.upper_bound'}}
  %begun = sparse_attn.upper_bound %offsets[%h] of %t : memref<?x?xi32>
  sparse_attn.ranges touched( to step []) full( to )
}

// -----

sparse_attn.pattern @packed(%offsets: memref<?x?xi32>) {
  %p = sparse_attn.documents offsets(%offsets) : memref<?x?xi32>
  sparse_attn.yield %p
}

sparse_attn.plan @plan_c3_row of(@packed) tile(64, 64) {
^bb0(%b: index, %h: index, %q0: index, %q1: index, %k0: index, %k1: index, %sq: index, %skv: index, %offsets: memref<?x?xi32>):
  // expected-error @+1 {{expects to read a capture of the plan, at its batch and head}}
  %begin = sparse_attn.read %offsets[%h, %k0] : memref<?x?xi32>
  %true = arith.constant true
  sparse_attn.yield %true, %true : i1, i1
}
