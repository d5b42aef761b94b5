// RUN: sparse-attn-opt %s --sparse-attn-simplify-patterns | FileCheck %s
// RUN: sparse-attn-opt %s --canonicalize | FileCheck %s

// No rewrite changes what a pattern says.
// DEFINE: %{numbers} = 3
// DEFINE: %{print} = --sparse-attn-print-patterns="rows=24 columns=20 numbers=%{numbers}" -o /dev/null
// DEFINE: %{compare} = sparse-attn-opt %s %{print} > %t.before && \
// DEFINE:   sparse-attn-opt %s --sparse-attn-simplify-patterns %{print} > %t.after && diff %t.before %t.after
// RUN: %{compare}
// REDEFINE: %{numbers} = -2
// RUN: %{compare}

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

// CHECK-LABEL: @union_of_one
// CHECK-NEXT:    %[[C:.*]] = sparse_attn.causal
// CHECK-NEXT:    sparse_attn.yield %[[C]]
sparse_attn.pattern @union_of_one {
  %causal = sparse_attn.causal
  %p = sparse_attn.union %causal
  sparse_attn.yield %p
}

// CHECK-LABEL: @intersect_of_one
// CHECK-NEXT:    %[[C:.*]] = sparse_attn.causal
// CHECK-NEXT:    sparse_attn.yield %[[C]]
sparse_attn.pattern @intersect_of_one {
  %causal = sparse_attn.causal
  %p = sparse_attn.intersect %causal
  sparse_attn.yield %p
}

// CHECK-LABEL: @union_with_everything
// CHECK-NEXT:    %[[D:.*]] = sparse_attn.dense
// CHECK-NEXT:    sparse_attn.yield %[[D]]
sparse_attn.pattern @union_with_everything {
  %causal = sparse_attn.causal
  %dense = sparse_attn.dense
  %chunk = sparse_attn.chunk size(4)
  %p = sparse_attn.union %causal, %dense, %chunk
  sparse_attn.yield %p
}

// CHECK-LABEL: @intersect_with_nothing
// CHECK-NEXT:    %[[D:.*]] = sparse_attn.dense
// CHECK-NEXT:    %[[N:.*]] = sparse_attn.complement %[[D]]
// CHECK-NEXT:    sparse_attn.yield %[[N]]
sparse_attn.pattern @intersect_with_nothing {
  %causal = sparse_attn.causal
  %dense = sparse_attn.dense
  %nothing = sparse_attn.complement %dense
  %p = sparse_attn.intersect %causal, %nothing
  sparse_attn.yield %p
}

// CHECK-LABEL: @double_complement
// CHECK-NEXT:    %[[C:.*]] = sparse_attn.causal
// CHECK-NEXT:    sparse_attn.yield %[[C]]
sparse_attn.pattern @double_complement {
  %causal = sparse_attn.causal
  %not = sparse_attn.complement %causal
  %p = sparse_attn.complement %not
  sparse_attn.yield %p
}

//===----------------------------------------------------------------------===//
// FlattenAlgebra
//===----------------------------------------------------------------------===//

// CHECK-LABEL: @nested_union
// CHECK-DAG:     %[[A:.*]] = sparse_attn.chunk size(4)
// CHECK-DAG:     %[[B:.*]] = sparse_attn.keys first(2)
// CHECK-DAG:     %[[C:.*]] = sparse_attn.queries first(2)
// CHECK:         %[[P:.*]] = sparse_attn.union %[[A]], %[[B]], %[[C]]
// CHECK-NEXT:    sparse_attn.yield %[[P]]
sparse_attn.pattern @nested_union {
  %a = sparse_attn.chunk size(4)
  %b = sparse_attn.keys first(2)
  %c = sparse_attn.queries first(2)
  %inner = sparse_attn.union %a, %b
  %middle = sparse_attn.union %inner, %c
  %p = sparse_attn.union %middle, %b
  sparse_attn.yield %p
}

// CHECK-LABEL: @nested_intersect
// CHECK-DAG:     %[[A:.*]] = sparse_attn.chunk size(4)
// CHECK-DAG:     %[[B:.*]] = sparse_attn.keys first(2)
// CHECK-DAG:     %[[C:.*]] = sparse_attn.queries first(2)
// CHECK:         %[[P:.*]] = sparse_attn.intersect %[[A]], %[[B]], %[[C]]
// CHECK-NEXT:    sparse_attn.yield %[[P]]
sparse_attn.pattern @nested_intersect {
  %a = sparse_attn.chunk size(4)
  %b = sparse_attn.keys first(2)
  %c = sparse_attn.queries first(2)
  %inner = sparse_attn.intersect %b, %c
  %p = sparse_attn.intersect %a, %inner
  sparse_attn.yield %p
}

// CHECK-LABEL: @repeated_operand
// CHECK-NEXT:    %[[C:.*]] = sparse_attn.causal
// CHECK-NEXT:    sparse_attn.yield %[[C]]
sparse_attn.pattern @repeated_operand {
  %causal = sparse_attn.causal
  %p = sparse_attn.union %causal, %causal
  sparse_attn.yield %p
}

// CHECK-LABEL: @union_with_nothing
// CHECK-NEXT:    %[[C:.*]] = sparse_attn.causal
// CHECK-NEXT:    sparse_attn.yield %[[C]]
sparse_attn.pattern @union_with_nothing {
  %causal = sparse_attn.causal
  %dense = sparse_attn.dense
  %nothing = sparse_attn.complement %dense
  %p = sparse_attn.union %causal, %nothing
  sparse_attn.yield %p
}

// CHECK-LABEL: @intersect_with_everything
// CHECK-NEXT:    %[[C:.*]] = sparse_attn.causal
// CHECK-NEXT:    sparse_attn.yield %[[C]]
sparse_attn.pattern @intersect_with_everything {
  %causal = sparse_attn.causal
  %dense = sparse_attn.dense
  %p = sparse_attn.intersect %dense, %causal
  sparse_attn.yield %p
}

// Where all operands are neutral, one of them stays.
// CHECK-LABEL: @only_neutral_operands
// CHECK-NEXT:    %[[D:.*]] = sparse_attn.dense
// CHECK-NEXT:    sparse_attn.yield %[[D]]
sparse_attn.pattern @only_neutral_operands {
  %a = sparse_attn.dense
  %b = sparse_attn.dense
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}

// CHECK-LABEL: @only_neutral_operands_of_a_union
// CHECK-NEXT:    %[[D:.*]] = sparse_attn.dense
// CHECK-NEXT:    %[[N:.*]] = sparse_attn.complement %[[D]]
// CHECK-NEXT:    sparse_attn.yield %[[N]]
sparse_attn.pattern @only_neutral_operands_of_a_union {
  %dense = sparse_attn.dense
  %a = sparse_attn.complement %dense
  %b = sparse_attn.complement %dense
  %p = sparse_attn.union %a, %b
  sparse_attn.yield %p
}

//===----------------------------------------------------------------------===//
// CausalWindow
//===----------------------------------------------------------------------===//

// CHECK-LABEL: @causal_window
// CHECK-NEXT:    %[[W:.*]] = sparse_attn.window left(511) right(0)
// CHECK-NEXT:    sparse_attn.yield %[[W]]
sparse_attn.pattern @causal_window {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(511) right(511)
  %p = sparse_attn.intersect %causal, %window
  sparse_attn.yield %p
}

// CHECK-LABEL: @causal_window_that_ends_before
// CHECK-NEXT:    %[[W:.*]] = sparse_attn.window left(8) right(-2)
// CHECK-NEXT:    sparse_attn.yield %[[W]]
sparse_attn.pattern @causal_window_that_ends_before {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(8) right(-2)
  %p = sparse_attn.intersect %window, %causal
  sparse_attn.yield %p
}

// CHECK-LABEL: @causal_window_without_right
// CHECK-NEXT:    %[[W:.*]] = sparse_attn.window left(8) right(0)
// CHECK-NEXT:    sparse_attn.yield %[[W]]
sparse_attn.pattern @causal_window_without_right {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(8)
  %p = sparse_attn.intersect %window, %causal
  sparse_attn.yield %p
}

// CHECK-LABEL: @causal_among_others
// CHECK-DAG:     %[[W:.*]] = sparse_attn.window left(8) right(0)
// CHECK-DAG:     %[[S:.*]] = sparse_attn.stride step(3)
// CHECK:         sparse_attn.intersect %{{.*}}, %{{.*}}
sparse_attn.pattern @causal_among_others {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(8) right(8)
  %stride = sparse_attn.stride step(3)
  %p = sparse_attn.intersect %causal, %stride, %window
  sparse_attn.yield %p
}

// The window and causal have no key in common, which a window cannot say.
// CHECK-LABEL: @causal_and_window_ahead
// CHECK:         sparse_attn.causal
// CHECK:         sparse_attn.window left(-1) right(8)
// CHECK:         sparse_attn.intersect
sparse_attn.pattern @causal_and_window_ahead {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(-1) right(8)
  %p = sparse_attn.intersect %causal, %window
  sparse_attn.yield %p
}

// The right side is not known, so causal has to stay.
// CHECK-LABEL: @causal_and_captured_right
// CHECK:         sparse_attn.causal
// CHECK:         sparse_attn.window left(8) right(%{{.*}})
// CHECK:         sparse_attn.intersect
sparse_attn.pattern @causal_and_captured_right(%right: index) {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(8) right(%right)
  %p = sparse_attn.intersect %causal, %window
  sparse_attn.yield %p
}

// CHECK-LABEL: @causal_and_captured_left(
// CHECK-SAME:    %[[LEFT:.*]]: index
// CHECK-NEXT:    %[[W:.*]] = sparse_attn.window left(%[[LEFT]]) right(0)
// CHECK-NEXT:    sparse_attn.yield %[[W]]
sparse_attn.pattern @causal_and_captured_left(%left: index) {
  %causal = sparse_attn.causal
  %window = sparse_attn.window left(%left) right(8)
  %p = sparse_attn.intersect %causal, %window
  sparse_attn.yield %p
}

//===----------------------------------------------------------------------===//
// MeetWindows, MeetStrides and MeetExponentials
//===----------------------------------------------------------------------===//

// CHECK-LABEL: @meet_windows
// CHECK-NEXT:    %[[W:.*]] = sparse_attn.window left(3) right(2)
// CHECK-NEXT:    sparse_attn.yield %[[W]]
sparse_attn.pattern @meet_windows {
  %a = sparse_attn.window left(8) right(2)
  %b = sparse_attn.window left(3) right(9)
  %c = sparse_attn.window left(5)
  %p = sparse_attn.intersect %a, %b, %c
  sparse_attn.yield %p
}

// CHECK-LABEL: @meet_half_open_windows
// CHECK-NEXT:    %[[W:.*]] = sparse_attn.window left(8) right(2)
// CHECK-NEXT:    sparse_attn.yield %[[W]]
sparse_attn.pattern @meet_half_open_windows {
  %a = sparse_attn.window left(8)
  %b = sparse_attn.window right(2)
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}

// CHECK-LABEL: @windows_that_do_not_meet
// CHECK-COUNT-2: sparse_attn.window
// CHECK:         sparse_attn.intersect
sparse_attn.pattern @windows_that_do_not_meet {
  %a = sparse_attn.window left(8) right(-3)
  %b = sparse_attn.window left(-3) right(8)
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}

// CHECK-LABEL: @captured_windows
// CHECK-COUNT-2: sparse_attn.window
// CHECK:         sparse_attn.intersect
sparse_attn.pattern @captured_windows(%n: index) {
  %a = sparse_attn.window left(%n) right(2)
  %b = sparse_attn.window left(3) right(9)
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}

// CHECK-LABEL: @meet_strides
// CHECK-NEXT:    %[[S:.*]] = sparse_attn.stride step(12)
// CHECK-NEXT:    sparse_attn.yield %[[S]]
sparse_attn.pattern @meet_strides {
  %a = sparse_attn.stride step(4)
  %b = sparse_attn.stride step(6)
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}

// CHECK-LABEL: @meet_exponentials
// CHECK-NEXT:    %[[E:.*]] = sparse_attn.exponential base(64)
// CHECK-NEXT:    sparse_attn.yield %[[E]]
sparse_attn.pattern @meet_exponentials {
  %a = sparse_attn.exponential base(4)
  %b = sparse_attn.exponential base(8)
  %c = sparse_attn.exponential base(2)
  %p = sparse_attn.intersect %a, %b, %c
  sparse_attn.yield %p
}

// Powers of 2 and of 6 have 1 alone in common.
// CHECK-LABEL: @exponentials_without_a_base
// CHECK-NEXT:    %[[W:.*]] = sparse_attn.window left(1) right(1)
// CHECK-NEXT:    sparse_attn.yield %[[W]]
sparse_attn.pattern @exponentials_without_a_base {
  %a = sparse_attn.exponential base(2)
  %b = sparse_attn.exponential base(6)
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}

// Beyond every distance: 2^31 is no base, and no distance.
// CHECK-LABEL: @exponentials_of_a_far_base
// CHECK-NEXT:    %[[W:.*]] = sparse_attn.window left(1) right(1)
// CHECK-NEXT:    sparse_attn.yield %[[W]]
sparse_attn.pattern @exponentials_of_a_far_base {
  %a = sparse_attn.exponential base(65536)
  %b = sparse_attn.exponential base(32768)
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}

// 2^30 is a distance, but no base.
// CHECK-LABEL: @exponentials_that_stay
// CHECK-COUNT-2: sparse_attn.exponential
// CHECK:         sparse_attn.intersect
sparse_attn.pattern @exponentials_that_stay {
  %a = sparse_attn.exponential base(1024)
  %b = sparse_attn.exponential base(32768)
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}

// The least common multiple lies beyond 2^30.
// CHECK-LABEL: @strides_without_a_step
// CHECK-COUNT-2: sparse_attn.stride
// CHECK:         sparse_attn.intersect
sparse_attn.pattern @strides_without_a_step {
  %a = sparse_attn.stride step(1073741822)
  %b = sparse_attn.stride step(1073741823)
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}

// CHECK-LABEL: @captured_strides
// CHECK-COUNT-2: sparse_attn.stride
// CHECK:         sparse_attn.intersect
sparse_attn.pattern @captured_strides(%n: index) {
  %a = sparse_attn.stride step(%n)
  %b = sparse_attn.stride step(6)
  %p = sparse_attn.intersect %a, %b
  sparse_attn.yield %p
}

//===----------------------------------------------------------------------===//
// DropCoarserStrides
//===----------------------------------------------------------------------===//

// CHECK-LABEL: @coarser_strides
// CHECK-DAG:     %[[A:.*]] = sparse_attn.stride step(4)
// CHECK-DAG:     %[[B:.*]] = sparse_attn.stride step(6)
// CHECK-NOT:     sparse_attn.stride
// CHECK:         sparse_attn.union %[[A]], %[[B]]
sparse_attn.pattern @coarser_strides {
  %a = sparse_attn.stride step(4)
  %b = sparse_attn.stride step(6)
  %c = sparse_attn.stride step(8)
  %d = sparse_attn.stride step(24)
  %p = sparse_attn.union %a, %b, %c, %d
  sparse_attn.yield %p
}

// Of two equal steps one has to stay.
// CHECK-LABEL: @equal_strides
// CHECK:         sparse_attn.stride step(4)
sparse_attn.pattern @equal_strides {
  %a = sparse_attn.stride step(4)
  %b = sparse_attn.stride step(4)
  %p = sparse_attn.union %a, %b
  sparse_attn.yield %p
}

//===----------------------------------------------------------------------===//
// PullComplement
//===----------------------------------------------------------------------===//

// CHECK-LABEL: @complement_of_a_union
// CHECK-DAG:     %[[A:.*]] = sparse_attn.chunk size(4)
// CHECK-DAG:     %[[B:.*]] = sparse_attn.keys first(2)
// CHECK-NOT:     sparse_attn.complement
// CHECK:         %[[P:.*]] = sparse_attn.intersect %[[A]], %[[B]]
// CHECK-NEXT:    sparse_attn.yield %[[P]]
sparse_attn.pattern @complement_of_a_union {
  %a = sparse_attn.chunk size(4)
  %b = sparse_attn.keys first(2)
  %not_a = sparse_attn.complement %a
  %not_b = sparse_attn.complement %b
  %either = sparse_attn.union %not_a, %not_b
  %p = sparse_attn.complement %either
  sparse_attn.yield %p
}

// CHECK-LABEL: @complement_of_an_intersect
// CHECK-DAG:     %[[A:.*]] = sparse_attn.chunk size(4)
// CHECK-DAG:     %[[B:.*]] = sparse_attn.keys first(2)
// CHECK-NOT:     sparse_attn.complement
// CHECK:         %[[P:.*]] = sparse_attn.union %[[A]], %[[B]]
// CHECK-NEXT:    sparse_attn.yield %[[P]]
sparse_attn.pattern @complement_of_an_intersect {
  %a = sparse_attn.chunk size(4)
  %b = sparse_attn.keys first(2)
  %not_a = sparse_attn.complement %a
  %not_b = sparse_attn.complement %b
  %both = sparse_attn.intersect %not_a, %not_b
  %p = sparse_attn.complement %both
  sparse_attn.yield %p
}

// Not every operand is a complement.
// CHECK-LABEL: @complement_that_stays
// CHECK:         sparse_attn.union
// CHECK:         sparse_attn.complement
sparse_attn.pattern @complement_that_stays {
  %a = sparse_attn.chunk size(4)
  %b = sparse_attn.keys first(2)
  %not_a = sparse_attn.complement %a
  %either = sparse_attn.union %not_a, %b
  %p = sparse_attn.complement %either
  sparse_attn.yield %p
}

//===----------------------------------------------------------------------===//
// WindowToNamed and UnitStride
//===----------------------------------------------------------------------===//

// CHECK-LABEL: @window_without_end
// CHECK-NEXT:    sparse_attn.dense
sparse_attn.pattern @window_without_end {
  %p = sparse_attn.window
  sparse_attn.yield %p
}

// CHECK-LABEL: @window_right_zero
// CHECK-NEXT:    sparse_attn.causal
sparse_attn.pattern @window_right_zero {
  %p = sparse_attn.window right(0)
  sparse_attn.yield %p
}

// CHECK-LABEL: @window_that_stays
// CHECK-NEXT:    sparse_attn.window right(1)
sparse_attn.pattern @window_that_stays {
  %p = sparse_attn.window right(1)
  sparse_attn.yield %p
}

// CHECK-LABEL: @unit_stride
// CHECK-NEXT:    sparse_attn.dense
sparse_attn.pattern @unit_stride {
  %p = sparse_attn.stride step(1)
  sparse_attn.yield %p
}

//===----------------------------------------------------------------------===//
// Together
//===----------------------------------------------------------------------===//

// CHECK-LABEL: @all_of_it
// CHECK-NEXT:    sparse_attn.window left(4) right(0)
// CHECK-NEXT:    sparse_attn.yield
sparse_attn.pattern @all_of_it {
  %every = sparse_attn.stride step(1)
  %past = sparse_attn.window right(0)
  %local = sparse_attn.window left(4) right(4)
  %inner = sparse_attn.intersect %past, %every
  %not = sparse_attn.complement %inner
  %again = sparse_attn.complement %not
  %outer = sparse_attn.intersect %again, %local
  %p = sparse_attn.union %outer, %outer
  sparse_attn.yield %p
}
