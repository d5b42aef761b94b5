//===- RowProducer.cpp - Where the rows of a new mask come from -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mask/RowProducer.h"

namespace sparse_attn::mask {

RowSink::~RowSink() = default;

RowProducer::~RowProducer() = default;

namespace {

class StoreRows final : public RowProducer {
public:
  StoreRows(const MaskStore &store, RowPart part) : store(store), part(part), reader(store, part) {}

  bool hasRows(uint32_t first, uint32_t past) override { return mayHaveRows(store, part, first, past); }

  void produce(uint32_t q, RowSink &sink) override {
    RowPiece piece;
    for (reader.start(q); reader.next(piece);)
      sink.add(piece);
  }

private:
  const MaskStore &store;
  RowPart part;
  RowReader reader;
};

class NoRows final : public RowProducer {
public:
  bool hasRows(uint32_t, uint32_t) override { return false; }
  void produce(uint32_t, RowSink &) override {}
};

} // namespace

RowSource noRows() {
  return [] { return std::make_unique<NoRows>(); };
}

RowSource rowsOf(const MaskStore &store, RowPart part) {
  return [&store, part] { return std::make_unique<StoreRows>(store, part); };
}

} // namespace sparse_attn::mask
