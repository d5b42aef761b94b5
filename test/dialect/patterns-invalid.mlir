// RUN: sparse-attn-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{expects captures of type index, memref<?xi32>, memref<?x?xi32>, memref<?x?x?xi32> or !sparse_attn.block_mask, but got 'f32'}}
sparse_attn.pattern @pattern_c1(%x: f32) {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// -----

// expected-error @+1 {{expects captures of type index, memref<?xi32>, memref<?x?xi32>, memref<?x?x?xi32> or !sparse_attn.block_mask, but got 'memref<16xi32>'}}
sparse_attn.pattern @pattern_c1_static_array(%x: memref<16xi32>) {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// -----

// expected-error @+1 {{expects captures of type index, memref<?xi32>, memref<?x?xi32>, memref<?x?x?xi32> or !sparse_attn.block_mask, but got 'memref<?xi64>'}}
sparse_attn.pattern @pattern_c1_element_type(%x: memref<?xi64>) {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// -----

// expected-error @+1 {{expects to end in a sparse_attn.yield of one pattern}}
sparse_attn.pattern @pattern_c2 {
  %p = sparse_attn.dense
  sparse_attn.yield %p, %p
}

// -----

// expected-error @+1 {{expects to end in a sparse_attn.yield of one pattern}}
sparse_attn.pattern @pattern_c2_type(%n: index) {
  sparse_attn.yield %n : index
}

// -----

// A capture of type !sparse_attn.pattern does not exist, so whatever is yielded has been computed.
// expected-error @+1 {{expects captures of type index, memref<?xi32>, memref<?x?xi32>, memref<?x?x?xi32> or !sparse_attn.block_mask, but got '!sparse_attn.pattern'}}
sparse_attn.pattern @pattern_c1_pattern(%p: !sparse_attn.pattern) {
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @pattern_c3(%n: index) {
  // expected-error @+1 {{expects only pattern ops and constants in a pattern, but got 'arith.addi'}}
  %m = arith.addi %n, %n : index
  %p = sparse_attn.keys first(%m)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @pattern_c3_constant {
  // expected-error @+1 {{expects only pattern ops and constants in a pattern, but got 'arith.constant'}}
  %n = arith.constant dense<4> : vector<8xi32>
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// -----

module {
  module {
    func.func @f() {
      // expected-error @+1 {{'sparse_attn.pattern' op expects parent op 'builtin.module'}}
      sparse_attn.pattern @pattern_parent {
        %p = sparse_attn.dense
        sparse_attn.yield %p
      }
      return
    }
  }
}

// -----

func.func @leaf_parent() {
  // expected-error @+1 {{'sparse_attn.dense' op expects parent op 'sparse_attn.pattern'}}
  %p = sparse_attn.dense
  return
}

// -----

sparse_attn.pattern @window_c1_left {
  // expected-error @+1 {{expects 'left' to lie in [-1073741823, 1073741823], but got 1073741824}}
  %p = sparse_attn.window left(1073741824) right(0)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @window_c1_right {
  // expected-error @+1 {{expects 'right' to lie in [-1073741823, 1073741823], but got -1073741824}}
  %p = sparse_attn.window right(-1073741824)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @window_c2 {
  // expected-error @+1 {{expects left + right >= 0, but got 3 + -4}}
  %p = sparse_attn.window left(3) right(-4)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @window_both(%n: index) {
  // expected-error @+1 {{expects 'left' to be a constant or a captured value, but got both}}
  %p = "sparse_attn.window"(%n) <{operandSegmentSizes = array<i32: 1, 0>, staticLeft = 4 : i64}> : (index) -> !sparse_attn.pattern
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @window_wrong_type(%ids: memref<?xi32>) { // expected-note {{prior use here}}
  // expected-error @+1 {{use of value '%ids' expects different type than prior uses: 'index' vs 'memref<?xi32>'}}
  %p = sparse_attn.window left(%ids)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @keys_c1_negative {
  // expected-error @+1 {{expects 'first' to lie in [0, 1073741823], but got -1}}
  %p = sparse_attn.keys first(-1)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @keys_c1_large {
  // expected-error @+1 {{expects 'first' to lie in [0, 1073741823], but got 1073741824}}
  %p = sparse_attn.keys first(1073741824)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @keys_neither {
  // expected-error @+1 {{expects 'first' to be a constant or a captured value, but got neither}}
  %p = "sparse_attn.keys"() : () -> !sparse_attn.pattern
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @keys_both(%n: index) {
  // expected-error @+1 {{expects 'first' to be a constant or a captured value, but got both}}
  %p = "sparse_attn.keys"(%n) <{staticCount = 4 : i64}> : (index) -> !sparse_attn.pattern
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @queries_c1 {
  // expected-error @+1 {{expects 'first' to lie in [0, 1073741823], but got -1}}
  %p = sparse_attn.queries first(-1)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @global_c1 {
  // expected-error @+1 {{expects 'first' to lie in [0, 1073741823], but got 1073741824}}
  %p = sparse_attn.global first(1073741824)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @chunk_c1 {
  // expected-error @+1 {{expects 'size' to lie in [1, 1073741823], but got 0}}
  %p = sparse_attn.chunk size(0)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @stride_c1 {
  // expected-error @+1 {{expects 'step' to lie in [1, 1073741823], but got 0}}
  %p = sparse_attn.stride step(0)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @exponential_c1 {
  // expected-error @+1 {{expects 'base' to lie in [2, 1073741823], but got 1}}
  %p = sparse_attn.exponential base(1)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @exponential_captured(%n: index) {
  // expected-error @+1 {{expected integer value}}
  %p = sparse_attn.exponential base(%n)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @columns_c1_every {
  // expected-error @+1 {{expects 'every' to lie in [1, 1073741823], but got 1073741824}}
  %p = sparse_attn.columns every(1073741824) last(1)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @columns_c1_last {
  // expected-error @+1 {{expects 'last' to lie in [1, 1073741823], but got 0}}
  %p = sparse_attn.columns every(8) last(0)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @columns_c2 {
  // expected-error @+1 {{expects 'last' to be at most 'every', but got 9 and 8}}
  %p = sparse_attn.columns every(8) last(9)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @segment_c1_length {
  // expected-error @+1 {{expects 'length' to lie in [1, 1073741823], but got -8}}
  %p = sparse_attn.segment length(-8) rate(2)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @segment_c1_rate {
  // expected-error @+1 {{expects 'rate' to lie in [1, 1073741823], but got 0}}
  %p = sparse_attn.segment length(8) rate(0)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @segment_c2 {
  // expected-error @+1 {{expects the rate to divide the length, but got 3 and 8}}
  %p = sparse_attn.segment length(8) rate(3) shift
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @prefix_lm_c1(%n: index) { // expected-note {{prior use here}}
  // expected-error @+1 {{use of value '%n' expects different type than prior uses: 'memref<?xi32>' vs 'index'}}
  %p = sparse_attn.prefix_lm %n
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @prefix_lm_c1_rank(%n: memref<?x?xi32>) {
  // expected-error @+1 {{operand #0 must be 1D memref of 32-bit signless integer values, but got 'memref<?x?xi32>'}}
  %p = "sparse_attn.prefix_lm"(%n) : (memref<?x?xi32>) -> !sparse_attn.pattern
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @documents_c1(%n: index) {
  // expected-error @+1 {{operand #0 must be 1D/2D memref of 32-bit signless integer values, but got 'index'}}
  %p = "sparse_attn.documents"(%n) : (index) -> !sparse_attn.pattern
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @tree_c1(%n: memref<?x?x?xi32>) {
  // expected-error @+1 {{operand #0 must be 1D/2D memref of 32-bit signless integer values, but got 'memref<?x?x?xi32>'}}
  %p = "sparse_attn.tree"(%n) : (memref<?x?x?xi32>) -> !sparse_attn.pattern
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c1_axes {
  // expected-error @+1 {{expects a shape of 1 to 3 numbers, but got 4}}
  %p = sparse_attn.neighborhood shape(2, 2, 2, 2) window(1, 1, 1, 1)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c1_window {
  // expected-error @+1 {{expects 'window' to have as many numbers as the shape, but got 1 and 2}}
  %p = sparse_attn.neighborhood shape(8, 8) window(3)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c1_step {
  // expected-error @+1 {{expects 'step' to have as many numbers as the shape, but got 3 and 2}}
  %p = sparse_attn.neighborhood shape(8, 8) window(3, 3) step(1, 1, 1)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c1_stride {
  // expected-error @+1 {{expects 'stride' to have as many numbers as the shape, but got 1 and 2}}
  %p = sparse_attn.neighborhood shape(8, 8) window(3, 3) stride(1)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c1_tile {
  // expected-error @+1 {{expects 'tile' to have as many numbers as the shape, but got 1 and 2}}
  %p = sparse_attn.neighborhood shape(8, 8) window(3, 3) tile(4)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c1_causal {
  // expected-error @+1 {{expects 'causal' to have as many numbers as the shape, but got 1 and 2}}
  %p = sparse_attn.neighborhood shape(8, 8) window(3, 3) causal(true)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c2_shape {
  // expected-error @+1 {{expects 'shape' to lie in [1, 1073741823], but got 0}}
  %p = sparse_attn.neighborhood shape(8, 0) window(3, 1)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c2_window {
  // expected-error @+1 {{expects 'window' to lie in [1, 1073741823], but got 0}}
  %p = sparse_attn.neighborhood shape(8) window(0)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c2_step {
  // expected-error @+1 {{expects 'step' to lie in [1, 1073741823], but got -1}}
  %p = sparse_attn.neighborhood shape(8) window(2) step(-1)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c2_stride {
  // expected-error @+1 {{expects 'stride' to lie in [1, 1073741823], but got 0}}
  %p = sparse_attn.neighborhood shape(8) window(2) stride(0)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c2_tile {
  // expected-error @+1 {{expects 'tile' to lie in [1, 1073741823], but got 1073741824}}
  %p = sparse_attn.neighborhood shape(8) window(2) tile(1073741824)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c2_tokens {
  // expected-error @+1 {{expects a grid of at most 1073741823 tokens, but got 1073741824}}
  %p = sparse_attn.neighborhood shape(32768, 32768) window(2, 2)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c3 {
  // expected-error @+1 {{expects window * step to be at most the length of axis 1, but got 3 * 3 and 8}}
  %p = sparse_attn.neighborhood shape(8, 8) window(8, 3) step(1, 3)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c4 {
  // expected-error @+1 {{expects the stride to be at most the window on axis 0, but got 4 and 3}}
  %p = sparse_attn.neighborhood shape(8) window(3) stride(4)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_c5 {
  // expected-error @+1 {{expects the tile to divide the shape on axis 2, but got 3 and 8}}
  %p = sparse_attn.neighborhood shape(4, 6, 8) window(3, 3, 3) tile(4, 3, 3)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @neighborhood_causal_word {
  // expected-error @+1 {{expects true or false}}
  %p = sparse_attn.neighborhood shape(8) window(3) causal(1)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @vertical_slash_c1(%c: memref<?xi32>, %d: memref<?x?x?xi32>) {
  // expected-error @+1 {{failed to verify that all of {columns, diagonals} have same type}}
  %p = "sparse_attn.vertical_slash"(%c, %d) : (memref<?xi32>, memref<?x?x?xi32>) -> !sparse_attn.pattern
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @vertical_slash_c1_rank(%c: memref<?x?xi32>) {
  // expected-error @+1 {{operand #0 must be 1D/3D memref of 32-bit signless integer values, but got 'memref<?x?xi32>'}}
  %p = "sparse_attn.vertical_slash"(%c, %c) : (memref<?x?xi32>, memref<?x?xi32>) -> !sparse_attn.pattern
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @pattern_c4(%parents: memref<?xi32>) {
  // expected-error @+1 {{expects captured array 0 to be read as tree by all, but got one that reads it as elements}}
  %tree = sparse_attn.tree parents(%parents)
  %same = sparse_attn.documents ids(%parents)
  %p = sparse_attn.union %tree, %same
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @pattern_c4_predicate(%parents: memref<?xi32>) {
  // expected-error @+1 {{expects captured array 0 to be read as tree by all, but got one that reads it as elements}}
  %tree = sparse_attn.tree parents(%parents)
  %roots = sparse_attn.predicate (%b, %h, %q, %k) {
    %parent = sparse_attn.read %parents[%k] : memref<?xi32>
    %zero = arith.constant 0 : i32
    %root = arith.cmpi slt, %parent, %zero : i32
    sparse_attn.yield %root : i1
  }
  %p = sparse_attn.union %tree, %roots
  sparse_attn.yield %p
}

// -----

// expected-error @+1 {{expects 'pattern_c5_missing' to name a sparse_attn.pattern, but found none}}
sparse_attn.pattern @pattern_c5 part_of(@pattern_c5_missing) {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @whole(%n: index) {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// expected-error @+1 {{expects the captures of @whole, ('index'), but got ('memref<?xi32>')}}
sparse_attn.pattern @pattern_c5_captures(%n: memref<?xi32>) part_of(@whole) {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @read_rank(%a: memref<?x?x?xi32>) {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    // expected-error @+1 {{expects an array of rank 1 or 2 in a predicate, but got 'memref<?x?x?xi32>'}}
    %n = sparse_attn.read %a[%b, %h, %k] : memref<?x?x?xi32>
    %zero = arith.constant 0 : i32
    %some = arith.cmpi slt, %zero, %n : i32
    sparse_attn.yield %some : i1
  }
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @upper_bound_c1(%a: memref<?x?xi32>) {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    // expected-error @+1 {{expects 1 indices, but got 0}}
    %i = sparse_attn.upper_bound %a[] of %q : memref<?x?xi32>
    %past = arith.cmpi slt, %i, %k : index
    sparse_attn.yield %past : i1
  }
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @upper_bound_c2(%a: memref<?x?xi32>) {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    // expected-error @+1 {{expects an array of rank 2 to be searched at the batch of the predicate}}
    %i = sparse_attn.upper_bound %a[%h] of %q : memref<?x?xi32>
    %past = arith.cmpi slt, %i, %k : index
    sparse_attn.yield %past : i1
  }
  sparse_attn.yield %p
}

// -----

func.func @upper_bound_elements(%a: memref<?xi64>, %n: index) {
  // expected-error @+1 {{expects an array of i32, but got 'memref<?xi64>'}}
  %i = sparse_attn.upper_bound %a[] of %n : memref<?xi64>
  return
}

// -----

sparse_attn.pattern @random_c1_blocks {
  // expected-error @+1 {{expects 'blocks' to lie in [0, 1073741823], but got -1}}
  %p = sparse_attn.random blocks(-1) size(64) seed(0)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @random_c1_size {
  // expected-error @+1 {{expects 'size' to lie in [1, 1073741823], but got 0}}
  %p = sparse_attn.random blocks(3) size(0) seed(0)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @random_c2 {
  // expected-error @+1 {{expects 'seed' to lie in [0, 4294967295], but got 4294967296}}
  %p = sparse_attn.random blocks(3) size(64) seed(4294967296)
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @random_neither {
  // expected-error @+1 {{expects 'blocks' to be a constant or a captured value, but got neither}}
  %p = "sparse_attn.random"() <{size = 64 : i64, seed = 0 : i64}> : () -> !sparse_attn.pattern
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @predicate_c1_dialect {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    // expected-error @+1 {{expects pure arith and math ops on index, integers of up to 64 bits and f32, sparse_attn.read or sparse_attn.upper_bound in a predicate, but got 'func.call'}}
    %r = func.call @f() : () -> i1
    sparse_attn.yield %r : i1
  }
  sparse_attn.yield %p
}
func.func private @f() -> i1

// -----

sparse_attn.pattern @predicate_c1_vector {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    // expected-error @+1 {{expects pure arith and math ops on index, integers of up to 64 bits and f32, sparse_attn.read or sparse_attn.upper_bound in a predicate, but got 'arith.constant'}}
    %v = arith.constant dense<1> : vector<4xi32>
    %true = arith.constant true
    sparse_attn.yield %true : i1
  }
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @predicate_c1_pattern {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    // expected-error @+1 {{'sparse_attn.causal' op expects parent op 'sparse_attn.pattern'}}
    %c = sparse_attn.causal
    %true = arith.constant true
    sparse_attn.yield %true : i1
  }
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @predicate_c2_type {
  // expected-error @+1 {{expects to end in a sparse_attn.yield of one i1}}
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    sparse_attn.yield %k : index
  }
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @predicate_c2_number {
  // expected-error @+1 {{expects to end in a sparse_attn.yield of one i1}}
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    sparse_attn.yield
  }
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @predicate_positions {
  // expected-error @+1 {{expects four positions (batch, head, query, key), but got 2}}
  %p = sparse_attn.predicate (%q, %k) {
    %true = arith.constant true
    sparse_attn.yield %true : i1
  }
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @read_c1(%ids: memref<?x?xi32>) {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    // expected-error @+1 {{expects 2 indices, but got 1}}
    %id = sparse_attn.read %ids[%q] : memref<?x?xi32>
    %true = arith.constant true
    sparse_attn.yield %true : i1
  }
  sparse_attn.yield %p
}

// -----

func.func @read_element_type(%ids: memref<?xf32>, %i: index) {
  // expected-error @+1 {{expects an array of i32, but got 'memref<?xf32>'}}
  %id = sparse_attn.read %ids[%i] : memref<?xf32>
  return
}

// -----

sparse_attn.pattern @union_c1 {
  // expected-error @+1 {{expects at least one operand}}
  %p = sparse_attn.union
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @intersect_c1 {
  // expected-error @+1 {{expects at least one operand}}
  %p = sparse_attn.intersect
  sparse_attn.yield %p
}

// -----

sparse_attn.pattern @per_head_c1 {
  // expected-error @+1 {{expects at least one operand}}
  %p = sparse_attn.per_head []
  sparse_attn.yield %p
}

// -----

// expected-error @+1 {{expects blocks of 16, 32, 64, 128 or 256, but got 48x64}}
sparse_attn.pattern @block_mask_c1(%mask: !sparse_attn.block_mask<48x64>) {
}

// -----

// expected-error @+1 {{expects the sizes of a block, such as 64x64, but got 1 of them}}
sparse_attn.pattern @block_mask_sizes(%mask: !sparse_attn.block_mask<64>) {
}

// -----

sparse_attn.pattern @blocks_of_another_size(%mask: !sparse_attn.block_mask<16x16>) { // expected-note {{prior use here}}
  // expected-error @+1 {{expects different type than prior uses: '!sparse_attn.block_mask' vs '!sparse_attn.block_mask<16x16>'}}
  %p = sparse_attn.blocks %mask
  sparse_attn.yield %p
}
