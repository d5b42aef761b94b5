//===- MaskCApi.cpp - The C interface of block masks --------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CApiSupport.h"
#include "sparse_attn/MaskFile.h"
#include "sparse_attn/MaskLists.h"

using namespace sparse_attn;
using namespace sparse_attn::capi;

namespace {

sparse_attn_block_range rangeOf(const BlockRange &range) { return {range.first, range.past}; }

sparse_attn_mask_band bandOf(const BandTerm &term) {
  return {term.queryFirst, term.queryPast, term.keyFirst, term.keyPast,
          term.lowest,     term.highest,   term.step,     term.phase};
}

sparse_attn_mask_stats statsOf(const BlockMask &mask) {
  MaskStats stats = mask.stats();
  return {static_cast<int32_t>(stats.representation),
          mask.density(),
          stats.terms,
          stats.storedRanges,
          stats.storedBlocks,
          stats.slabs,
          stats.heapBytes};
}

Status checkThreads(int32_t threads) {
  if (threads < 0)
    return makeError(StatusCode::InvalidArgument, "expects at least 0 threads, but got ", threads);
  return {};
}

Status listActiveBlocks(const BlockMask &mask, uint32_t q, const ListPlace<uint32_t> &place) {
  Result<bool> opened = place.open(mask.rowCount(q));
  if (opened.isOk() && *opened)
    mask.activeBlocks(q, place.list);
  return opened.status();
}

/// Needs the room of the shorter row to write in place.
Status listIntersection(const BlockMask &mask, uint32_t q1, uint32_t q2, const ListPlace<uint32_t> &place) {
  if (!place.list || !place.count)
    return place.open(mask.intersectionCount(q1, q2)).status();
  if (place.capacity < std::min(mask.rowCount(q1), mask.rowCount(q2)))
    return place.fill(mask.intersection(q1, q2), [](uint32_t block) { return block; });
  *place.count = mask.intersection(q1, q2, place.list);
  return {};
}

using Operation = Result<BlockMask> (*)(const BlockMask &, const BlockMask &, const FreezeOptions &);

sparse_attn_status combine(Operation operation, const sparse_attn_block_mask *a, const sparse_attn_block_mask *b,
                           const sparse_attn_freeze_options *options, sparse_attn_block_mask **result) {
  return make(result, {{a, "a mask"}, {b, "a second mask"}}, [&] {
    return withFreezeOptions(options, [&](const FreezeOptions &freeze) { return operation(a->mask, b->mask, freeze); });
  });
}

/// Calls load(MaskLoadOptions).
template <typename Load> Result<BlockMask> withLoadOptions(const sparse_attn_load_options *options, const Load &load) {
  return withFreezeOptions(options ? &options->freeze : nullptr, [&](const FreezeOptions &freeze) {
    MaskLoadOptions limits;
    limits.freeze = freeze;
    if (options && options->max_bytes != 0)
      limits.maxBytes = options->max_bytes;
    if (options && options->max_term_work != 0)
      limits.maxTermWork = options->max_term_work;
    return load(limits);
  });
}

Result<ListEntry> entryOf(int32_t entry) {
  switch (entry) {
  case SPARSE_ATTN_LIST_INTERVAL:
    return ListEntry::Interval;
  case SPARSE_ATTN_LIST_BLOCK16:
    return ListEntry::Block16;
  case SPARSE_ATTN_LIST_BLOCK32:
    return ListEntry::Block32;
  default:
    return makeError(StatusCode::InvalidArgument, "expects a list entry of 0 to 2, but got ", entry);
  }
}

Result<ListOptions> listOptions(const sparse_attn_list_options *options) {
  if (!options)
    return ListOptions();
  Result<ListEntry> entry = entryOf(options->entry);
  if (!entry.isOk())
    return entry.status();
  if (options->offset != SPARSE_ATTN_OFFSET32 && options->offset != SPARSE_ATTN_OFFSET64)
    return makeError(StatusCode::InvalidArgument, "expects a list offset of 0 or 1, but got ", options->offset);
  if (Status status = checkThreads(options->threads); !status.isOk())
    return status;
  return ListOptions{*entry, options->offset == SPARSE_ATTN_OFFSET64 ? ListOffset::Bits64 : ListOffset::Bits32,
                     options->threads};
}

const BlockMask *maskOrNull(const sparse_attn_block_mask *handle) { return handle ? &handle->mask : nullptr; }

} // namespace

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

void sparse_attn_mask_destroy(sparse_attn_block_mask *mask) { delete mask; }

sparse_attn_status sparse_attn_mask_get_grid(const sparse_attn_block_mask *mask, sparse_attn_mask_grid *grid) {
  return guard({{mask, "a mask"}, {grid, "a place for the grid"}}, [&] {
    const BlockGrid &sizes = mask->mask.grid();
    *grid = {sizes.queryBlocks, sizes.keyBlocks, sizes.queryBlockSize, sizes.keyBlockSize};
    return Status();
  });
}

uint64_t sparse_attn_mask_count(const sparse_attn_block_mask *mask) { return mask ? mask->mask.count() : 0; }

int32_t sparse_attn_mask_contains(const sparse_attn_block_mask *mask, uint32_t q, uint32_t k) {
  return mask && mask->mask.contains(q, k) ? 1 : 0;
}

sparse_attn_status sparse_attn_mask_row_count(const sparse_attn_block_mask *mask, uint32_t q, uint32_t *count) {
  return guard({{mask, "a mask"}, {count, "a place for the number"}}, [&] {
    *count = mask->mask.rowCount(q);
    return Status();
  });
}

sparse_attn_status sparse_attn_mask_active_blocks(const sparse_attn_block_mask *mask, uint32_t q, uint32_t *blocks,
                                                  size_t capacity, size_t *count) {
  return guard({{mask, "a mask"}}, [&] { return listActiveBlocks(mask->mask, q, ListPlace{blocks, capacity, count}); });
}

sparse_attn_status sparse_attn_mask_ranges(const sparse_attn_block_mask *mask, uint32_t q,
                                           sparse_attn_block_range *ranges, size_t capacity, size_t *count) {
  return guard({{mask, "a mask"}},
               [&] { return ListPlace{ranges, capacity, count}.fill(mask->mask.ranges(q), rangeOf); });
}

sparse_attn_status sparse_attn_mask_intersection(const sparse_attn_block_mask *mask, uint32_t q1, uint32_t q2,
                                                 uint32_t *blocks, size_t capacity, size_t *count) {
  return guard({{mask, "a mask"}},
               [&] { return listIntersection(mask->mask, q1, q2, ListPlace{blocks, capacity, count}); });
}

sparse_attn_status sparse_attn_mask_union_of_rows(const sparse_attn_block_mask *mask, uint32_t first, uint32_t past,
                                                  sparse_attn_block_range *ranges, size_t capacity, size_t *count) {
  return guard({{mask, "a mask"}},
               [&] { return ListPlace{ranges, capacity, count}.fill(mask->mask.unionOfRows(first, past), rangeOf); });
}

sparse_attn_status sparse_attn_mask_bands(const sparse_attn_block_mask *mask, sparse_attn_mask_band *bands,
                                          size_t capacity, size_t *count) {
  return guard({{mask, "a mask"}}, [&] { return ListPlace{bands, capacity, count}.fill(mask->mask.terms(), bandOf); });
}

sparse_attn_status sparse_attn_mask_get_stats(const sparse_attn_block_mask *mask, sparse_attn_mask_stats *stats) {
  return guard({{mask, "a mask"}, {stats, "a place for the stats"}}, [&] {
    *stats = statsOf(mask->mask);
    return Status();
  });
}

sparse_attn_status sparse_attn_mask_content_hash(const sparse_attn_block_mask *mask, sparse_attn_content_hash *hash) {
  return guard({{mask, "a mask"}, {hash, "a place for the hash"}}, [&] {
    ContentHash content = mask->mask.contentHash();
    *hash = {content.low, content.high};
    return Status();
  });
}

sparse_attn_status sparse_attn_mask_equal(const sparse_attn_block_mask *a, const sparse_attn_block_mask *b,
                                          int32_t *equal) {
  return guard({{a, "a mask"}, {b, "a second mask"}, {equal, "a place for the answer"}}, [&] {
    *equal = a->mask == b->mask ? 1 : 0;
    return Status();
  });
}

//===----------------------------------------------------------------------===//
// Algebra
//===----------------------------------------------------------------------===//

sparse_attn_status sparse_attn_mask_and(const sparse_attn_block_mask *a, const sparse_attn_block_mask *b,
                                        const sparse_attn_freeze_options *options, sparse_attn_block_mask **result) {
  return combine(conjunction, a, b, options, result);
}

sparse_attn_status sparse_attn_mask_or(const sparse_attn_block_mask *a, const sparse_attn_block_mask *b,
                                       const sparse_attn_freeze_options *options, sparse_attn_block_mask **result) {
  return combine(disjunction, a, b, options, result);
}

sparse_attn_status sparse_attn_mask_and_not(const sparse_attn_block_mask *a, const sparse_attn_block_mask *b,
                                            const sparse_attn_freeze_options *options,
                                            sparse_attn_block_mask **result) {
  return combine(difference, a, b, options, result);
}

sparse_attn_status sparse_attn_mask_transpose(const sparse_attn_block_mask *mask, int32_t threads,
                                              sparse_attn_block_mask **result) {
  return make(result, {{mask, "a mask"}}, [&]() -> Result<BlockMask> {
    if (Status status = checkThreads(threads); !status.isOk())
      return status;
    return mask->mask.transpose(threads);
  });
}

sparse_attn_status sparse_attn_mask_convert(const sparse_attn_block_mask *mask,
                                            const sparse_attn_freeze_options *options,
                                            sparse_attn_block_mask **result) {
  return make(result, {{mask, "a mask"}, {options, "options"}}, [&] {
    return withFreezeOptions(options,
                             [&](const FreezeOptions &freeze) { return mask->mask.withRepresentation(freeze); });
  });
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

const uint8_t *sparse_attn_bytes_data(const sparse_attn_bytes *bytes) { return bytes ? bytes->bytes.data() : nullptr; }
size_t sparse_attn_bytes_size(const sparse_attn_bytes *bytes) { return bytes ? bytes->bytes.size() : 0; }
void sparse_attn_bytes_destroy(sparse_attn_bytes *bytes) { delete bytes; }

sparse_attn_status sparse_attn_mask_save(const sparse_attn_block_mask *mask, const char *path) {
  return guard({{mask, "a mask"}, {path, "a path"}}, [&] { return saveMask(mask->mask, std::string(path)); });
}

sparse_attn_status sparse_attn_mask_save_buffer(const sparse_attn_block_mask *mask, sparse_attn_bytes **buffer) {
  return make(buffer, {{mask, "a mask"}}, [&]() -> Result<std::vector<uint8_t>> {
    std::vector<uint8_t> bytes;
    if (Status status = saveMask(mask->mask, bytes); !status.isOk())
      return status;
    return bytes;
  });
}

sparse_attn_status sparse_attn_mask_load(const char *path, const sparse_attn_load_options *options,
                                         sparse_attn_block_mask **mask) {
  return make(mask, {{path, "a path"}}, [&] {
    return withLoadOptions(options, [&](const MaskLoadOptions &limits) { return loadMask(std::string(path), limits); });
  });
}

sparse_attn_status sparse_attn_mask_load_buffer(const void *bytes, size_t size, const sparse_attn_load_options *options,
                                                sparse_attn_block_mask **mask) {
  return make(mask, {{bytes, "bytes"}}, [&] {
    return withLoadOptions(options, [&](const MaskLoadOptions &limits) { return loadMask(bytes, size, limits); });
  });
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

sparse_attn_status sparse_attn_mask_list_sizes(const sparse_attn_block_mask *active,
                                               const sparse_attn_block_mask *partial,
                                               const sparse_attn_list_options *options, sparse_attn_list_sizes *sizes) {
  return guard({{active, "a mask"}, {sizes, "a place for the sizes"}}, [&] {
    Result<ListOptions> form = listOptions(options);
    if (!form.isOk())
      return form.status();
    Result<ListSizes> found = listSizes(active->mask, maskOrNull(partial), *form);
    if (found.isOk())
      *sizes = {found->offsets, found->full, found->partial, found->offsetBytes, found->fullBytes, found->partialBytes};
    return found.status();
  });
}

sparse_attn_status sparse_attn_mask_export_lists(const sparse_attn_block_mask *active,
                                                 const sparse_attn_block_mask *partial,
                                                 const sparse_attn_list_options *options,
                                                 const sparse_attn_list_buffers *buffers) {
  return guard({{active, "a mask"}, {buffers, "buffers"}}, [&] {
    Result<ListOptions> form = listOptions(options);
    if (!form.isOk())
      return form.status();
    return exportLists(active->mask, maskOrNull(partial), *form,
                       {buffers->full_offsets, buffers->full, buffers->partial_offsets, buffers->partial});
  });
}

sparse_attn_status sparse_attn_mask_blob_bytes(const sparse_attn_block_mask *active,
                                               const sparse_attn_block_mask *partial, size_t *bytes) {
  return guard({{active, "a mask"}, {bytes, "a place for the size"}}, [&] {
    Result<size_t> size = blobBytes(active->mask, maskOrNull(partial));
    if (size.isOk())
      *bytes = *size;
    return size.status();
  });
}

sparse_attn_status sparse_attn_mask_write_blob(const sparse_attn_block_mask *active,
                                               const sparse_attn_block_mask *partial, void *out, size_t bytes,
                                               int32_t threads) {
  return guard({{active, "a mask"}}, [&] {
    if (Status status = checkThreads(threads); !status.isOk())
      return status;
    return writeBlob(active->mask, maskOrNull(partial), out, bytes, threads);
  });
}
