//===- StepPlan.cpp - One kernel prepared for its shapes ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StepPlan.h"

#include "CpuStep.h"
#include "DeviceKernels.h"
#include "DeviceStep.h"
#include "Sequences.h"
#include "sparse_attn/CpuFeatures.h"

#include <algorithm>

namespace sparse_attn {

namespace {

/// Numbers of the dimensions of query, key and value.
enum Dimension { Batch, Heads, Length, HeadSize };

int64_t divideUp(int64_t dividend, int64_t divisor) { return dividend / divisor + (dividend % divisor != 0 ? 1 : 0); }

/// The failure with the kernel's name in front.
Status inKernel(const KernelInfo &kernel, const Status &status) {
  return Status(status.code(), "kernel '" + kernel.name + "': " + status.message());
}

template <typename... Parts> Status mismatch(const KernelInfo &kernel, const Parts &...parts) {
  return makeError(StatusCode::ShapeMismatch, "kernel '", kernel.name, "': ", parts...);
}

Status checkLength(const KernelInfo &kernel, const char *what, int64_t length) {
  if (length > maxLength)
    return mismatch(kernel, "expects a ", what, " length of at most ", maxLength, ", but got ", length);
  return {};
}

Status checkHeads(const KernelInfo &kernel, int64_t queryHeads, int64_t keyHeads) {
  bool divides = keyHeads == 0 ? queryHeads == 0 : queryHeads % keyHeads == 0;
  if (!divides)
    return mismatch(kernel, "expects the number of query heads to be a multiple of the number of key heads, but got ",
                    queryHeads, " and ", keyHeads);
  return {};
}

/// Checks the sizes of a captured array against those of the batches, the query heads and the keys.
Status checkCapturedArray(const KernelInfo &kernel, size_t index, const Value &array, const Shape &query,
                          const Shape &key) {
  if (kernel.captures[index].ofScores) {
    for (int32_t i = 0; i < array.rank; ++i)
      if (Status status = checkLength(kernel, "captured", array.size[i]); !status.isOk())
        return status;
    return {};
  }
  if (array.rank >= 2 && array.size[Batch] != query.size[Batch])
    return mismatch(kernel, "expects captured array ", index, " to have one row for each of the ", query.size[Batch],
                    " batches, but got ", array.size[Batch]);
  if (array.rank == 3 && array.size[Heads] != query.size[Heads])
    return mismatch(kernel, "expects captured array ", index, " to have one row for each of the ", query.size[Heads],
                    " heads, but got ", array.size[Heads]);
  if (kernel.captures[index].perBatch && array.size[0] != query.size[Batch])
    return mismatch(kernel, "expects captured array ", index, " to have one element for each of the ",
                    query.size[Batch], " batches, but got ", array.size[0]);
  int64_t length = array.size[array.rank - 1];
  if (kernel.captures[index].form == ArrayForm::Tree && length > key.size[Length])
    return mismatch(kernel, "expects captured array ", index, " to have no more nodes than the ", key.size[Length],
                    " keys, but got ", length);
  return checkLength(kernel, "captured", length);
}

Status checkCapture(const KernelInfo &kernel, size_t index, const Value &value, const Shape &query, const Shape &key) {
  if (kernel.captures[index].kind == ArgumentKind::Mask)
    return {};
  if (value.rank > 0)
    return checkCapturedArray(kernel, index, value, query, key);
  if (value.scalar < kernel.captures[index].least)
    return makeError(StatusCode::InvalidArgument, "kernel '", kernel.name, "': expects captured number ", index,
                     " to be at least ", kernel.captures[index].least, ", but got ", value.scalar);
  return {};
}

} // namespace

Status StepPlan::checkShapes(const KernelInfo &kernel, const Shape &query, const Shape &key, const Shape &value) {
  const char *dimensions[] = {"batch", "heads", "length", "head size"};
  if (key.size[Batch] != query.size[Batch])
    return mismatch(kernel, "expects query and key to agree in batch, but got ", query.size[Batch], " and ",
                    key.size[Batch]);
  for (int i : {Batch, Heads, Length})
    if (value.size[i] != key.size[i])
      return mismatch(kernel, "expects key and value to agree in ", dimensions[i], ", but got ", key.size[i], " and ",
                      value.size[i]);
  for (const Shape *shape : {&query, &key, &value})
    if (shape->size[HeadSize] != kernel.headSize)
      return mismatch(kernel, "expects head size ", kernel.headSize, ", but got ", shape->size[HeadSize]);
  if (Status status = checkHeads(kernel, query.size[Heads], key.size[Heads]); !status.isOk())
    return status;
  if (Status status = checkLength(kernel, "query", query.size[Length]); !status.isOk())
    return status;
  return checkLength(kernel, "key", key.size[Length]);
}

Status StepPlan::checkCaptures(const KernelInfo &kernel, const Shape &query, const Shape &key, int64_t batches,
                               const std::vector<Value> &captures) {
  Shape items = query;
  items.size[Batch] = batches;
  for (size_t i = 0; i < captures.size(); ++i)
    if (Status status = checkCapture(kernel, i, captures[i], items, key); !status.isOk())
      return status;
  return {};
}

Result<StepMask> StepPlan::readMasks(const KernelInfo &kernel, size_t index, const Value &table, const Shape &query,
                                     const Shape &key, const std::vector<Sequence> &sequences) {
  const char *dimensions[] = {"batches", "heads"};
  StepMask mask{{}, table.size[0], table.size[1]};
  int64_t counts[] = {sequences.empty() ? query.size[Batch] : static_cast<int64_t>(sequences.size()),
                      query.size[Heads]};
  for (int i : {Batch, Heads})
    if (table.size[i] != 1 && table.size[i] != counts[i])
      return mismatch(kernel, "expects captured masks ", index, " for 1 or all of ", counts[i], " ", dimensions[i],
                      ", but got ", table.size[i]);
  const MaskBlock &block = kernel.captures[index].block;
  auto gridOf = [&](int64_t queries, int64_t keys) {
    return BlockGrid{static_cast<uint32_t>(divideUp(queries, block.queries)),
                     static_cast<uint32_t>(divideUp(keys, block.keys)), static_cast<uint32_t>(block.queries),
                     static_cast<uint32_t>(block.keys)};
  };
  std::vector<BlockGrid> expected; // by batch, or one for all
  for (const Sequence &sequence : sequences)
    expected.push_back(gridOf(sequence.queries, sequence.keys));
  if (sequences.empty())
    expected.push_back(gridOf(query.size[Length], key.size[Length]));
  // One mask for all is for sequences of one length only.
  auto findOther = [&](const BlockGrid &got, int64_t b) -> const BlockGrid * {
    size_t first = mask.batches == 1 || expected.size() == 1 ? 0 : static_cast<size_t>(b);
    size_t past = mask.batches == 1 ? expected.size() : first + 1;
    for (size_t i = first; i < past; ++i)
      if (got != expected[i])
        return &expected[i];
    return nullptr;
  };
  auto rows = static_cast<const BlockMask *const *>(table.data);
  for (int64_t b = 0; b < mask.batches; ++b)
    for (int64_t h = 0; h < mask.heads; ++h) {
      const BlockMask *entry = rows[b * table.stride[0] + h];
      if (!entry)
        return makeError(StatusCode::InvalidArgument, "kernel '", kernel.name, "': expects captured mask ", index,
                         " of batch ", b, ", head ", h, ", but got null");
      if (const BlockGrid *other = findOther(entry->grid(), b))
        return mismatch(kernel, "expects captured mask ", index, " to have ", *other, ", but got ", entry->grid());
      mask.masks.push_back(*entry);
    }
  return mask;
}

StepPlan::StepPlan(const KernelInfo &kernel, const Variant &variant, const Artifact &artifact, const StepArrays &arrays,
                   std::vector<StepCapture> captures, std::vector<Sequence> sequences)
    : artifact(&artifact), kernel(&kernel), variant(&variant),
      workEntry(reinterpret_cast<WorkEntry>(artifact.entry(variant.entries.work))),
      predicateEntry(reinterpret_cast<PredicateEntry>(artifact.entry(variant.entries.predicate))),
      scoreEntry(variant.entries.score ? reinterpret_cast<ScoreEntry>(artifact.entry(*variant.entries.score))
                                       : nullptr),
      tilesEntry(variant.entries.tiles ? reinterpret_cast<TilesEntry>(artifact.entry(*variant.entries.tiles))
                                       : nullptr),
      planEntry(variant.entries.plan ? reinterpret_cast<PlanEntry>(artifact.entry(*variant.entries.plan)) : nullptr),
      layout(kernel), query(shapeOf(arrays.query)), key(shapeOf(arrays.key)), sequences(std::move(sequences)),
      captures(std::move(captures)) {
  if (kernel.sequences) {
    Sequence longest = findLongest(this->sequences);
    query.size[Batch] = key.size[Batch] = static_cast<int64_t>(this->sequences.size());
    query.size[Length] = longest.queries;
    key.size[Length] = longest.keys;
    sequenceTable = makeSequenceTable(this->sequences);
  }
  for (const StepCapture &capture : this->captures)
    masks.push_back(capture.mask);
}

Result<std::unique_ptr<StepPlan>> StepPlan::analyse(const Artifact &artifact, const KernelInfo &kernel,
                                                    std::shared_ptr<const Accelerator> accelerator,
                                                    const StepArrays &arrays, std::vector<StepCapture> captures,
                                                    std::vector<Sequence> sequences,
                                                    std::shared_ptr<const PreparedRows> kept) {
  Result<const Variant *> variant = selectVariant(kernel, hostCpuFeatures());
  if (!variant.isOk())
    return variant.status();
  std::unique_ptr<StepPlan> step(
      new StepPlan(kernel, **variant, artifact, arrays, std::move(captures), std::move(sequences)));
  // First, so that no analysis is in vain.
  if (accelerator) {
    Result<std::shared_ptr<const DeviceKernel>> found = artifact.deviceKernels().load(accelerator, artifact, kernel);
    if (!found.isOk())
      return inKernel(kernel, found.status());
    step->loaded = std::move(*found);
    step->accelerator = std::move(accelerator);
  }
  if (Status status = step->measure(); !status.isOk())
    return inKernel(kernel, status);
  step->writeBlock(arrays);
  step->rows = std::move(kept);
  if (step->rows)
    step->writeLists(step->rows->lists);
  else if (Status status = step->prepareRows(); !status.isOk())
    return inKernel(kernel, status);
  return step;
}

StepChoice StepPlan::choice() const {
  const WorkCosts &costs = variant->costs;
  const TileCounts &tiles = rows->tiles;
  return {kernel, variant,
          costs.item * static_cast<double>(rows->order.items()) + costs.partial * static_cast<double>(tiles.partial) +
              costs.full * static_cast<double>(tiles.full)};
}

Status StepPlan::finish(std::vector<StepChoice> choices) {
  this->choices = std::move(choices);
  Result<std::unique_ptr<const StepLaunch>> made = makeLaunch();
  if (!made.isOk())
    return inKernel(*kernel, made.status());
  run = std::move(*made);
  return {};
}

Status StepPlan::measure() {
  grid.batch = query.size[Batch];
  grid.heads = query.size[Heads];
  int64_t queryTiles = divideUp(divideUp(query.size[Length], kernel->modulo), variant->tileQ);
  int64_t classes = std::min(query.size[Length], kernel->modulo);
  for (const Sequence &sequence : sequences)
    grid.batches.push_back({divideUp(divideUp(sequence.queries, kernel->modulo), variant->tileQ) *
                                std::min(sequence.queries, kernel->modulo),
                            divideUp(divideUp(sequence.keys, kernel->modulo), variant->tileK)});
  grid.perBatch = kernel->dependsOnBatch || kernel->sequences;
  grid.perHead = kernel->dependsOnHead;
  for (const StepMask &mask : masks) {
    grid.perBatch |= mask.batches > 1;
    grid.perHead |= mask.heads > 1;
  }
  keyTiles = divideUp(divideUp(key.size[Length], kernel->modulo), variant->tileK);
  int64_t product;
  if (__builtin_mul_overflow(queryTiles, classes, &grid.tiles) ||
      __builtin_mul_overflow(grid.batch, grid.heads, &product) ||
      __builtin_mul_overflow(product, grid.tiles, &product) || __builtin_mul_overflow(product, keyTiles, &product))
    return makeError(StatusCode::ShapeMismatch, "expects fewer than 2^63 tiles, but got ", grid.batch, " x ",
                     grid.heads, " x ", queryTiles, " x ", classes, " x ", keyTiles);
  if (grid.rows() > int64_t(UINT32_MAX))
    return makeError(StatusCode::ShapeMismatch, "expects at most ", UINT32_MAX,
                     " query tiles with a schedule of their own, but got ", grid.rows());
  return {};
}

void StepPlan::writeBlock(const StepArrays &arrays) {
  block.assign(layout.words, 0);
  writeArrays(block.data(), layout, arrays);
  if (kernel->sequences) {
    Shape shape{2, {static_cast<int64_t>(sequences.size()) + 1, sequenceColumns}};
    writeValue(&block[layout.sequences], makeArray(sequenceTable.data(), DType::I32, shape));
  }
  for (size_t i = 0; i < captures.size(); ++i) {
    if (kernel->captures[i].kind == ArgumentKind::Mask)
      continue;
    writeCapture(&block[layout.captures[i]], captures[i].value);
    if (const Pyramid *pyramid = captures[i].pyramid.get()) {
      uint64_t *words = &block[layout.pyramids[i]];
      words[0] = addressWord(pyramid->minima());
      words[1] = addressWord(pyramid->maxima());
      words[2] = static_cast<uint64_t>(pyramid->entries());
    }
  }
}

Status StepPlan::list(RowLists &lists) {
  if (!planEntry)
    return {};
  RowSource source{planEntry, &block, &layout, &masks, &sequences, query.size[Length], variant->tileQ, variant->tileK};
  Result<RowLists> listed = listRows(source, grid, keyTiles);
  if (!listed.isOk())
    return listed.status();
  lists = std::move(*listed);
  writeLists(lists);
  return {};
}

void StepPlan::writeLists(const RowLists &lists) {
  uint64_t *words = &block[layout.lists];
  words[0] = addressWord(lists.partialOffsets.data());
  words[1] = addressWord(lists.partial.data());
  words[2] = addressWord(lists.fullOffsets.data());
  words[3] = addressWord(lists.full.data());
  words[4] = static_cast<uint64_t>(grid.batchStride());
  words[5] = static_cast<uint64_t>(grid.headStride());
  if (lists.hasMasks()) {
    words[6] = addressWord(lists.partialEntries.data());
    words[7] = addressWord(lists.partialWords.data());
  }
}

Status StepPlan::prepareRows() {
  auto made = std::make_shared<PreparedRows>();
  if (Status status = list(made->lists); !status.isOk())
    return status;
  Result<WeighedItems> weighed = weighItems(workEntry, block.data(), grid, keyTiles);
  if (!weighed.isOk())
    return weighed.status();
  made->tiles = weighed->tiles;
  made->order = std::move(weighed->order);
  rows = std::move(made);
  return {};
}

Result<std::unique_ptr<const StepLaunch>> StepPlan::makeLaunch() {
  if (!accelerator) {
    auto items = reinterpret_cast<ItemsEntry>(artifact->entry(*variant->entries.items));
    return std::unique_ptr<const StepLaunch>(std::make_unique<CpuStep>(items, layout, block, rows->order));
  }
  DeviceStepSource source{kernel, &layout, &block, {}, &sequenceTable, rows.get()};
  for (const StepCapture &capture : captures)
    source.captures.push_back(capture.value);
  return DeviceStep::make(accelerator, loaded, source);
}

Status StepPlan::launch(const StepArrays &arrays, const LaunchResources &resources) const {
  Status status = run->run(arrays, resources);
  return status.isOk() ? status : inKernel(*kernel, status);
}

StepInfo StepPlan::info() const {
  return {kernel,
          variant,
          query,
          key,
          sequences,
          grid.items(),
          grid.perBatch,
          grid.perHead,
          rows->tiles,
          !rows->order.isNatural(),
          rows->lists.budgetExceeded,
          rows->lists.bytes(),
          run->deviceBytes(),
          choices};
}

Status StepPlan::checkItem(int64_t item) const {
  if (item < 0 || item >= grid.items())
    return makeError(StatusCode::InvalidArgument, "expects an item below ", grid.items(), ", but got ", item);
  return {};
}

Result<TileCounts> StepPlan::itemTiles(int64_t item) const {
  if (Status status = checkItem(item); !status.isOk())
    return status;
  if (!grid.exists(item))
    return TileCounts{0, 0, 0};
  return countTiles(workEntry, block.data(), item, keyTiles);
}

Status StepPlan::visitedTiles(int64_t item, std::vector<uint32_t> &partial, std::vector<uint32_t> &full) const {
  if (Status status = checkItem(item); !status.isOk())
    return status;
  if (!tilesEntry)
    return makeError(StatusCode::Unsupported, "kernel '", kernel->name,
                     "': expects an artifact whose kernels have the entry 'tiles', but got one without");
  if (!grid.exists(item)) {
    partial.clear();
    full.clear();
    return {};
  }
  partial.resize(static_cast<size_t>(keyTiles));
  full.resize(static_cast<size_t>(keyTiles));
  int64_t counts[2] = {0, 0};
  if (int32_t code = tilesEntry(block.data(), item, partial.data(), full.data(), counts); code != 0)
    return makeError(StatusCode::DeviceError, "expects the kernel to name its key tiles, but got error ", code);
  for (int64_t count : counts)
    if (count < 0 || count > keyTiles)
      return makeError(StatusCode::DeviceError, "expects the kernel to name at most ", keyTiles, " key tiles, but got ",
                       counts[0], " partial and ", counts[1], " full ones");
  partial.resize(static_cast<size_t>(counts[0]));
  full.resize(static_cast<size_t>(counts[1]));
  return {};
}

Status StepPlan::checkRow(int64_t b, int64_t h, int64_t row) const {
  int64_t coordinates[] = {b, h, row}, sizes[] = {query.size[Batch], query.size[Heads], query.size[Length]};
  for (int i : {Batch, Heads, Length}) {
    if (coordinates[i] < 0 || coordinates[i] >= sizes[i])
      return makeError(StatusCode::InvalidArgument, "expects coordinate ", i, " to be below ", sizes[i], ", but got ",
                       coordinates[i]);
    if (i == Batch && !sequences.empty())
      sizes[Length] = sequences[static_cast<size_t>(b)].queries;
  }
  return {};
}

Status StepPlan::predicate(int64_t b, int64_t h, int64_t row, uint8_t *attends) const {
  if (Status status = checkRow(b, h, row); !status.isOk())
    return status;
  RowMasks rowMasks(masks, layout, block);
  rowMasks.select(b, h, row, row + 1);
  if (int32_t code = predicateEntry(rowMasks.block(), b, h, row, attends); code != 0)
    return makeError(StatusCode::DeviceError, "expects the predicate to succeed, but got error ", code);
  return {};
}

Status StepPlan::modifyScores(int64_t b, int64_t h, int64_t row, float *scores) const {
  if (Status status = checkRow(b, h, row); !status.isOk())
    return status;
  if (!scoreEntry)
    return {};
  if (int32_t code = scoreEntry(block.data(), b, h, row, scores); code != 0)
    return makeError(StatusCode::DeviceError, "expects the score region to succeed, but got error ", code);
  return {};
}

} // namespace sparse_attn
