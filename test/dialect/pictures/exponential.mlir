// RUN: sparse-attn-opt %s --sparse-attn-print-patterns -o /dev/null | FileCheck %s --match-full-lines
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=6 columns=10" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=SHORT
// RUN: sparse-attn-opt %s --sparse-attn-print-patterns="rows=10 columns=6" -o /dev/null \
// RUN:   | FileCheck %s --match-full-lines --check-prefix=LONG

// |q - k| is 0 or a power of the base.

sparse_attn.pattern @two {
  %p0 = sparse_attn.exponential base(2)
  sparse_attn.yield %p0
}

// CHECK-LABEL: @two: 16 queries, 16 keys
// CHECK-NEXT: ###.#...#.......
// CHECK-NEXT: ####.#...#......
// CHECK-NEXT: #####.#...#.....
// CHECK-NEXT: .#####.#...#....
// CHECK-NEXT: #.#####.#...#...
// CHECK-NEXT: .#.#####.#...#..
// CHECK-NEXT: ..#.#####.#...#.
// CHECK-NEXT: ...#.#####.#...#
// CHECK-NEXT: #...#.#####.#...
// CHECK-NEXT: .#...#.#####.#..
// CHECK-NEXT: ..#...#.#####.#.
// CHECK-NEXT: ...#...#.#####.#
// CHECK-NEXT: ....#...#.#####.
// CHECK-NEXT: .....#...#.#####
// CHECK-NEXT: ......#...#.####
// CHECK-NEXT: .......#...#.###

// SHORT-LABEL: @two: 6 queries, 10 keys
// SHORT-NEXT: #.#####.#.
// SHORT-NEXT: .#.#####.#
// SHORT-NEXT: ..#.#####.
// SHORT-NEXT: ...#.#####
// SHORT-NEXT: #...#.####
// SHORT-NEXT: .#...#.###

// LONG-LABEL: @two: 10 queries, 6 keys
// LONG-NEXT: #...#.
// LONG-NEXT: .#...#
// LONG-NEXT: #.#...
// LONG-NEXT: ##.#..
// LONG-NEXT: ###.#.
// LONG-NEXT: ####.#
// LONG-NEXT: #####.
// LONG-NEXT: .#####
// LONG-NEXT: #.####
// LONG-NEXT: .#.###

sparse_attn.pattern @three {
  %p0 = sparse_attn.exponential base(3)
  sparse_attn.yield %p0
}

// CHECK-LABEL: @three: 16 queries, 16 keys
// CHECK-NEXT: ##.#.....#......
// CHECK-NEXT: ###.#.....#.....
// CHECK-NEXT: .###.#.....#....
// CHECK-NEXT: #.###.#.....#...
// CHECK-NEXT: .#.###.#.....#..
// CHECK-NEXT: ..#.###.#.....#.
// CHECK-NEXT: ...#.###.#.....#
// CHECK-NEXT: ....#.###.#.....
// CHECK-NEXT: .....#.###.#....
// CHECK-NEXT: #.....#.###.#...
// CHECK-NEXT: .#.....#.###.#..
// CHECK-NEXT: ..#.....#.###.#.
// CHECK-NEXT: ...#.....#.###.#
// CHECK-NEXT: ....#.....#.###.
// CHECK-NEXT: .....#.....#.###
// CHECK-NEXT: ......#.....#.##

// SHORT-LABEL: @three: 6 queries, 10 keys
// SHORT-NEXT: .#.###.#..
// SHORT-NEXT: ..#.###.#.
// SHORT-NEXT: ...#.###.#
// SHORT-NEXT: ....#.###.
// SHORT-NEXT: .....#.###
// SHORT-NEXT: #.....#.##

// LONG-LABEL: @three: 10 queries, 6 keys
// LONG-NEXT: .....#
// LONG-NEXT: #.....
// LONG-NEXT: .#....
// LONG-NEXT: #.#...
// LONG-NEXT: ##.#..
// LONG-NEXT: ###.#.
// LONG-NEXT: .###.#
// LONG-NEXT: #.###.
// LONG-NEXT: .#.###
// LONG-NEXT: ..#.##

sparse_attn.pattern @four {
  %p0 = sparse_attn.exponential base(4)
  sparse_attn.yield %p0
}

// CHECK-LABEL: @four: 16 queries, 16 keys
// CHECK-NEXT: ##..#...........
// CHECK-NEXT: ###..#..........
// CHECK-NEXT: .###..#.........
// CHECK-NEXT: ..###..#........
// CHECK-NEXT: #..###..#.......
// CHECK-NEXT: .#..###..#......
// CHECK-NEXT: ..#..###..#.....
// CHECK-NEXT: ...#..###..#....
// CHECK-NEXT: ....#..###..#...
// CHECK-NEXT: .....#..###..#..
// CHECK-NEXT: ......#..###..#.
// CHECK-NEXT: .......#..###..#
// CHECK-NEXT: ........#..###..
// CHECK-NEXT: .........#..###.
// CHECK-NEXT: ..........#..###
// CHECK-NEXT: ...........#..##

// SHORT-LABEL: @four: 6 queries, 10 keys
// SHORT-NEXT: #..###..#.
// SHORT-NEXT: .#..###..#
// SHORT-NEXT: ..#..###..
// SHORT-NEXT: ...#..###.
// SHORT-NEXT: ....#..###
// SHORT-NEXT: .....#..##

// LONG-LABEL: @four: 10 queries, 6 keys
// LONG-NEXT: #.....
// LONG-NEXT: .#....
// LONG-NEXT: ..#...
// LONG-NEXT: #..#..
// LONG-NEXT: ##..#.
// LONG-NEXT: ###..#
// LONG-NEXT: .###..
// LONG-NEXT: ..###.
// LONG-NEXT: #..###
// LONG-NEXT: .#..##

sparse_attn.pattern @seventeen {
  %p0 = sparse_attn.exponential base(17)
  sparse_attn.yield %p0
}

// CHECK-LABEL: @seventeen: 16 queries, 16 keys
// CHECK-NEXT: ##..............
// CHECK-NEXT: ###.............
// CHECK-NEXT: .###............
// CHECK-NEXT: ..###...........
// CHECK-NEXT: ...###..........
// CHECK-NEXT: ....###.........
// CHECK-NEXT: .....###........
// CHECK-NEXT: ......###.......
// CHECK-NEXT: .......###......
// CHECK-NEXT: ........###.....
// CHECK-NEXT: .........###....
// CHECK-NEXT: ..........###...
// CHECK-NEXT: ...........###..
// CHECK-NEXT: ............###.
// CHECK-NEXT: .............###
// CHECK-NEXT: ..............##

// SHORT-LABEL: @seventeen: 6 queries, 10 keys
// SHORT-NEXT: ...###....
// SHORT-NEXT: ....###...
// SHORT-NEXT: .....###..
// SHORT-NEXT: ......###.
// SHORT-NEXT: .......###
// SHORT-NEXT: ........##

// LONG-LABEL: @seventeen: 10 queries, 6 keys
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: ......
// LONG-NEXT: #.....
// LONG-NEXT: ##....
// LONG-NEXT: ###...
// LONG-NEXT: .###..
// LONG-NEXT: ..###.
// LONG-NEXT: ...###
// LONG-NEXT: ....##
