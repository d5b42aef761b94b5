// RUN: sparse-attn-opt %s --sparse-attn-reindex-dilation --split-input-file | FileCheck %s
// RUN: sparse-attn-opt %s --sparse-attn-reindex-dilation --sparse-attn-specialize-blocks --canonicalize --cse \
// RUN:   --sparse-attn-fuse-softmax --canonicalize --split-input-file | FileCheck %s --check-prefix=TILE

!t = tensor<?x?x?x16xf32>

// Every pair lies a multiple of 8 apart.
// CHECK-LABEL: func.func @use_dilated
// CHECK:         pattern(@dilated) modulo(8) :
// Of the class that the query tile is of. The keys of a band, [q - 64, q + 65), are [ceil((lo - c) / 8), ...) of the
// class, and query tiles past the end of a short class see none.
// TILE-LABEL: sparse_attn.schedule @dilated_64x64_modulo8 of(@dilated) tile(64, 64) modulo(8) {
// TILE:         %[[CLASS:.*]], %[[TILE:.*]], %[[QUERIES:.*]], %[[KEYS:.*]] = sparse_attn.residue_class %t of %sq, %skv
// TILE:         %[[FIRST:.*]], %[[LAST:.*]] = sparse_attn.query_span %[[TILE]] of %[[QUERIES]], %[[KEYS]]
// TILE:         %[[SCALED:.*]] = arith.muli %[[FIRST]], %c8 : index
// TILE:         %[[Q:.*]] = arith.addi %[[SCALED]], %[[CLASS]] : index
// TILE:         arith.subi %[[Q]], %c64 : index
// TILE:         %[[SOME:.*]] = arith.cmpi sle, %[[FIRST]], %[[LAST]] : index
// TILE:         arith.select %[[SOME]], %{{.*}}, %c0 : index
// TILE:         sparse_attn.touched_tiles keys(%{{.*}} to %{{.*}}) of %[[KEYS]]
// TILE:         sparse_attn.ranges touched(%{{.*}} to %{{.*}} step [1]) full(%{{.*}} to %{{.*}})
// The kernel sees every 8th row, and asks for the original positions, whose distance is known to be a multiple of 8.
// TILE-LABEL: sparse_attn.kernel @use_dilated_0 {{.*}} modulo(8) {
// TILE:         %[[QUERIES:.*]] = sparse_attn.rows %q from(%{{.*}}) step(8)
// TILE:         %[[ROWS:.*]] = sparse_attn.rows %k from(%[[C:.*]]) step(8)
// TILE:         sparse_attn.rows %v from(%[[C]]) step(8)
// TILE:         %[[OUTPUT:.*]] = sparse_attn.rows %o
// TILE:         sparse_attn.load %[[QUERIES]]
// TILE:         sparse_attn.load %[[ROWS]]
// TILE:         sparse_attn.mask
// TILE-NEXT:    ^bb0(%[[QP:.*]]: index, %[[KP:.*]]: index):
// TILE:           arith.muli %[[QP]], %c8 : index
// TILE:           arith.muli %[[KP]], %c8 : index
// TILE-NOT:       arith.remsi
// TILE:           sparse_attn.yield
// TILE:         sparse_attn.store %{{.*}}, %[[OUTPUT]][
sparse_attn.pattern @dilated {
  %window = sparse_attn.window left(64) right(64)
  %stride = sparse_attn.stride step(8)
  %p = sparse_attn.intersect %window, %stride
  sparse_attn.yield %p
}
func.func @use_dilated(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@dilated) : (!t, !t, !t) -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x?x16xf32>

// Of several strides, their greatest common divisor; what is left of them is a stride in the class.
// CHECK-LABEL: func.func @use_strides
// CHECK:         modulo(4)
// TILE-LABEL: sparse_attn.schedule @strides_64x64_modulo4
sparse_attn.pattern @strides {
  %causal = sparse_attn.causal
  %four = sparse_attn.stride step(12)
  %six = sparse_attn.stride step(8)
  %both = sparse_attn.union %four, %six
  %p = sparse_attn.intersect %both, %causal
  sparse_attn.yield %p
}
func.func @use_strides(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@strides) : (!t, !t, !t) -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x?x16xf32>

// A step that only `prepare` knows, a pattern without bands, a stride beside what is random: nothing to be won.
// CHECK-LABEL: func.func @others
// CHECK-NOT:     modulo(
sparse_attn.pattern @captured(%n: index) {
  %p = sparse_attn.stride step(%n)
  sparse_attn.yield %p
}
sparse_attn.pattern @random {
  %random = sparse_attn.random blocks(3) size(64) seed(7)
  %stride = sparse_attn.stride step(8)
  %p = sparse_attn.intersect %random, %stride
  sparse_attn.yield %p
}
sparse_attn.pattern @beside_random {
  %random = sparse_attn.random blocks(3) size(64) seed(7)
  %stride = sparse_attn.stride step(8)
  %p = sparse_attn.union %random, %stride
  sparse_attn.yield %p
}
func.func @others(%q: !t, %n: index) -> (!t, !t, !t) {
  %a = sparse_attn.attention %q, %q, %q pattern(@captured(%n) : (index)) : (!t, !t, !t) -> !t
  %b = sparse_attn.attention %q, %q, %q pattern(@random) : (!t, !t, !t) -> !t
  %c = sparse_attn.attention %q, %q, %q pattern(@beside_random) : (!t, !t, !t) -> !t
  return %a, %b, %c : !t, !t, !t
}

// -----

!t = tensor<?x?x?x16xf32>

// A window beside strides, all in the past: the window first, then what is dilated and lies outside of it. Both have the
// scores and the captures.
// CHECK-LABEL: sparse_attn.pattern @beside(
// CHECK-LABEL: sparse_attn.pattern @beside_others(%{{.*}}: index) part_of(@beside) {
// CHECK-DAG:     %[[CAUSAL:.*]] = sparse_attn.causal
// CHECK-DAG:     %[[WINDOW:.*]] = sparse_attn.window left(%{{.*}}) right(0)
// CHECK:         %[[BOTH:.*]] = sparse_attn.intersect %[[CAUSAL]], %[[WINDOW]]
// CHECK:         sparse_attn.yield %[[BOTH]]
// CHECK-LABEL: sparse_attn.pattern @beside_dilated(%{{.*}}: index) part_of(@beside) {
// CHECK-DAG:     %[[CAUSAL:.*]] = sparse_attn.causal
// CHECK-DAG:     %[[WINDOW:.*]] = sparse_attn.window
// CHECK-DAG:     %[[EIGHT:.*]] = sparse_attn.stride step(8)
// CHECK-DAG:     %[[TWELVE:.*]] = sparse_attn.stride step(12)
// CHECK:         %[[STRIDES:.*]] = sparse_attn.union %[[EIGHT]], %[[TWELVE]]
// CHECK:         %[[FAR:.*]] = sparse_attn.complement %[[WINDOW]]
// CHECK:         %[[ALL:.*]] = sparse_attn.intersect %[[CAUSAL]], %[[STRIDES]], %[[FAR]]
// CHECK:         sparse_attn.yield %[[ALL]]
// CHECK-LABEL: func.func @use_beside
// CHECK:         %[[NEAR:.*]], %[[LSE:.*]] = sparse_attn.attention %{{.*}} pattern(@beside_others(%[[N:.*]]) : (index)) scale(0.5) score
// CHECK:           arith.negf
// CHECK:         sparse_attn.attention %{{.*}} pattern(@beside_dilated(%[[N]]) : (index)) from(%[[NEAR]], %[[LSE]] : {{.*}}) scale(0.5) modulo(4) score
// CHECK:           arith.negf
// The second use of the pattern shares its parts.
// CHECK:         pattern(@beside_others(
// CHECK:         pattern(@beside_dilated(
// TILE-LABEL: func.func @use_beside
// TILE:         %[[O:.*]], %[[L:.*]] = sparse_attn.launch @use_beside_0(
// TILE:         sparse_attn.launch @use_beside_1({{.*}}) captures({{.*}}) from(%[[O]], %[[L]])
sparse_attn.pattern @beside(%n: index) {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(%n) right(0)
  %eight = sparse_attn.stride step(8)
  %twelve = sparse_attn.stride step(12)
  %any = sparse_attn.union %eight, %window, %twelve
  %p = sparse_attn.intersect %causal, %any
  sparse_attn.yield %p
}
func.func @use_beside(%q: !t, %n: index) -> (!t, !t) {
  %a = sparse_attn.attention %q, %q, %q pattern(@beside(%n) : (index)) scale(0.5) score (%s, %b, %h, %i, %j) {
    %x = arith.negf %s : f32
    sparse_attn.yield %x : f32
  } : (!t, !t, !t) -> !t
  %c = sparse_attn.attention %q, %q, %q pattern(@beside(%n) : (index)) : (!t, !t, !t) -> !t
  return %a, %c : !t, !t
}

// -----

!t = tensor<?x?x?x16xf32>

// With a step of two tiles and more, classes may be short: there are strided tiles, too, and `prepare` chooses.
// CHECK-LABEL: func.func @use_long
// CHECK:         modulo(512)
// TILE-LABEL: sparse_attn.kernel @use_long_0 {{.*}} modulo(512) {
// TILE-LABEL: sparse_attn.kernel @use_long_0_64x64 of(@long) tile(64, 64) scale(0.25) {
// TILE-LABEL: func.func @use_long
// TILE:         sparse_attn.launch @use_long_0, @use_long_0_64x64(
sparse_attn.pattern @long {
  %p = sparse_attn.stride step(512)
  sparse_attn.yield %p
}
func.func @use_long(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@long) : (!t, !t, !t) -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x?x16xf32>

// Score regions and masks see positions, not numbers of rows: row r of class c stands at 3 r + c.
// CHECK-LABEL: func.func @use_scores
// CHECK:         pattern(@third) modulo(3) score (%[[S:.*]], %{{.*}}, %{{.*}}, %[[I:.*]], %[[J:.*]]) {
// CHECK-NEXT:      %[[DISTANCE:.*]] = arith.subi %[[J]], %[[I]] : index
// CHECK:           sparse_attn.yield
// TILE-LABEL: sparse_attn.kernel @use_scores_0 {{.*}} score(@use_scores_0_score) modulo(3) {
// TILE:         sparse_attn.rows %{{.*}} from(%{{.*}}) step(3)
// TILE:         sparse_attn.rows %{{.*}} from(%[[C:.*]]) step(3)
// TILE:         sparse_attn.score_mod
// TILE-NEXT:    ^bb0(%[[S:.*]]: f32, %[[QP:.*]]: index, %[[KP:.*]]: index):
// TILE-NEXT:      %[[QROW:.*]] = arith.muli %[[QP]], %[[STEP:.*]] : index
// TILE-NEXT:      %[[Q:.*]] = arith.addi %[[QROW]], %[[C]] : index
// TILE-NEXT:      %[[KROW:.*]] = arith.muli %[[KP]], %[[STEP]] : index
// TILE-NEXT:      %[[K:.*]] = arith.addi %[[KROW]], %[[C]] : index
// TILE-NEXT:      %[[DISTANCE:.*]] = arith.subi %[[K]], %[[Q]] : index
// TILE:           sparse_attn.yield %{{.*}} : f32
sparse_attn.pattern @third {
  %p = sparse_attn.stride step(3)
  sparse_attn.yield %p
}
func.func @use_scores(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@third) score (%s, %b, %h, %i, %j) {
    %distance = arith.subi %j, %i : index
    %integer = arith.index_cast %distance : index to i32
    %number = arith.sitofp %integer : i32 to f32
    %new = arith.addf %s, %number : f32
    sparse_attn.yield %new : f32
  } : (!t, !t, !t) -> !t
  return %o : !t
}
