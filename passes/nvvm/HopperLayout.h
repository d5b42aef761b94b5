//===- HopperLayout.h - Shared memory of an sm_90a kernel -------*- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_PASSES_NVVM_HOPPERLAYOUT_H
#define SPARSE_ATTN_PASSES_NVVM_HOPPERLAYOUT_H

#include "llvm/Support/MathExtras.h"
#include <cstdint>

namespace mlir::sparse_attn::nvvm {

/// Rows of a warpgroup's operand.
inline constexpr int64_t kGroupRows = 64;

/// Byte offsets in shared memory. Tiles are slabs of 64 columns, [rows][64], swizzled over 128 bytes, or of 32 where 64
/// does not divide the head size, swizzled over 64; wgmma takes whole slabs only, so that a head size is padded to a
/// multiple of 32, with columns of zeros. Slabs come first, as they need an alignment of 1024 bytes. The output, on its
/// way to global memory, has a place of its own, or takes that of the queries.
struct HopperLayout {
  HopperLayout(int64_t tileQ, int64_t tileK, int64_t headSize, int64_t stages, bool hasOutputPlace, int64_t tableBytes)
      : stages(stages), columns(llvm::alignTo(headSize, 32)), slabColumns(columns % 64 == 0 ? 64 : 32),
        rowBytes(2 * slabColumns), slabs(columns / slabColumns), querySlab(tileQ * rowBytes), keySlab(tileK * rowBytes),
        keys(slabs * querySlab), values(keys + stages * slabs * keySlab), hasOutputPlace(hasOutputPlace),
        output(hasOutputPlace ? values + stages * slabs * keySlab : 0),
        barriers(values + stages * slabs * keySlab + (hasOutputPlace ? slabs * querySlab : 0)),
        places(barriers + 8 * countBarriers()), item(places + 4 * stages), table(item + 8), bytes(table + tableBytes) {}

  /// Each is 8 bytes; those of the ring come once a stage.
  enum Barrier { QueriesFull, QueriesEmpty, ItemFull, ItemEmpty, RingBarriers };
  enum RingBarrier { KeysFull, KeysEmpty, ValuesFull, ValuesEmpty, RingKinds };

  int64_t countBarriers() const { return RingBarriers + RingKinds * stages; }
  int64_t getBarrier(Barrier barrier) const { return barriers + 8 * barrier; }
  /// Of stage 0.
  int64_t getRingBarrier(RingBarrier barrier) const { return barriers + 8 * (RingBarriers + barrier * stages); }
  int64_t getQueryBytes() const { return slabs * querySlab; }
  /// Of keys, and of values.
  int64_t getStageBytes() const { return slabs * keySlab; }

  int64_t stages;
  int64_t columns;     // of a tile, padded
  int64_t slabColumns; // of a slab
  int64_t rowBytes;    // of a slab's row, over which it is swizzled
  int64_t slabs;
  int64_t querySlab, keySlab; // bytes of a slab
  int64_t keys, values;       // the rings
  bool hasOutputPlace;
  int64_t output; // slabs like those of the queries; 0, where these are, without a place of its own
  int64_t barriers;
  int64_t places; // a word a stage: key tile << 1 | partial
  int64_t item;   // two words: the item's number, or -1 after the last, and its number of key tiles
  int64_t table;  // of the range cursor
  int64_t bytes;
};

} // namespace mlir::sparse_attn::nvvm

#endif // SPARSE_ATTN_PASSES_NVVM_HOPPERLAYOUT_H
