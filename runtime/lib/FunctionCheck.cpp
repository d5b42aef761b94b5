//===- FunctionCheck.cpp - Do the parts of a manifest agree? --------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FunctionCheck.h"

#include <optional>

namespace sparse_attn {

namespace {

/// Checks the steps of one function against its arguments, its arrays and the kernels.
class FunctionCheck {
public:
  FunctionCheck(const JsonNode &node, const FunctionInfo &function, const std::vector<KernelInfo> &kernels)
      : function(function), kernels(kernels), node(node), resultWritten(function.results.size()),
        bufferWritten(function.buffers.size()) {}

  void run() {
    JsonNode steps = node.member("steps");
    for (size_t i = 0; i < function.steps.size() && node.ok(); ++i)
      checkStep(steps.element(i), function.steps[i]);
    checkAllWritten("results", resultWritten);
    checkAllWritten("buffers", bufferWritten);
  }

private:
  void checkStep(const JsonNode &step, const Step &info) {
    const KernelInfo &kernel = kernels[info.kernels.front()];
    checkAlternatives(step.member("kernels"), info.kernels);
    checkRead(step.member("query"), info.query, kernel);
    checkRead(step.member("key"), info.key, kernel);
    checkRead(step.member("value"), info.value, kernel);
    checkCaptures(step.member("captures"), info.captures, kernel);
    if (info.sequences.any() != kernel.sequences)
      return step.fail("expects ", kernel.sequences ? "" : "no ", "lengths or offsets of sequences, as kernel '",
                       kernel.name, "' has, but got ", info.sequences.any() ? "some" : "none");
    if (kernel.sequences)
      checkSequences(step.member("sequences"), info.sequences);
    if (info.partial.has_value() != kernel.resumes)
      return step.fail("expects ", kernel.resumes ? "a" : "no", " partial result, as kernel '", kernel.name,
                       "' has, but got ", info.partial ? "one" : "none");
    if (info.partial)
      checkPartial(step.member("partial"), *info.partial, info, kernel);
    checkWritten(step.member("output"), info.output, kernel.dtype, 4, kernel.headSize);
    if (info.lse.has_value() != kernel.lse)
      step.fail("expects ", kernel.lse ? "a" : "no", " lse, as kernel '", kernel.name, "' has, but got ",
                info.lse ? "one" : "none");
    if (info.lse)
      checkWritten(step.member("lse"), *info.lse, DType::F32, 3, std::nullopt);
  }

  /// One kernel may stand for another only if they differ in nothing but their tiles.
  void checkAlternatives(const JsonNode &at, const std::vector<size_t> &numbers) {
    const KernelInfo &first = kernels[numbers.front()];
    for (size_t i = 1; i < numbers.size() && at.ok(); ++i) {
      const KernelInfo &other = kernels[numbers[i]];
      if (other.pattern != first.pattern || other.dtype != first.dtype || other.headSize != first.headSize ||
          other.scale != first.scale || other.lse != first.lse || other.resumes != first.resumes ||
          other.sequences != first.sequences ||
          other.variants.front().entries.score.has_value() != first.variants.front().entries.score.has_value() ||
          !(other.captures == first.captures))
        at.element(i).fail("expects a kernel that differs from '", first.name, "' in its tiles alone, but got '",
                           other.name, "'");
    }
  }

  /// What a step goes on from may be in the place of its own results, which then may be written again; but what else it
  /// reads must last until all of its items are done.
  void checkPartial(const JsonNode &at, const PartialResult &partial, const Step &step, const KernelInfo &kernel) {
    checkRead(at.member("output"), partial.output, kernel);
    checkRead(at.member("lse"), partial.lse, DType::F32, 3, std::nullopt);
    if (!node.ok())
      return;
    auto isSame = [](const Operand &a, const Operand &b) { return a.kind == b.kind && a.index == b.index; };
    auto release = [&](const Operand &from, const std::optional<Operand> &to) {
      bool isKept = isSame(from, step.query) || isSame(from, step.key) || isSame(from, step.value);
      if (to && from.kind != Operand::Kind::Argument && isSame(from, *to) && !isKept)
        flags(from)[from.index] = false;
    };
    release(partial.output, step.output);
    release(partial.lse, step.lse);
  }

  void checkSequences(const JsonNode &at, const SequenceOperands &sequences) {
    for (std::optional<size_t> argument :
         {sequences.queryLengths, sequences.keyLengths, sequences.queryOffsets, sequences.keyOffsets})
      if (argument)
        checkRead(at, {Operand::Kind::Argument, *argument}, DType::I32, 1, std::nullopt);
  }

  void checkRead(const JsonNode &at, const Operand &operand, const KernelInfo &kernel) {
    checkRead(at, operand, kernel.dtype, 4, kernel.headSize);
  }

  /// An array that a kernel reads is an argument or has been written before.
  void checkRead(const JsonNode &at, const Operand &operand, DType dtype, int32_t rank,
                 std::optional<int64_t> headSize) {
    if (operand.kind == Operand::Kind::Argument && function.arguments[operand.index].kind != ArgumentKind::Array)
      return at.fail("expects an array, but got ", kindName(function.arguments[operand.index].kind), " argument ",
                     operand.index);
    if (operand.kind != Operand::Kind::Argument && !written(operand))
      return at.fail("expects an array that an earlier step writes, but got number ", operand.index);
    checkType(at, type(operand), dtype, rank, headSize);
  }

  void checkWritten(const JsonNode &at, const Operand &operand, DType dtype, int32_t rank,
                    std::optional<int64_t> headSize) {
    if (operand.kind == Operand::Kind::Argument)
      return at.fail("expects a result or a buffer, but got argument ", operand.index);
    if (written(operand))
      return at.fail("expects an array that no other step writes, but got number ", operand.index);
    checkType(at, type(operand), dtype, rank, headSize);
    flags(operand)[operand.index] = true;
  }

  std::vector<bool> &flags(const Operand &operand) {
    return operand.kind == Operand::Kind::Result ? resultWritten : bufferWritten;
  }

  void checkCaptures(const JsonNode &at, const std::vector<size_t> &captures, const KernelInfo &kernel) {
    if (captures.size() != kernel.captures.size())
      return at.fail("expects ", kernel.captures.size(), " captures, but got ", captures.size());
    for (size_t i = 0; i < captures.size() && at.ok(); ++i) {
      const ArgumentInfo &argument = function.arguments[captures[i]];
      const CaptureInfo &capture = kernel.captures[i];
      if (argument.kind != capture.kind)
        at.element(i).fail("expects ", capture.kind == ArgumentKind::Array ? "an " : "a ", kindName(capture.kind),
                           ", but got argument '", argument.name, "'");
      else if (!(argument.block == capture.block))
        at.element(i).fail("expects a mask with blocks of ", capture.block.queries, " x ", capture.block.keys,
                           ", but got argument '", argument.name, "'");
      else if (capture.kind == ArgumentKind::Array)
        checkType(at.element(i), argument.array, capture.dtype, capture.rank, std::nullopt);
    }
  }

  void checkType(const JsonNode &at, const ArrayType &type, DType dtype, int32_t rank,
                 std::optional<int64_t> headSize) {
    if (type.dtype != dtype)
      return at.fail("expects an array of ", dtypeName(dtype), ", but got ", dtypeName(type.dtype));
    if (type.shape.rank != rank)
      return at.fail("expects an array of rank ", rank, ", but got ", type.shape.rank);
    if (headSize && type.shape.size[3] != dynamicSize && type.shape.size[3] != *headSize)
      return at.fail("expects head size ", *headSize, ", but got ", type.shape.size[3]);
  }

  void checkAllWritten(const char *what, const std::vector<bool> &written) {
    for (size_t i = 0; i < written.size() && node.ok(); ++i)
      if (!written[i])
        node.member(what).element(i).fail("expects a step that writes it, but got none");
  }

  bool written(const Operand &operand) const {
    return operand.kind == Operand::Kind::Result ? resultWritten[operand.index] : bufferWritten[operand.index];
  }

  const ArrayType &type(const Operand &operand) const {
    switch (operand.kind) {
    case Operand::Kind::Argument:
      return function.arguments[operand.index].array;
    case Operand::Kind::Result:
      return function.results[operand.index];
    case Operand::Kind::Buffer:
      break;
    }
    return function.buffers[operand.index];
  }

  const FunctionInfo &function;
  const std::vector<KernelInfo> &kernels;
  JsonNode node;
  std::vector<bool> resultWritten;
  std::vector<bool> bufferWritten;
};

} // namespace

void checkFunction(const JsonNode &node, const FunctionInfo &function, const std::vector<KernelInfo> &kernels) {
  FunctionCheck(node, function, kernels).run();
}

} // namespace sparse_attn
