//===- DeviceStep.cpp - A step that an accelerator runs -------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceStep.h"

#include "CapturedContent.h"

#include <algorithm>

namespace sparse_attn {

namespace {

/// The elements of a captured array one behind another.
std::vector<uint8_t> packElements(const Value &array) {
  std::vector<uint8_t> packed;
  visitRows(array, [&](const void *elements, int64_t count) {
    auto bytes = static_cast<const uint8_t *>(elements);
    packed.insert(packed.end(), bytes, bytes + count * elementBytes(static_cast<DType>(array.dtype)));
  });
  return packed;
}

/// Numbers of tiles in the intervals of each row.
void countTiles(const std::vector<int64_t> &offsets, const std::vector<uint32_t> &intervals, size_t list,
                std::vector<uint32_t> &counts) {
  for (size_t row = 0; row + 1 < offsets.size(); ++row)
    for (int64_t i = offsets[row]; i < offsets[row + 1]; ++i)
      counts[2 * row + list] += intervals[static_cast<size_t>(2 * i + 1)];
}

const Value &arrayOf(const StepArrays &arrays, TensorBox::Array array) {
  switch (array) {
  case TensorBox::Array::Query:
    return arrays.query;
  case TensorBox::Array::Key:
    return arrays.key;
  case TensorBox::Array::Value:
    return arrays.value;
  case TensorBox::Array::Output:
    break;
  }
  return arrays.output;
}

bool isEmpty(const Value &array) {
  const int64_t *end = array.size + array.rank;
  return std::find(array.size, end, 0) != end;
}

} // namespace

//===----------------------------------------------------------------------===//
// Prepare
//===----------------------------------------------------------------------===//

DeviceStep::DeviceStep(std::shared_ptr<const Accelerator> accelerator, std::shared_ptr<const DeviceKernel> loaded,
                       const DeviceStepSource &source)
    : accelerator(std::move(accelerator)), loaded(std::move(loaded)), kernel(*source.kernel),
      code(*kernel.variants.front().device), layout(*source.layout), items(source.rows->order.items()),
      block(*source.block) {}

Result<std::unique_ptr<const StepLaunch>> DeviceStep::make(std::shared_ptr<const Accelerator> accelerator,
                                                           std::shared_ptr<const DeviceKernel> loaded,
                                                           const DeviceStepSource &source) {
  if (source.rows->order.items() > maxItems)
    return makeError(StatusCode::ShapeMismatch, "expects at most ", maxItems,
                     " query tiles of all batches and heads on a GPU, but got ", source.rows->order.items());
  std::unique_ptr<DeviceStep> step(new DeviceStep(std::move(accelerator), std::move(loaded), source));
  if (Status status = step->upload(source); !status.isOk())
    return status;
  return std::unique_ptr<const StepLaunch>(std::move(step));
}

Status DeviceStep::upload(const DeviceStepSource &source) {
  addCaptures(source);
  if (kernel.sequences)
    point(layout.sequences, memory.add(*source.sequences));
  if (kernel.schedule == KernelInfo::Schedule::Listed)
    addLists(source.rows->lists);
  block[layout.device + ItemCountWord] = static_cast<uint64_t>(items);
  addOrder(source.rows->order);
  // Each counter has a cache line of its own.
  if (code.persistent)
    point(layout.device + CounterWord, memory.addZeros(maxLaunches * DeviceMemory::alignment));
  if (Status status = memory.upload(*accelerator); !status.isOk())
    return status;
  for (const Pointer &pointer : pointers)
    block[pointer.word] = memory.address(pointer.offset);
  return {};
}

/// The device gets no pyramids, which only listing reads.
void DeviceStep::addCaptures(const DeviceStepSource &source) {
  for (size_t i = 0; i < source.captures.size(); ++i) {
    if (kernel.captures[i].pyramid)
      std::fill_n(block.begin() + static_cast<ptrdiff_t>(layout.pyramids[i]), pyramidWords, 0);
    if (kernel.captures[i].kind != ArgumentKind::Array)
      continue;
    const Value &array = source.captures[i];
    // Of an empty array, kernels read a zero.
    point(layout.captures[i], isEmpty(array) ? memory.addZeros(sizeof(uint64_t)) : memory.add(packElements(array)));
    if (array.rank > 1 && !isEmpty(array))
      writeCapture(&block[layout.captures[i]], makeArray(array.data, static_cast<DType>(array.dtype), shapeOf(array)));
  }
}

void DeviceStep::addLists(const RowLists &lists) {
  size_t word = layout.lists;
  point(word, memory.add(lists.partialOffsets));
  point(word + 1, memory.add(lists.partial));
  point(word + 2, memory.add(lists.fullOffsets));
  point(word + 3, memory.add(lists.full));
  if (lists.hasMasks()) {
    point(word + listWords, memory.add(lists.partialEntries));
    point(word + listWords + 1, memory.add(lists.partialWords));
  }
  size_t rows = lists.partialOffsets.empty() ? 0 : lists.partialOffsets.size() - 1;
  std::vector<uint32_t> counts(2 * rows);
  countTiles(lists.partialOffsets, lists.partial, 0, counts);
  countTiles(lists.fullOffsets, lists.full, 1, counts);
  point(layout.device + CountsWord, memory.add(counts));
}

void DeviceStep::addOrder(const ItemOrder &order) {
  if (order.isNatural())
    return;
  std::vector<uint32_t> itemAt(static_cast<size_t>(items));
  for (int64_t position = 0; position < items; ++position)
    itemAt[static_cast<size_t>(position)] = static_cast<uint32_t>(order.item(position));
  point(layout.device + OrderWord, memory.add(itemAt));
}

//===----------------------------------------------------------------------===//
// Launch
//===----------------------------------------------------------------------===//

int64_t DeviceStep::blocks() const {
  int64_t resident = int64_t(accelerator->multiprocessors()) * code.blocksPerMultiprocessor;
  return code.persistent ? std::min(items, resident) : items;
}

/// Where there are no keys, or no classes of a kind, their maps stay blank: no box is ever copied.
Status DeviceStep::encodeMaps(const StepArrays &arrays, TensorMap *maps) const {
  for (size_t i = 0; i < code.maps.size(); ++i) {
    const TensorBox &box = code.maps[i];
    const Value &array = arrayOf(arrays, box.array);
    maps[i] = {};
    TensorMapRequest request{array, box.rows, box.columns, box.reach, kernel.modulo};
    if (request.tile().isEmpty())
      continue;
    if (Status status = accelerator->encode(request, maps[i]); !status.isOk())
      return Status(status.code(), std::string(arrayName(box.array)) + ": " + status.message());
  }
  return {};
}

Status DeviceStep::run(const StepArrays &arrays, const LaunchResources &resources) const {
  if (items == 0)
    return {};
  uint64_t words[maxBlockWords];
  std::copy(block.begin(), block.end(), words);
  writeArrays(words, layout, arrays);
  if (code.persistent)
    words[layout.device + CounterWord] +=
        nextCounter.fetch_add(1, std::memory_order_relaxed) % maxLaunches * DeviceMemory::alignment;
  TensorMap maps[maxTensorMaps];
  if (Status status = encodeMaps(arrays, maps); !status.isOk())
    return status;
  return accelerator->launch(*loaded, blocks(), code.maps.empty() ? nullptr : maps, words, resources.stream);
}

} // namespace sparse_attn
