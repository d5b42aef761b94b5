// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null | FileCheck %s --match-full-lines
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=6 columns=10 head=4" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=SHORT
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=10 columns=6" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=LONG

// Head h has pattern number h mod n.

sparse_attn.pattern @three {
  %p0 = sparse_attn.causal
  %p1 = sparse_attn.window left(1) right(1)
  %p2 = sparse_attn.keys first(2)
  %p3 = sparse_attn.per_head [%p0, %p1, %p2]
  sparse_attn.yield %p3
}

// CHECK-LABEL: @three: 16 queries, 16 keys, head 0
// CHECK-NEXT: #...............
// CHECK-NEXT: ##..............
// CHECK-NEXT: ###.............
// CHECK-NEXT: ####............
// CHECK-NEXT: #####...........
// CHECK-NEXT: ######..........
// CHECK-NEXT: #######.........
// CHECK-NEXT: ########........
// CHECK-NEXT: #########.......
// CHECK-NEXT: ##########......
// CHECK-NEXT: ###########.....
// CHECK-NEXT: ############....
// CHECK-NEXT: #############...
// CHECK-NEXT: ##############..
// CHECK-NEXT: ###############.
// CHECK-NEXT: ################

// SHORT-LABEL: @three: 6 queries, 10 keys, head 4
// SHORT-NEXT: ...###....
// SHORT-NEXT: ....###...
// SHORT-NEXT: .....###..
// SHORT-NEXT: ......###.
// SHORT-NEXT: .......###
// SHORT-NEXT: ........##

// LONG-LABEL: @three: 10 queries, 6 keys, head 0
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: #.....
// LONG-NEXT: ##....
// LONG-NEXT: ###...
// LONG-NEXT: ####..
// LONG-NEXT: #####.
// LONG-NEXT: ######

sparse_attn.pattern @one {
  %p0 = sparse_attn.stride step(3)
  %p1 = sparse_attn.per_head [%p0]
  sparse_attn.yield %p1
}

// CHECK-LABEL: @one: 16 queries, 16 keys, head 0
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: ..#..#..#..#..#.
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: ..#..#..#..#..#.
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: ..#..#..#..#..#.
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: ..#..#..#..#..#.
// CHECK-NEXT: #..#..#..#..#..#
// CHECK-NEXT: .#..#..#..#..#..
// CHECK-NEXT: ..#..#..#..#..#.
// CHECK-NEXT: #..#..#..#..#..#

// SHORT-LABEL: @one: 6 queries, 10 keys, head 4
// SHORT-NEXT: .#..#..#..
// SHORT-NEXT: ..#..#..#.
// SHORT-NEXT: #..#..#..#
// SHORT-NEXT: .#..#..#..
// SHORT-NEXT: ..#..#..#.
// SHORT-NEXT: #..#..#..#

// LONG-LABEL: @one: 10 queries, 6 keys, head 0
// LONG-NEXT: ..#..#
// LONG-NEXT: #..#..
// LONG-NEXT: .#..#.
// LONG-NEXT: ..#..#
// LONG-NEXT: #..#..
// LONG-NEXT: .#..#.
// LONG-NEXT: ..#..#
// LONG-NEXT: #..#..
// LONG-NEXT: .#..#.
// LONG-NEXT: ..#..#
