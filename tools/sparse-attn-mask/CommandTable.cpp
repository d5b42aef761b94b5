//===- CommandTable.cpp - The commands and their help ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include <limits>

namespace sparse_attn::tools::mask {

namespace {

constexpr size_t any = std::numeric_limits<size_t>::max();

const std::vector<Command> table = {
    {"create",
     "PATTERN.mlir|PATTERN.so|PAIRS.npy|MATRIX.npy|OFFSETS.npy COLUMNS.npy|SCORES.npy -o MASK",
     "make a mask from a pattern, from arrays or from scores",
     "Makes a mask file. What an array is, its dtype and shape tell:\n"
     "  integers [n, 2]           pairs of query block and key block, in any order\n"
     "  bool [queries, keys]      one element a pair of blocks\n"
     "  two arrays of integers    compressed rows: query blocks + 1 offsets, and the key blocks\n"
     "  float32 or float16 [..., query blocks, key blocks]\n"
     "                            scores; --top-k, --mass or both choose the best of each row\n"
     "A pattern is a function with attention in a module or an artifact; the mask has every block that its\n"
     "kernel reads. Arrays need --block, and a pattern --queries unless the function fixes its length.\n",
     1,
     2,
     {"-o",           "--block",         "--query-blocks", "--key-blocks",     "--queries",       "--keys",
      "--batches",    "--heads",         "--batch",        "--head",           "--function",      "--step",
      "--capture",    "--mask",          "--cpu",          "--write-partial",  "--top-k",         "--mass",
      "--keep-sinks", "--keep-diagonal", "--causal",       "--heads-per-mask", "--batches-share", "--representation",
      "--threads"},
     create},
    {"scores",
     "QUERIES.npy KEYS.npy -o SCORES.npy",
     "score blocks of queries against blocks of keys",
     "Writes float32 scores [batch, query heads, query blocks, key blocks] of arrays [batch, heads, length, head "
     "size],\n"
     "for `create --top-k` or `--mass`. With --causal, blocks that lie after the queries score -inf.\n",
     2,
     2,
     {"-o", "--block", "--method", "--causal", "--threads"},
     scores},
    {"info",
     "MASK",
     "print sizes, counts and how the mask is kept",
     "Prints the grid, the density, what rows are like, and how the runtime keeps the mask in memory.\n",
     1,
     1,
     {"--representation", "--json", "--threads"},
     info},
    {"convert",
     "MASK -o FILE",
     "write a mask as an array, as Roaring or in another way",
     "Writes a mask as\n"
     "  mask      a mask file; --representation roaring keeps every pair in Roaring bitmaps, terms-and-rows what\n"
     "            is structured in closed form\n"
     "  bool      .npy, bool [query blocks, key blocks]\n"
     "  coo       .npy, int32 [pairs, 2], in ascending order\n"
     "  csr       two .npy (give -o twice): int64 offsets [query blocks + 1], int32 key blocks [pairs]\n"
     "  roaring   one bitmap in the portable format of all values query block * 65536 + key block\n",
     1,
     1,
     {"-o", "--to", "--transpose", "--representation", "--threads"},
     convert},
    {"and",
     "MASK MASK... -o MASK",
     "the pairs that all masks have",
     "Writes the pairs that all masks have. Their grids must be the same.\n",
     2,
     any,
     {"-o", "--representation", "--threads"},
     intersect},
    {"or",
     "MASK MASK... -o MASK",
     "the pairs that one mask has at least",
     "Writes the pairs that one mask has at least. Their grids must be the same.\n",
     2,
     any,
     {"-o", "--representation", "--threads"},
     unite},
    {"andnot",
     "MASK MASK... -o MASK",
     "the pairs of the first mask that no other has",
     "Writes the pairs of the first mask that no other has. Their grids must be the same.\n",
     2,
     any,
     {"-o", "--representation", "--threads"},
     subtract},
    {"export",
     "MASK -o PREFIX",
     "write the lists that a kernel reads",
     "Writes PREFIX.full_offsets.npy and PREFIX.full.npy: row q has the entries full[offsets[q]:offsets[q + 1]].\n"
     "With --partial, those blocks are in PREFIX.partial_offsets.npy and PREFIX.partial.npy instead.\n",
     1,
     1,
     {"-o", "--partial", "--entry", "--offset", "--transpose", "--blob", "--threads"},
     exportDeviceLists},
    {"verify",
     "MASK...",
     "check mask files to the last byte",
     "Loads every file with all checks. Ends with exit code 1 where one is no good mask, and names the field.\n",
     1,
     any,
     {"--threads"},
     verify},
    {"plot",
     "MASK|PATTERN.mlir|PATTERN.so -o FILE.svg",
     "draw a mask, or a pattern directly, as SVG",
     "Draws which blocks are empty, partial (some pairs attend) and full (all do), with their numbers.\n"
     "A mask alone has no partial blocks; --partial tells them.\n",
     1,
     1,
     {"-o", "--block", "--queries", "--keys", "--batches", "--heads", "--batch", "--head", "--function", "--step",
      "--capture", "--mask", "--cpu", "--partial", "--cells", "--bare", "--threads"},
     plot},
    {"show",
     "MASK|PATTERN.mlir|PATTERN.so",
     "draw a small mask or pattern as text",
     "Prints a character a block: # full, + partial, . empty. Queries run down, keys to the right.\n",
     1,
     1,
     {"--block", "--queries", "--keys", "--batches", "--heads", "--batch", "--head", "--function", "--step",
      "--capture", "--mask", "--cpu", "--partial", "--threads"},
     show},
};

} // namespace

const std::vector<Command> &commands() { return table; }

} // namespace sparse_attn::tools::mask
