//===- Export.cpp - The command export ------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "MaskFiles.h"
#include "NpyOutput.h"

#include "support/Array.h"
#include "support/Check.h"

#include <iostream>
#include <optional>

namespace sparse_attn::tools::mask {

namespace {

/// Memory and file of one kind of list.
struct List {
  List(const std::string &prefix) : offsetFile(prefix + "_offsets.npy"), entryFile(prefix + ".npy") {}

  void allocate(const ListSizes &sizes, size_t bytes) {
    offsets.resize(sizes.offsetBytes);
    entries.resize(bytes);
  }

  void write(const ListOptions &options, const ListSizes &sizes, uint64_t count) {
    offsetFile.begin(options.offset == ListOffset::Bits32 ? "<u4" : "<i8", {static_cast<int64_t>(sizes.offsets)});
    offsetFile.append(offsets.data(), offsets.size());
    std::vector<int64_t> shape = {static_cast<int64_t>(count)};
    if (options.entry == ListEntry::Interval)
      shape.push_back(2);
    entryFile.begin(options.entry == ListEntry::Block16 ? "<u2" : "<u4", shape);
    entryFile.append(entries.data(), entries.size());
  }

  void commit() {
    offsetFile.commit();
    entryFile.commit();
  }

  NpyOutput offsetFile, entryFile;
  std::vector<uint8_t> offsets, entries;
};

/// The masks that are exported.
struct Exported {
  BlockMask active;
  std::optional<BlockMask> partial;

  const BlockMask *partialOrNull() const { return partial ? &*partial : nullptr; }
};

Exported readMasks(const Options &options) {
  auto read = [&](const std::string &path) {
    BlockMask mask = readMask(path, freezeOptions(options));
    return options.transpose ? mask.transpose(options.threads) : mask;
  };
  Exported masks{read(options.inputs[0]), std::nullopt};
  if (!options.partialFile.empty())
    masks.partial = read(options.partialFile);
  return masks;
}

/// The lists as files of a common prefix.
class ListFiles {
public:
  ListFiles(const std::string &prefix, bool hasPartial) : full(prefix + ".full") {
    if (hasPartial)
      partial.emplace(prefix + ".partial");
  }

  void write(const Exported &masks, const ListOptions &options) {
    ListSizes sizes = valueOf(listSizes(masks.active, masks.partialOrNull(), options));
    full.allocate(sizes, sizes.fullBytes);
    ListBuffers buffers{full.offsets.data(), full.entries.data()};
    if (partial) {
      partial->allocate(sizes, sizes.partialBytes);
      buffers.partialOffsets = partial->offsets.data();
      buffers.partial = partial->entries.data();
    }
    check(exportLists(masks.active, masks.partialOrNull(), options, buffers));
    full.write(options, sizes, sizes.full);
    if (partial)
      partial->write(options, sizes, sizes.partial);
    std::cout << "full     " << sizes.full << " entries, " << sizes.fullBytes + sizes.offsetBytes << " bytes\n";
    if (partial)
      std::cout << "partial  " << sizes.partial << " entries, " << sizes.partialBytes + sizes.offsetBytes << " bytes\n";
  }

  void commit() {
    full.commit();
    if (partial)
      partial->commit();
  }

private:
  List full;
  std::optional<List> partial;
};

void writeBlobFile(const Exported &masks, const Options &options, AtomicFile &file) {
  size_t bytes = valueOf(blobBytes(masks.active, masks.partialOrNull()));
  // Array is for its alignment.
  Array memory(DType::I32, Shape{1, {static_cast<int64_t>(bytes / sizeof(int32_t))}});
  check(writeBlob(masks.active, masks.partialOrNull(), memory.data(), bytes, options.threads));
  file.write(memory.data(), bytes);
  std::cout << "blob     " << bytes << " bytes\n";
}

} // namespace

ExitCode exportDeviceLists(const Options &options) {
  if (options.outputs.size() > 1 || (options.outputs.empty() && options.blob.empty()))
    fail("expects one -o PREFIX, --blob=FILE or both, but got ", options.outputs.size(), " times -o");
  std::optional<ListFiles> lists;
  std::optional<AtomicFile> blob;
  if (!options.outputs.empty())
    lists.emplace(options.outputs[0], !options.partialFile.empty());
  if (!options.blob.empty())
    blob.emplace(options.blob);
  Exported masks = readMasks(options);
  ListOptions listOptions = options.lists;
  listOptions.threads = options.threads;
  if (lists)
    lists->write(masks, listOptions);
  if (blob)
    writeBlobFile(masks, options, *blob);
  if (lists)
    lists->commit();
  if (blob)
    blob->commit();
  return Success;
}

} // namespace sparse_attn::tools::mask
