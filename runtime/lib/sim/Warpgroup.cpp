//===- Warpgroup.cpp - Asynchronous products of a warpgroup ---------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/Warpgroup.h"

#include "sim/MatrixDescriptor.h"
#include "sim/Products.h"
#include "sparse_attn/NumericTypes.h"

#include <cstring>

namespace sparse_attn::sim {

namespace {

constexpr size_t depth = Products::depth;

/// A signalling NaN: 15 bits name the product, from 1, and 7 the element of the thread.
struct Token {
  static constexpr uint32_t mark = 0x7f800000, markMask = 0xffc00000;
  static constexpr int32_t slots = (1 << 15) - 1;

  static uint32_t make(int32_t slot, size_t element) {
    return mark | static_cast<uint32_t>(slot + 1) << 7 | static_cast<uint32_t>(element);
  }
  /// The slot that a number names, or -1 where it is not a token.
  static int32_t slot(float value) {
    uint32_t bits = bitsOfFloat(value);
    return (bits & markMask) == mark ? static_cast<int32_t>(bits >> 7 & 0x7fff) - 1 : -1;
  }
  static size_t element(float value) { return bitsOfFloat(value) & 0x7f; }
};

/// The place in a row-major result of a pair of elements of a thread.
size_t placeOfPair(int32_t thread, size_t pair, size_t columns) {
  size_t lane = static_cast<size_t>(thread % 32), warp = static_cast<size_t>(thread / 32);
  size_t row = 16 * warp + lane / 4 + 8 * (pair % 2), column = 8 * (pair / 2) + 2 * (lane % 4);
  return row * columns + column;
}

/// Four words of a thread hold pairs of row lane / 4 or 8 below it, of the first 8 of the depth or the others.
void placeWords(int32_t thread, const uint32_t *words, uint16_t *a) {
  size_t lane = static_cast<size_t>(thread % 32), warp = static_cast<size_t>(thread / 32);
  for (size_t i = 0; i < 4; ++i)
    std::memcpy(a + (16 * warp + lane / 4 + 8 * (i % 2)) * depth + 8 * (i / 2) + 2 * (lane % 4), words + i, 4);
}

/// [rows][16] as [16][rows].
void transposeRows(const uint16_t *from, size_t rows, uint16_t *to) {
  for (size_t row = 0; row < rows; ++row)
    for (size_t k = 0; k < depth; ++k)
      to[k * rows + row] = from[row * depth + k];
}

} // namespace

bool Warpgroup::Request::operator==(const Request &other) const {
  return columns == other.columns && add == other.add && transposed == other.transposed && bfloat16 == other.bfloat16 &&
         fromWords == other.fromWords && b == other.b && (fromWords || a == other.a);
}

void Warpgroup::reset() {
  rendezvous.reset();
  pending.clear();
  fenced = false;
  current = none;
  freeSlots.clear();
  for (size_t slot = products.size(); slot > 0; --slot) {
    products[slot - 1].state = State::Free;
    freeSlots.push_back(static_cast<int32_t>(slot - 1));
  }
}

Status Warpgroup::snapshot(const Request &request, std::vector<uint16_t> &to) const {
  size_t columns = static_cast<size_t>(request.columns);
  to.resize(depth * (columns + (request.fromWords ? 0 : rows)));
  if (Status status = MatrixDescriptor(request.b).gather(shared, columns, request.transposed, to.data());
      !status.isOk())
    return status;
  return request.fromWords ? Status()
                           : MatrixDescriptor(request.a).gather(shared, rows, false, to.data() + depth * columns);
}

Status Warpgroup::open(const Request &request) {
  if (request.columns < 8 || request.columns > 256 || request.columns % 8 != 0)
    return makeError(StatusCode::DeviceError, "expects a multiple of 8 from 8 to 256 as columns of a product, but got ",
                     request.columns);
  if (!fenced)
    return makeError(StatusCode::DeviceError, "race: expects warpgroup_fence between warpgroup_wait, or the start, and "
                                              "warpgroup_multiply, but got a multiply without a fence");
  if (freeSlots.empty()) {
    if (products.size() == Token::slots)
      return makeError(StatusCode::DeviceError, "expects at most ", int32_t(Token::slots),
                       " products whose results are not fetched, but got one more");
    freeSlots.push_back(static_cast<int32_t>(products.size()));
    products.emplace_back();
  }
  current = freeSlots.back();
  freeSlots.pop_back();
  Product &product = products[static_cast<size_t>(current)];
  product.state = State::Pending;
  product.request = request;
  product.chained = none;
  product.continued = false;
  product.undelivered = rows * static_cast<size_t>(request.columns);
  product.result.resize(product.undelivered);
  product.words.resize(request.fromWords ? rows * depth : 0);
  return {};
}

Status Warpgroup::checkChain(const Product &product, int32_t previous, const float *accumulator, size_t count) const {
  const Product *other =
      static_cast<size_t>(previous) < products.size() ? &products[static_cast<size_t>(previous)] : nullptr;
  bool matches = other != nullptr && other->state != State::Free && other->request.columns == product.request.columns;
  for (size_t i = 0; i < count; ++i)
    matches &= Token::slot(accumulator[i]) == previous && Token::element(accumulator[i]) == i;
  if (!matches)
    return makeError(StatusCode::DeviceError,
                     "race: expects an accumulator of numbers, or of all results of one "
                     "multiply in their order, but got other results that were not waited for");
  return {};
}

Status Warpgroup::takeAccumulator(Product &product, int32_t index, float *accumulator) {
  size_t columns = static_cast<size_t>(product.request.columns), count = columns / 2;
  int32_t previous = none;
  for (size_t i = 0; i < count && product.request.add && previous == none; ++i)
    previous = Token::slot(accumulator[i]);
  if (previous != none)
    if (Status status = checkChain(product, previous, accumulator, count); !status.isOk())
      return status;
  if (rendezvous.isEmpty())
    product.chained = previous;
  if (product.chained != previous)
    return makeError(StatusCode::DeviceError,
                     "race: expects all threads of a warpgroup to add to one multiply, but got "
                     "different accumulators");
  for (size_t pair = 0; pair < count / 2; ++pair) {
    float *sum = product.result.data() + placeOfPair(index, pair, columns);
    for (size_t i = 0; i < 2; ++i) {
      sum[i] = product.request.add ? accumulator[2 * pair + i] : 0;
      uint32_t token = Token::make(current, 2 * pair + i);
      std::memcpy(accumulator + 2 * pair + i, &token, sizeof(token));
    }
  }
  return {};
}

Status Warpgroup::multiply(Thread &thread, const Request &request, float *accumulator, const uint32_t *words) {
  if (Status status = rendezvous.check(Call::warpgroup_multiply); !status.isOk())
    return status;
  if (rendezvous.isEmpty())
    if (Status status = open(request); !status.isOk())
      return status;
  Product &product = products[static_cast<size_t>(current)];
  if (!(product.request == request))
    return makeError(StatusCode::DeviceError,
                     "expects all threads of a warpgroup to multiply the same matrices, but got different arguments");
  int32_t index = thread.index % Thread::warpgroupSize;
  if (Status status = takeAccumulator(product, index, accumulator); !status.isOk())
    return status;
  if (request.fromWords)
    placeWords(index, words, product.words.data());
  return rendezvous.meet(thread, Call::warpgroup_multiply, 0, [&] {
    Product &complete = products[static_cast<size_t>(current)];
    if (complete.chained != none) {
      bool &continued = products[static_cast<size_t>(complete.chained)].continued;
      if (continued)
        return makeError(StatusCode::DeviceError,
                         "race: expects one multiply to add to the results of a pending one, but got a second");
      continued = true;
    }
    pending.issue(current);
    return snapshot(complete.request, complete.shared);
  });
}

Status Warpgroup::fence(Thread &thread) {
  return rendezvous.meet(thread, Call::warpgroup_fence, 0, [this] {
    fenced = true;
    return Status();
  });
}

Status Warpgroup::commit(Thread &thread) {
  return rendezvous.meet(thread, Call::warpgroup_commit, 0, [this] {
    pending.commit();
    return Status();
  });
}

Status Warpgroup::compute(int32_t slot) {
  Product &product = products[static_cast<size_t>(slot)];
  size_t columns = static_cast<size_t>(product.request.columns);
  if (Status status = snapshot(product.request, scratch); !status.isOk())
    return status;
  if (scratch != product.shared)
    return makeError(StatusCode::DeviceError,
                     "race: the operands of a warpgroup_multiply in shared memory changed before warpgroup_wait");
  if (product.chained != none) {
    product.result.swap(products[static_cast<size_t>(product.chained)].result);
    release(product.chained);
  }
  const uint16_t *a = product.request.fromWords ? product.words.data() : scratch.data() + depth * columns;
  const uint16_t *b = scratch.data();
  if (!product.request.transposed) {
    // The snapshot is no longer needed; its room is.
    transposeRows(b, columns, product.shared.data());
    b = product.shared.data();
  }
  wideA.resize(rows * depth);
  wideB.resize(columns * depth);
  const Products &with = sim::products();
  with.widen(a, wideA.data(), wideA.size(), product.request.bfloat16);
  with.widen(b, wideB.data(), wideB.size(), product.request.bfloat16);
  with.multiplyAdd(wideA.data(), wideB.data(), product.result.data(), rows, columns);
  product.state = State::Finished;
  return {};
}

void Warpgroup::release(int32_t slot) {
  products[static_cast<size_t>(slot)].state = State::Free;
  freeSlots.push_back(slot);
}

void Warpgroup::deliver(int32_t index, float *values, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    int32_t slot = Token::slot(values[i]);
    if (slot == none || static_cast<size_t>(slot) >= products.size())
      continue;
    Product &product = products[static_cast<size_t>(slot)];
    size_t element = Token::element(values[i]), columns = static_cast<size_t>(product.request.columns);
    if (product.state != State::Finished || product.continued || element >= columns / 2)
      continue;
    values[i] = product.result[placeOfPair(index, element / 2, columns) + element % 2];
    if (--product.undelivered == 0)
      release(slot);
  }
}

Status Warpgroup::wait(Thread &thread, float *values, int32_t count, int32_t allowed) {
  if (allowed < 0 || count < 0)
    return makeError(StatusCode::DeviceError,
                     "expects to wait with no less than 0 values for no less than 0 groups, "
                     "but got ",
                     count, " and ", allowed);
  Status status = rendezvous.meet(thread, Call::warpgroup_wait, allowed, [this, allowed] {
    fenced = false;
    return pending.wait(static_cast<size_t>(allowed), [this](int32_t slot) { return compute(slot); });
  });
  if (status.isOk())
    deliver(thread.index % Thread::warpgroupSize, values, static_cast<size_t>(count));
  return status;
}

} // namespace sparse_attn::sim
