//===- RowFragment.cpp - Scores and outputs in registers ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/nvvm/RowFragment.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;
using namespace mlir::sparse_attn::nvvm;

static constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// exp(scale * (s - m)) = 2^(scale * log2(e) * s - scale * log2(e) * m), one fused multiplication. It needs a positive
/// scale: the greatest score is then that of the greatest product, and -infinity stays so.
RowFragment::RowFragment(DeviceBuilder &b, double scale, bool asksForScores)
    : b(b), scale(static_cast<float>(scale)),
      exponent(static_cast<float>((asksForScores ? 1.0 : scale) * llvm::numbers::log2e)) {}

void RowFragment::modify(MutableArrayRef<Value> products, function_ref<Value(Value, int64_t, int64_t)> modify) {
  for (auto [index, product] : llvm::enumerate(products))
    product = modify(b.mulFloat(product, b.number(scale)), getFragmentRow(index), getFragmentColumn(index));
}

void RowFragment::mask(MutableArrayRef<Value> scores, function_ref<Value(int64_t row, int64_t column)> attends) {
  Value none = b.number(-kInfinity);
  for (auto [index, score] : llvm::enumerate(scores))
    score = b.select(attends(getFragmentRow(index), getFragmentColumn(index)), score, none);
}

/// Bit i of a word is whether score i of its 32 attends.
void RowFragment::maskInLoop(MutableArrayRef<Value> scores,
                             function_ref<Value(Value isSecondRow, Value column)> attends) {
  constexpr int64_t kWord = 32;
  Value none = b.number(-kInfinity);
  for (int64_t first = 0; first < static_cast<int64_t>(scores.size()); first += kWord) {
    MutableArrayRef<Value> part = scores.slice(first, std::min<size_t>(kWord, scores.size() - first));
    auto loop = scf::ForOp::create(b.builder, b.loc, b.integer(0), b.integer(part.size()), b.integer(1), b.integer(0),
                                   [&](OpBuilder &, Location, Value index, ValueRange word) {
                                     // As getFragmentRow and getFragmentColumn, of a value.
                                     Value isSecondRow = b.equal(b.both(b.shiftRight(index, 1), 1), 1);
                                     Value column = b.add(b.mul(b.shiftRight(index, 2), 8), b.both(index, 1));
                                     Value bit = b.extendUnsigned(
                                         attends(isSecondRow, b.add(column, getFragmentColumn(first))));
                                     scf::YieldOp::create(b.builder, b.loc, b.either(word[0], b.shiftLeft(bit, index)));
                                   });
    for (auto [index, score] : llvm::enumerate(part)) {
      Value bit = b.both(loop.getResult(0), b.integer(static_cast<int32_t>(1u << index)));
      score = b.select(b.equal(bit, 0), none, score);
    }
  }
}

SoftmaxState RowFragment::initState() {
  Value none = b.number(-kInfinity), zero = b.number(0);
  return {{none, none}, {zero, zero}};
}

Value RowFragment::combineRow(ArrayRef<Value> values, int64_t row, function_ref<Value(Value, Value)> combine) {
  SmallVector<Value> chains;
  for (auto [index, value] : llvm::enumerate(values))
    if (getFragmentRow(index) == row)
      chains.push_back(value);
  constexpr size_t kChains = 4;
  for (size_t i = kChains; i < chains.size(); ++i)
    chains[i % kChains] = combine(chains[i % kChains], chains[i]);
  Value result;
  for (Value chain : ArrayRef<Value>(chains).take_front(kChains))
    result = result ? combine(result, chain) : chain;
  return result;
}

/// The four lanes of a row are neighbours.
Value RowFragment::reduceRow(Value value, function_ref<Value(Value, Value)> combine) {
  for (int64_t distance : {1, 2})
    value = combine(value, b.shuffleXor(value, distance));
  return value;
}

RowPair RowFragment::softmax(MutableArrayRef<Value> scores, SoftmaxState &state) {
  auto max = [&](Value x, Value y) { return b.maxFloat(x, y); };
  auto sum = [&](Value x, Value y) { return b.addFloat(x, y); };
  Value factor = b.number(exponent), zero = b.number(0), none = b.number(-kInfinity);
  RowPair shift, correction;
  for (int64_t row = 0; row < 2; ++row) {
    Value newMax = max(reduceRow(combineRow(scores, row, max), max), state.rowMax[row]);
    // A row without any score so far: exp(-inf - -inf) is to be 0, not a NaN.
    Value finite = b.select(b.equalFloat(newMax, none), zero, newMax);
    shift[row] = b.mulFloat(finite, b.number(-exponent));
    correction[row] = b.exp2(b.fma(state.rowMax[row], factor, shift[row]));
    state.rowMax[row] = newMax;
  }
  for (auto [index, score] : llvm::enumerate(scores))
    score = b.exp2(b.fma(score, factor, shift[getFragmentRow(index)]));
  for (int64_t row = 0; row < 2; ++row)
    state.rowSum[row] = b.fma(state.rowSum[row], correction[row], combineRow(scores, row, sum));
  return correction;
}

void RowFragment::scaleRows(MutableArrayRef<Value> values, const RowPair &factors) {
  for (auto [index, value] : llvm::enumerate(values))
    value = b.mulFloat(value, factors[getFragmentRow(index)]);
}

SmallVector<Value> RowFragment::pack(ArrayRef<Value> values, Type elementType) {
  SmallVector<Value> words;
  for (size_t i = 0; i + 1 < values.size(); i += 2)
    words.push_back(b.packHalves(values[i + 1], values[i], elementType));
  return words;
}

RowPair RowFragment::maxima(const SoftmaxState &state) {
  Value factor = b.number(static_cast<float>(exponent * llvm::numbers::ln2));
  return {b.mulFloat(state.rowMax[0], factor), b.mulFloat(state.rowMax[1], factor)};
}

std::pair<RowPair, RowPair> RowFragment::finish(const SoftmaxState &state) {
  auto sum = [&](Value x, Value y) { return b.addFloat(x, y); };
  Value zero = b.number(0), none = b.number(-kInfinity), ln2 = b.number(static_cast<float>(llvm::numbers::ln2));
  RowPair inverse, lse;
  for (int64_t row = 0; row < 2; ++row) {
    Value total = reduceRow(state.rowSum[row], sum);
    Value isEmpty = b.equalFloat(total, zero);
    inverse[row] = b.select(isEmpty, zero, b.divFloat(b.number(1), total));
    Value log = b.fma(state.rowMax[row], b.number(exponent), b.log2(total));
    lse[row] = b.select(isEmpty, none, b.mulFloat(log, ln2));
  }
  return {inverse, lse};
}
