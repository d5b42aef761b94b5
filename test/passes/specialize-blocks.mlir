// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks --canonicalize --cse | FileCheck %s
// RUN: sparse-attn-opt %s --sparse-attn-specialize-blocks="tile-q=32 tile-k=128" | FileCheck %s --check-prefix=TILES

// TILES:     sparse_attn.schedule @dense_32x128 of(@dense) tile(32, 128)
// TILES:     sparse_attn.attention {{.*}} schedule(@dense_32x128)
// TILES-NOT: 64x64

!t = tensor<1x1x?x16xf32>

//===----------------------------------------------------------------------===//
// One band
//===----------------------------------------------------------------------===//

// CHECK-LABEL: sparse_attn.schedule @dense_64x64 of(@dense) tile(64, 64) {
// CHECK-NEXT:  ^bb0(%[[B:.*]]: index, %[[H:.*]]: index, %[[T:.*]]: index, %[[SQ:.*]]: index, %[[SKV:.*]]: index):
// CHECK-NEXT:    %[[C0:.*]] = arith.constant 0 : index
// CHECK-NEXT:    %[[T0:.*]], %[[T1:.*]] = sparse_attn.touched_tiles keys(%[[C0]] to %[[SKV]]) of %[[SKV]]
// CHECK-NEXT:    %[[F0:.*]], %[[F1:.*]] = sparse_attn.whole_tiles keys(%[[C0]] to %[[SKV]]) of %[[SKV]]
// CHECK-NEXT:    sparse_attn.ranges touched(%[[T0]] to %[[T1]] step [1]) full(%[[F0]] to %[[F1]])
// CHECK-LABEL: func.func @use_dense
// CHECK:         sparse_attn.attention {{.*}} pattern(@dense) schedule(@dense_64x64)
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @use_dense(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@dense) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: sparse_attn.schedule @causal_64x64
// CHECK-NEXT:  ^bb0(%{{.*}}: index, %{{.*}}: index, %[[T:.*]]: index, %[[SQ:.*]]: index, %[[SKV:.*]]: index):
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK:         %[[FIRST:.*]], %[[LAST:.*]] = sparse_attn.query_span %[[T]] of %[[SQ]], %[[SKV]]
// CHECK-DAG:     %[[NEXT_FIRST:.*]] = arith.addi %[[FIRST]], %[[C1]]
// CHECK-DAG:     %[[NEXT_LAST:.*]] = arith.addi %[[LAST]], %[[C1]]
// CHECK:         sparse_attn.touched_tiles keys(%[[C0]] to %[[NEXT_LAST]]) of %[[SKV]]
// CHECK:         sparse_attn.whole_tiles keys(%[[C0]] to %[[NEXT_FIRST]]) of %[[SKV]]
sparse_attn.pattern @causal {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}
func.func @use_causal(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@causal) : (!t, !t, !t) -> !t
  return %o : !t
}

// Touched from the first query's lower end to the last query's upper end, full the other way round.
// CHECK-LABEL: sparse_attn.schedule @window_64x64
// CHECK-DAG:     %[[LEFT:.*]] = arith.constant 256 : index
// CHECK-DAG:     %[[RIGHT:.*]] = arith.constant 4 : index
// CHECK:         %[[FIRST:.*]], %[[LAST:.*]] = sparse_attn.query_span
// CHECK-DAG:     %[[LO_FIRST:.*]] = arith.subi %[[FIRST]], %[[LEFT]]
// CHECK-DAG:     %[[HI_FIRST:.*]] = arith.addi %[[FIRST]], %[[RIGHT]]
// CHECK-DAG:     %[[LO_LAST:.*]] = arith.subi %[[LAST]], %[[LEFT]]
// CHECK-DAG:     %[[HI_LAST:.*]] = arith.addi %[[LAST]], %[[RIGHT]]
// CHECK:         sparse_attn.touched_tiles keys(%[[LO_FIRST]] to %[[HI_LAST]])
// CHECK:         sparse_attn.whole_tiles keys(%[[LO_LAST]] to %[[HI_FIRST]])
sparse_attn.pattern @window {
  %p = sparse_attn.window left(256) right(3)
  sparse_attn.yield %p
}
func.func @use_window(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@window) : (!t, !t, !t) -> !t
  return %o : !t
}

// A side that is left out ends with the keys.
// CHECK-LABEL: sparse_attn.schedule @window_left_64x64
// CHECK-NEXT:  ^bb0({{.*}}, %[[SKV:[a-z0-9]*]]: index):
// CHECK:         sparse_attn.touched_tiles keys(%{{.*}} to %[[SKV]]) of %[[SKV]]
// CHECK:         sparse_attn.whole_tiles keys(%{{.*}} to %[[SKV]]) of %[[SKV]]
sparse_attn.pattern @window_left {
  %p = sparse_attn.window left(256)
  sparse_attn.yield %p
}
func.func @use_window_left(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@window_left) : (!t, !t, !t) -> !t
  return %o : !t
}

// Captured numbers are arguments of the schedule, clamped to 30 bits.
// CHECK-LABEL: sparse_attn.schedule @window_captured_64x64
// CHECK-NEXT:  ^bb0({{.*}}, %[[SKV:[a-z0-9]*]]: index, %[[N:[a-z0-9]*]]: index):
// CHECK-DAG:     %[[MIN:.*]] = arith.constant -1073741823 : index
// CHECK-DAG:     %[[MAX:.*]] = arith.constant 1073741823 : index
// CHECK:         %[[LOW:.*]] = arith.maxsi %[[N]], %[[MIN]]
// CHECK:         %[[CLAMPED:.*]] = arith.minsi %[[LOW]], %[[MAX]]
// CHECK:         arith.subi %{{.*}}, %[[CLAMPED]]
// CHECK:         sparse_attn.ranges touched(%{{.*}} to %{{.*}} step [1])
// CHECK-LABEL: func.func @use_window_captured(
// CHECK-SAME:    %{{.*}}: {{.*}}, %[[N:.*]]: index)
// CHECK:         pattern(@window_captured(%[[N]]) : (index)) schedule(@window_captured_64x64)
sparse_attn.pattern @window_captured(%n: index) {
  %p = sparse_attn.window left(%n) right(0)
  sparse_attn.yield %p
}
func.func @use_window_captured(%q: !t, %n: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@window_captured(%n) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: sparse_attn.schedule @keys_64x64
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[N:.*]] = arith.constant 100 : index
// CHECK:         sparse_attn.touched_tiles keys(%[[C0]] to %[[N]])
// CHECK:         sparse_attn.whole_tiles keys(%[[C0]] to %[[N]])
sparse_attn.pattern @keys {
  %p = sparse_attn.keys first(100)
  sparse_attn.yield %p
}
func.func @use_keys(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@keys) : (!t, !t, !t) -> !t
  return %o : !t
}

// All keys or none: an empty band stands at the end.
// CHECK-LABEL: sparse_attn.schedule @queries_64x64
// CHECK-NEXT:  ^bb0({{.*}}, %[[SKV:[a-z0-9]*]]: index):
// CHECK:         %[[FIRST:.*]], %[[LAST:.*]] = sparse_attn.query_span
// CHECK-DAG:     %[[SOME:.*]] = arith.cmpi slt, %[[FIRST]], %[[N:.*]] : index
// CHECK-DAG:     %[[ALL:.*]] = arith.cmpi slt, %[[LAST]], %[[N]] : index
// CHECK-DAG:     %[[LO_FIRST:.*]] = arith.select %[[SOME]], %{{.*}}, %[[SKV]] : index
// CHECK-DAG:     %[[LO_LAST:.*]] = arith.select %[[ALL]], %{{.*}}, %[[SKV]] : index
// CHECK:         sparse_attn.touched_tiles keys(%[[LO_FIRST]] to %[[SKV]])
// CHECK:         sparse_attn.whole_tiles keys(%[[LO_LAST]] to %[[SKV]])
sparse_attn.pattern @queries {
  %p = sparse_attn.queries first(100)
  sparse_attn.yield %p
}
func.func @use_queries(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@queries) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: sparse_attn.schedule @chunk_64x64
// CHECK-DAG:     %[[SIZE:.*]] = arith.constant 100 : index
// CHECK:         %[[FIRST:.*]], %[[LAST:.*]] = sparse_attn.query_span
// CHECK-DAG:     %[[NUMBER:.*]] = arith.floordivsi %[[FIRST]], %[[SIZE]]
// CHECK-DAG:     %[[LO:.*]] = arith.muli %[[NUMBER]], %[[SIZE]]
// CHECK-DAG:     %[[LAST_NUMBER:.*]] = arith.floordivsi %[[LAST]], %[[SIZE]]
// CHECK-DAG:     %[[LAST_LO:.*]] = arith.muli %[[LAST_NUMBER]], %[[SIZE]]
// CHECK-DAG:     %[[HI:.*]] = arith.addi %[[LAST_LO]], %[[SIZE]]
// CHECK:         sparse_attn.touched_tiles keys(%[[LO]] to %[[HI]])
sparse_attn.pattern @chunk {
  %p = sparse_attn.chunk size(100)
  sparse_attn.yield %p
}
func.func @use_chunk(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@chunk) : (!t, !t, !t) -> !t
  return %o : !t
}

// Neighbours on a line: the window is pushed inside at its ends, and empty behind them.
// CHECK-LABEL: sparse_attn.schedule @line_64x64
// CHECK:         %[[FIRST:.*]], %[[LAST:.*]] = sparse_attn.query_span
// CHECK-DAG:     %[[FROM_FIRST:.*]] = arith.minsi %{{.*}}, %c900
// CHECK-DAG:     %[[BEFORE_END:.*]] = arith.cmpi slt, %[[FIRST]], %c1000
// CHECK-DAG:     %[[LO:.*]] = arith.select %[[BEFORE_END]], %[[FROM_FIRST]], %c1000
// CHECK-DAG:     %[[BEFORE_START:.*]] = arith.cmpi slt, %[[LAST]], %c0
// CHECK-DAG:     %[[HI:.*]] = arith.select %[[BEFORE_START]], %c0
// CHECK:         sparse_attn.touched_tiles keys(%[[LO]] to %[[HI]])
sparse_attn.pattern @line {
  %p = sparse_attn.neighborhood shape(1000) window(100)
  sparse_attn.yield %p
}
func.func @use_line(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@line) : (!t, !t, !t) -> !t
  return %o : !t
}

//===----------------------------------------------------------------------===//
// Strides
//===----------------------------------------------------------------------===//

// 64 queries reach into one or two tiles: two progressions of every eighth tile, and no full tile.
// CHECK-LABEL: sparse_attn.schedule @stride_64x64
// CHECK:         %[[FIRST:.*]], %[[LAST:.*]] = sparse_attn.query_span
// CHECK:         %[[LOW:.*]], %[[HIGH:.*]] = sparse_attn.touched_tiles
// CHECK:         %[[A0:.*]], %[[A1:.*]] = sparse_attn.progression 0 step(512) queries(%[[FIRST]] to %[[LAST]]) within(%[[LOW]] to %[[HIGH]])
// CHECK:         %[[B0:.*]], %[[B1:.*]] = sparse_attn.progression 1 step(512) queries(%[[FIRST]] to %[[LAST]]) within(%[[LOW]] to %[[HIGH]])
// CHECK:         sparse_attn.ranges touched(%[[A0]], %[[B0]] to %[[A1]], %[[B1]] step [8, 8]) full( to )
sparse_attn.pattern @stride {
  %p = sparse_attn.stride step(512)
  sparse_attn.yield %p
}
func.func @use_stride(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@stride) : (!t, !t, !t) -> !t
  return %o : !t
}

// A step below the sum of the tile sizes leaves no tile out.
// CHECK-LABEL: sparse_attn.schedule @short_stride_64x64
// CHECK:         sparse_attn.touched_tiles
// CHECK-NOT:     sparse_attn.progression
// CHECK:         sparse_attn.ranges touched(%{{.*}} to %{{.*}} step [1]) full( to )
sparse_attn.pattern @short_stride {
  %p = sparse_attn.stride step(127)
  sparse_attn.yield %p
}
func.func @use_short_stride(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@short_stride) : (!t, !t, !t) -> !t
  return %o : !t
}

// The key tile becomes a divisor of the step.
// CHECK-LABEL: sparse_attn.schedule @stride_of_144_64x48 of(@stride_of_144) tile(64, 48)
// CHECK:         sparse_attn.ranges {{.*}} step [3, 3, 3]
sparse_attn.pattern @stride_of_144 {
  %p = sparse_attn.stride step(144)
  sparse_attn.yield %p
}
func.func @use_stride_of_144(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@stride_of_144) : (!t, !t, !t) -> !t
  return %o : !t
}

// No key tile divides the step.
// CHECK-LABEL: sparse_attn.schedule @stride_of_131_64x64
// CHECK:         sparse_attn.listed @stride_of_131_64x64_plan
sparse_attn.pattern @stride_of_131 {
  %p = sparse_attn.stride step(131)
  sparse_attn.yield %p
}
func.func @use_stride_of_131(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@stride_of_131) : (!t, !t, !t) -> !t
  return %o : !t
}

//===----------------------------------------------------------------------===//
// Columns
//===----------------------------------------------------------------------===//

// The key tile becomes a divisor of the period, as small as the columns: one tile of eight holds some. Ends of bands move
// to columns, so that a tile without one of those that the band holds is not visited.
// CHECK-LABEL: sparse_attn.schedule @columns_64x16 of(@columns) tile(64, 16)
// CHECK-DAG:     %[[KEY:.*]] = arith.constant 112 : index
// CHECK:         arith.remui
// CHECK:         %[[LOW:.*]], %[[HIGH:.*]] = sparse_attn.touched_tiles
// CHECK:         %[[A0:.*]], %[[A1:.*]] = sparse_attn.progression 0 step(128) queries(%[[KEY]] to %[[KEY]]) within(%[[LOW]] to %[[HIGH]])
// CHECK:         sparse_attn.ranges touched(%[[A0]] to %[[A1]] step [8]) full( to )
sparse_attn.pattern @columns {
  %p = sparse_attn.columns every(128) last(8)
  sparse_attn.yield %p
}
func.func @use_columns(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@columns) : (!t, !t, !t) -> !t
  return %o : !t
}

// Every tile holds a column.
// CHECK-LABEL: sparse_attn.schedule @dense_columns_64x64
// CHECK-NOT:     sparse_attn.progression
// CHECK:         sparse_attn.ranges touched(%{{.*}} to %{{.*}} step [1]) full( to )
sparse_attn.pattern @dense_columns {
  %p = sparse_attn.columns every(20) last(5)
  sparse_attn.yield %p
}
func.func @use_dense_columns(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@dense_columns) : (!t, !t, !t) -> !t
  return %o : !t
}

// The fixed pattern of the Sparse Transformer: the columns lie in the gaps that the chunk leaves.
// CHECK-LABEL: sparse_attn.schedule @fixed_64x16
// CHECK:         %[[P0:.*]], %[[P1:.*]] = sparse_attn.progression 0 step(128)
// CHECK-COUNT-2: sparse_attn.clip(%[[P0]] to %[[P1]] step 8)
// CHECK:         sparse_attn.ranges touched({{.*}} step [1, 8, 8]) full(%{{.*}} to %{{.*}})
sparse_attn.pattern @fixed {
  %causal = sparse_attn.causal
  %chunk = sparse_attn.chunk size(128)
  %columns = sparse_attn.columns every(128) last(8)
  %either = sparse_attn.union %chunk, %columns
  %p = sparse_attn.intersect %causal, %either
  sparse_attn.yield %p
}
func.func @use_fixed(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@fixed) : (!t, !t, !t) -> !t
  return %o : !t
}

// Columns of one period meet in columns; those of another do not, nor do columns and strides keep out of each other's way.
// CHECK-LABEL: sparse_attn.schedule @columns_and_stride_64x
// CHECK:         sparse_attn.listed
// CHECK-LABEL: sparse_attn.schedule @unequal_columns_64x
// CHECK:         sparse_attn.listed
// CHECK-LABEL: sparse_attn.schedule @common_columns_64x16
// CHECK-DAG:     arith.constant 240 : index
// CHECK:         sparse_attn.ranges touched({{.*}} step [16]) full( to )
sparse_attn.pattern @columns_and_stride {
  %columns = sparse_attn.columns every(256) last(8)
  %stride = sparse_attn.stride step(256)
  %p = sparse_attn.union %columns, %stride
  sparse_attn.yield %p
}
sparse_attn.pattern @unequal_columns {
  %a = sparse_attn.columns every(256) last(16)
  %b = sparse_attn.columns every(384) last(16)
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}
sparse_attn.pattern @common_columns {
  %a = sparse_attn.columns every(256) last(16)
  %b = sparse_attn.columns every(256) last(8)
  %not = sparse_attn.complement %b
  %p = sparse_attn.intersect %a, %not
  sparse_attn.yield %p
}
func.func @use_columns_together(%q: !t) -> !t {
  %o0 = sparse_attn.attention %q, %q, %q pattern(@common_columns) : (!t, !t, !t) -> !t
  %o1 = sparse_attn.attention %q, %q, %o0 pattern(@unequal_columns) : (!t, !t, !t) -> !t
  %o2 = sparse_attn.attention %q, %q, %o1 pattern(@columns_and_stride) : (!t, !t, !t) -> !t
  return %o2 : !t
}

// The members of a segment in its chunk: a band with a modulus, no tile of which is full.
// CHECK-LABEL: sparse_attn.schedule @segment_64x64
// CHECK:         sparse_attn.ranges touched(%{{.*}} to %{{.*}} step [1]) full( to )
sparse_attn.pattern @segment {
  %p = sparse_attn.segment length(256) rate(4)
  sparse_attn.yield %p
}
func.func @use_segment(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@segment) : (!t, !t, !t) -> !t
  return %o : !t
}

//===----------------------------------------------------------------------===//
// Batches and heads
//===----------------------------------------------------------------------===//

// CHECK-LABEL: sparse_attn.schedule @prefix_64x64
// CHECK-NEXT:  ^bb0(%[[B:[a-z0-9]*]]: index, {{.*}}, %[[N:[a-z0-9]*]]: memref<?xi32>):
// CHECK:         %[[READ:.*]] = sparse_attn.read %[[N]][%[[B]]] : memref<?xi32>
// CHECK:         %[[LENGTH:.*]] = arith.index_cast %[[READ]] : i32 to index
// CHECK:         arith.maxsi %[[LENGTH]], %{{.*}}
// CHECK:         sparse_attn.ranges touched(%{{.*}} to %{{.*}} step [1]) full(%{{.*}} to %{{.*}})
sparse_attn.pattern @prefix(%n: memref<?xi32>) {
  %p = sparse_attn.prefix_lm %n
  sparse_attn.yield %p
}
func.func @use_prefix(%q: !t, %n: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@prefix(%n) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// A search for the document of the first query and one for that of the last; batches have rows of their own.
// CHECK-LABEL: sparse_attn.schedule @documents_64x64
// CHECK-NEXT:  ^bb0(%[[B:[a-z0-9]*]]: index, {{.*}}, %[[OFFSETS:[a-z0-9]*]]: memref<?x?xi32>):
// CHECK:         %[[Q:.*]], %[[LAST_Q:.*]] = sparse_attn.query_span
// CHECK:         %[[BEGUN:.*]] = sparse_attn.upper_bound %[[OFFSETS]][%[[B]]] of %[[Q]] : memref<?x?xi32>
// CHECK:         %[[SIZE:.*]] = memref.dim %[[OFFSETS]], %{{.*}} : memref<?x?xi32>
// CHECK:         sparse_attn.read %[[OFFSETS]][%[[B]], %{{.*}}] : memref<?x?xi32>
// CHECK:         sparse_attn.read %[[OFFSETS]][%[[B]], %{{.*}}] : memref<?x?xi32>
// CHECK:         sparse_attn.upper_bound %[[OFFSETS]][%[[B]]] of %[[LAST_Q]] : memref<?x?xi32>
// CHECK:         sparse_attn.ranges touched(%{{.*}} to %{{.*}} step [1]) full(%{{.*}} to %{{.*}})
sparse_attn.pattern @documents(%offsets: memref<?x?xi32>) {
  %p = sparse_attn.documents offsets(%offsets) : memref<?x?xi32>
  sparse_attn.yield %p
}
func.func @use_documents(%q: !t, %offsets: memref<?x?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@documents(%offsets) : (memref<?x?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// Coverage by ids compares the bounds of the queries' documents with those of the keys'.
// CHECK-LABEL: sparse_attn.plan @by_ids_64x64_plan
// CHECK:         sparse_attn.read_bounds %{{.*}}[] from %{{.*}} to %{{.*}} : memref<?xi32>
// CHECK:         sparse_attn.read_bounds %{{.*}}[] from %{{.*}} to %{{.*}} : memref<?xi32>
// CHECK:         sparse_attn.yield %{{.*}}, %{{.*}} : i1, i1
sparse_attn.pattern @by_ids(%ids: memref<?xi32>) {
  %p = sparse_attn.documents ids(%ids)
  sparse_attn.yield %p
}
func.func @use_ids(%q: !t, %ids: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@by_ids(%ids) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// The prefix up to the query is full where it is whole; what follows it, the tree up to the query, is partial.
// CHECK-LABEL: sparse_attn.schedule @tree_64x64
// CHECK:         %[[LENGTH:.*]] = memref.dim %{{.*}} : memref<?xi32>
// CHECK:         %[[NODES:.*]] = arith.divui %[[LENGTH]], %{{.*}} : index
// CHECK:         arith.subi %{{.*}}, %[[NODES]] : index
// CHECK:         sparse_attn.disjoint(%{{.*}}, %{{.*}} to %{{.*}}, %{{.*}})
// CHECK:         sparse_attn.ranges touched(%{{.*}} to %{{.*}} step [1, 1]) full(%{{.*}} to %{{.*}})
sparse_attn.pattern @tree(%parents: memref<?xi32>) {
  %p = sparse_attn.tree parents(%parents)
  sparse_attn.yield %p
}
func.func @use_tree(%q: !t, %parents: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@tree(%parents) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// Columns and diagonals of a rectangle are counted from two pairs of words each, of the table of the head.
// CHECK-LABEL: sparse_attn.plan @lines_64x64_plan
// CHECK-SAME:    of(@lines)
// CHECK-NEXT:  ^bb0(%[[B:[a-z0-9]*]]: index, %[[H:[a-z0-9]*]]: index, {{.*}}, %[[C:[a-z0-9]*]]: memref<?x?x?xi32>, %[[D:[a-z0-9]*]]: memref<?x?x?xi32>):
// CHECK-COUNT-4: sparse_attn.read %[[C]][%[[B]], %[[H]], %{{.*}}] : memref<?x?x?xi32>
// CHECK-COUNT-4: sparse_attn.read %[[D]][%[[B]], %[[H]], %{{.*}}] : memref<?x?x?xi32>
// CHECK:         sparse_attn.yield %{{.*}}, %{{.*}} : i1, i1
sparse_attn.pattern @lines(%c: memref<?x?x?xi32>, %d: memref<?x?x?xi32>) {
  %p = sparse_attn.vertical_slash columns(%c) diagonals(%d) : memref<?x?x?xi32>
  sparse_attn.yield %p
}
func.func @use_lines(%q: !t, %c: memref<?x?x?xi32>, %d: memref<?x?x?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@lines(%c, %d) : (memref<?x?x?xi32>, memref<?x?x?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// A search is monotone: its bounds are searches for the bounds.
// CHECK-LABEL: sparse_attn.plan @search_64x64_plan
// CHECK-COUNT-4: sparse_attn.upper_bound %{{.*}}[] of %{{.*}} : memref<?xi32>
// CHECK:         sparse_attn.yield %{{.*}}, %{{.*}} : i1, i1
sparse_attn.pattern @search(%offsets: memref<?xi32>) {
  %p = sparse_attn.predicate (%b, %h, %q, %k) {
    %of_query = sparse_attn.upper_bound %offsets[] of %q : memref<?xi32>
    %of_key = sparse_attn.upper_bound %offsets[] of %k : memref<?xi32>
    %same = arith.cmpi eq, %of_query, %of_key : index
    sparse_attn.yield %same : i1
  }
  sparse_attn.yield %p
}
func.func @use_search(%q: !t, %offsets: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@search(%offsets) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// Bands of a kind share a range, whose ends the head selects; of strides the other heads have none.
// CHECK-LABEL: sparse_attn.schedule @heads_64x64
// CHECK-NEXT:  ^bb0(%{{[a-z0-9]*}}: index, %[[H:[a-z0-9]*]]: index, {{.*}}):
// CHECK:         %[[NUMBER:.*]] = arith.remui %[[H]], %{{.*}} : index
// CHECK:         arith.cmpi eq, %[[NUMBER]], %{{.*}}
// CHECK:         arith.select
// CHECK:         sparse_attn.ranges touched({{.*}} step [1, 1, 8, 8, 8, 8, 8, 8]) full(%{{.*}}, %{{.*}} to %{{.*}}, %{{.*}})
sparse_attn.pattern @heads {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(256) right(0)
  %sinks = sparse_attn.keys first(64)
  %local = sparse_attn.union %window, %sinks
  %stride = sparse_attn.stride step(512)
  %p = sparse_attn.per_head [%causal, %local, %stride]
  sparse_attn.yield %p
}
func.func @use_heads(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@heads) : (!t, !t, !t) -> !t
  return %o : !t
}

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

// Two bands, made disjoint.
// CHECK-LABEL: sparse_attn.schedule @global_64x64
// CHECK:         %[[K0:.*]], %[[K1:.*]] = sparse_attn.touched_tiles
// CHECK:         %[[KF0:.*]], %[[KF1:.*]] = sparse_attn.whole_tiles
// CHECK:         %[[Q0:.*]], %[[Q1:.*]] = sparse_attn.touched_tiles
// CHECK:         %[[QF0:.*]], %[[QF1:.*]] = sparse_attn.whole_tiles
// CHECK:         %[[TF:.*]]:2, %[[TP:.*]]:2 = sparse_attn.disjoint(%[[K0]], %[[Q0]] to %[[K1]], %[[Q1]])
// CHECK:         %[[FF:.*]]:2, %[[FP:.*]]:2 = sparse_attn.disjoint(%[[KF0]], %[[QF0]] to %[[KF1]], %[[QF1]])
// CHECK:         sparse_attn.ranges touched(%[[TF]]#0, %[[TF]]#1 to %[[TP]]#0, %[[TP]]#1 step [1, 1]) full(%[[FF]]#0, %[[FF]]#1 to %[[FP]]#0, %[[FP]]#1)
sparse_attn.pattern @global {
  %p = sparse_attn.global first(64)
  sparse_attn.yield %p
}
func.func @use_global(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@global) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: sparse_attn.schedule @union_64x64
// CHECK:         sparse_attn.disjoint(%{{.*}}, %{{.*}}, %{{.*}} to %{{.*}}, %{{.*}}, %{{.*}})
// CHECK:         sparse_attn.ranges {{.*}} step [1, 1, 1]
sparse_attn.pattern @union {
  %local = sparse_attn.window left(256) right(256)
  %global = sparse_attn.global first(64)
  %p = sparse_attn.union %local, %global
  sparse_attn.yield %p
}
func.func @use_union(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@union) : (!t, !t, !t) -> !t
  return %o : !t
}

// One band: the greater lower and the lesser upper end.
// CHECK-LABEL: sparse_attn.schedule @intersect_64x64
// CHECK-DAG:     arith.maxsi
// CHECK-DAG:     arith.minsi
// CHECK-NOT:     sparse_attn.disjoint
// CHECK:         sparse_attn.ranges {{.*}} step [1]
sparse_attn.pattern @intersect {
  %causal = sparse_attn.causal
  %chunk = sparse_attn.chunk size(100)
  %p = sparse_attn.intersect %causal, %chunk
  sparse_attn.yield %p
}
func.func @use_intersect(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@intersect) : (!t, !t, !t) -> !t
  return %o : !t
}

// What is before and what is behind the window.
// CHECK-LABEL: sparse_attn.schedule @complement_64x64
// CHECK-NEXT:  ^bb0({{.*}}, %[[SKV:[a-z0-9]*]]: index):
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK:         sparse_attn.touched_tiles keys(%[[C0]] to
// CHECK:         sparse_attn.touched_tiles keys(%{{.*}} to %[[SKV]])
// CHECK:         sparse_attn.ranges {{.*}} step [1, 1]
sparse_attn.pattern @complement {
  %local = sparse_attn.window left(256) right(256)
  %p = sparse_attn.complement %local
  sparse_attn.yield %p
}
func.func @use_complement(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@complement) : (!t, !t, !t) -> !t
  return %o : !t
}

// causal n (window u keys u stride): the stride is cut out of the gaps that window and keys leave.
// CHECK-LABEL: sparse_attn.schedule @mixed_64x64
// CHECK:         %[[FIRST:.*]], %[[LAST:.*]] = sparse_attn.query_span
// CHECK:         %[[D:.*]]:2, %[[E:.*]]:2 = sparse_attn.disjoint
// CHECK:         %[[P0:.*]], %[[P1:.*]] = sparse_attn.progression 0 step(512) queries(%[[FIRST]] to %[[LAST]])
// CHECK:         sparse_attn.clip(%[[P0]] to %[[P1]] step 8) to(%{{.*}} to %[[D]]#0)
// CHECK:         sparse_attn.clip(%[[P0]] to %[[P1]] step 8) to(%[[E]]#0 to %[[D]]#1)
// CHECK:         sparse_attn.clip(%[[P0]] to %[[P1]] step 8) to(%[[E]]#1 to %[[P1]])
// CHECK:         %[[Q0:.*]], %[[Q1:.*]] = sparse_attn.progression 1 step(512) queries(%[[FIRST]] to %[[LAST]])
// CHECK-COUNT-3: sparse_attn.clip(%[[Q0]] to %[[Q1]] step 8)
// CHECK:         sparse_attn.ranges touched(%[[D]]#0, %[[D]]#1, {{.*}} to %[[E]]#0, %[[E]]#1, {{.*}} step [1, 1, 8, 8, 8, 8, 8, 8]) full(%{{.*}}, %{{.*}} to %{{.*}}, %{{.*}})
sparse_attn.pattern @mixed {
  %causal = sparse_attn.causal
  %local = sparse_attn.window left(256) right(256)
  %sinks = sparse_attn.keys first(64)
  %stride = sparse_attn.stride step(512)
  %any = sparse_attn.union %local, %sinks, %stride
  %p = sparse_attn.intersect %causal, %any
  sparse_attn.yield %p
}
func.func @use_mixed(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@mixed) : (!t, !t, !t) -> !t
  return %o : !t
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

// CHECK-LABEL: sparse_attn.plan @unequal_strides_64x64_plan of(@unequal_strides) tile(64, 64)
// CHECK-LABEL: sparse_attn.schedule @unequal_strides_64x64 of(@unequal_strides) tile(64, 64)
// CHECK:         sparse_attn.listed @unequal_strides_64x64_plan
sparse_attn.pattern @unequal_strides {
  %a = sparse_attn.stride step(512)
  %b = sparse_attn.stride step(640)
  %p = sparse_attn.union %a, %b
  sparse_attn.yield %p
}
func.func @use_unequal_strides(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@unequal_strides) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: sparse_attn.plan @captured_stride_64x64_plan
// CHECK-NEXT:  ^bb0({{.*}}, %[[SKV:[a-z0-9]*]]: index, %[[STEP:[a-z0-9]*]]: index):
// CHECK:         arith.maxsi %{{.*}}, %{{.*}}
// CHECK:         sparse_attn.yield %{{.*}}, %{{.*}} : i1, i1
// CHECK-LABEL: sparse_attn.schedule @captured_stride_64x64
// CHECK-NEXT:  ^bb0({{.*}}, %{{[a-z0-9]*}}: index, %{{[a-z0-9]*}}: index):
// CHECK-NEXT:    sparse_attn.listed @captured_stride_64x64_plan
sparse_attn.pattern @captured_stride(%step: index) {
  %p = sparse_attn.stride step(%step)
  sparse_attn.yield %p
}
func.func @use_captured_stride(%q: !t, %step: index) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@captured_stride(%step) : (index)) : (!t, !t, !t) -> !t
  return %o : !t
}

// CHECK-LABEL: sparse_attn.plan @random_64x64_plan
// CHECK:         sparse_attn.random_rank %{{.*}} in %{{.*}} seed(7)
// CHECK:         sparse_attn.yield %{{.*}}, %{{.*}} : i1, i1
// CHECK-LABEL: sparse_attn.schedule @random_64x64
// CHECK:         sparse_attn.listed @random_64x64_plan
sparse_attn.pattern @random {
  %p = sparse_attn.random blocks(3) size(64) seed(7)
  sparse_attn.yield %p
}
func.func @use_random(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@random) : (!t, !t, !t) -> !t
  return %o : !t
}

// Powers have no bands. Which distances a rectangle holds is asked of its corners, once for each power.
// CHECK-LABEL: sparse_attn.plan @exponential_64x64_plan
// CHECK-NOT:     scf
// CHECK:         sparse_attn.yield %{{.*}}, %{{.*}} : i1, i1
// CHECK-LABEL: sparse_attn.schedule @exponential_64x64
// CHECK:         sparse_attn.listed @exponential_64x64_plan
sparse_attn.pattern @exponential {
  %p = sparse_attn.exponential base(3)
  sparse_attn.yield %p
}
func.func @use_exponential(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@exponential) : (!t, !t, !t) -> !t
  return %o : !t
}

// Neighbours in an image have no bands. Rectangles are asked by the boxes of their ends.
// CHECK-LABEL: sparse_attn.plan @image_64x64_plan
// CHECK-NOT:     scf
// CHECK:         sparse_attn.yield %{{.*}}, %{{.*}} : i1, i1
// CHECK-LABEL: sparse_attn.schedule @image_64x64
// CHECK:         sparse_attn.listed @image_64x64_plan
sparse_attn.pattern @image {
  %p = sparse_attn.neighborhood shape(48, 64) window(7, 7) tile(8, 8)
  sparse_attn.yield %p
}
func.func @use_image(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@image) : (!t, !t, !t) -> !t
  return %o : !t
}

// A predicate answers by intervals: captured arrays by the bounds of their slices.
// CHECK-LABEL: sparse_attn.plan @packed_64x64_plan
// CHECK-NEXT:  ^bb0({{.*}}, %[[IDS:[a-z0-9]*]]: memref<?xi32>):
// CHECK-COUNT-2: sparse_attn.read_bounds %[[IDS]][]
// CHECK-NOT:     sparse_attn.read %
// CHECK:         sparse_attn.yield %{{.*}}, %{{.*}} : i1, i1
// CHECK-LABEL: sparse_attn.schedule @packed_64x64
// CHECK:         sparse_attn.listed @packed_64x64_plan
sparse_attn.pattern @packed(%ids: memref<?xi32>) {
  %causal = sparse_attn.causal
  %same = sparse_attn.predicate (%b, %h, %q, %k) {
    %dq = sparse_attn.read %ids[%q] : memref<?xi32>
    %dk = sparse_attn.read %ids[%k] : memref<?xi32>
    %equal = arith.cmpi eq, %dq, %dk : i32
    sparse_attn.yield %equal : i1
  }
  %p = sparse_attn.intersect %causal, %same
  sparse_attn.yield %p
}
func.func @use_packed(%q: !t, %ids: memref<?xi32>) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@packed(%ids) : (memref<?xi32>)) : (!t, !t, !t) -> !t
  return %o : !t
}

// More than eight bands.
// CHECK-LABEL: sparse_attn.schedule @many_bands_64x64
// CHECK:         sparse_attn.listed
sparse_attn.pattern @many_bands {
  %g0 = sparse_attn.global first(1)
  %g1 = sparse_attn.global first(2)
  %g2 = sparse_attn.global first(3)
  %g3 = sparse_attn.global first(4)
  %g4 = sparse_attn.global first(5)
  %p = sparse_attn.union %g0, %g1, %g2, %g3, %g4
  sparse_attn.yield %p
}
func.func @use_many_bands(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@many_bands) : (!t, !t, !t) -> !t
  return %o : !t
}

//===----------------------------------------------------------------------===//
// Sharing
//===----------------------------------------------------------------------===//

// One schedule for each pattern and tile size, whatever the head size and the type; none for a pattern without use.
// CHECK-NOT:   sparse_attn.schedule
// CHECK-LABEL: sparse_attn.schedule @shared_64x64
// CHECK-NOT:   sparse_attn.schedule
// CHECK-LABEL: func.func @use_shared
// CHECK:         schedule(@shared_64x64)
// CHECK:         schedule(@shared_64x64)
sparse_attn.pattern @unused {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}
sparse_attn.pattern @shared {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}
func.func @use_shared(%a: !t, %b: tensor<?x4x?x128xbf16>) -> (!t, tensor<?x4x?x128xbf16>) {
  %0 = sparse_attn.attention %a, %a, %a pattern(@shared) : (!t, !t, !t) -> !t
  %1 = sparse_attn.attention %b, %b, %b pattern(@shared)
      : (tensor<?x4x?x128xbf16>, tensor<?x4x?x128xbf16>, tensor<?x4x?x128xbf16>) -> tensor<?x4x?x128xbf16>
  return %0, %1 : !t, tensor<?x4x?x128xbf16>
}
