//===- DistancePredicate.cpp - Predicates of q - k alone ------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/DistancePredicate.h"
#include "dialect/Pattern.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Operation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include <limits>

using namespace mlir;
using namespace mlir::sparse_attn;

namespace {

/// Sums beyond this wrap in the 32 bits of a kernel, and a comparison of wrapped sums says nothing of their difference.
constexpr int64_t kLargestSum = std::numeric_limits<int32_t>::max();
constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max() / 4;

/// What is known of a value: `queries * q + keys * k + f(q - k)`, of at most `magnitude`; or nothing.
struct Form {
  bool known = false;
  int64_t queries = 0;
  int64_t keys = 0;
  int64_t magnitude = kUnbounded;

  bool isOfDistance() const { return known && queries == 0 && keys == 0; }
};

class FormAnalysis {
public:
  FormAnalysis(Region &predicate, int64_t modulo) {
    forms[predicate.getArgument(0)] = {true, 1, 0, kMaxPosition / modulo};
    forms[predicate.getArgument(1)] = {true, 0, 1, kMaxPosition / modulo};
    for (Operation &op : predicate.front().without_terminator())
      if (!op.hasTrait<OpTrait::ConstantLike>())
        for (Value result : op.getResults())
          forms[result] = formOf(&op);
  }

  Form lookup(Value value) const;

private:
  Form formOf(Operation *op) const;
  Form formOfSum(Value a, Value b, int64_t sign) const;
  Form formOfProduct(Value value, Value factor) const;
  Form formOfCast(arith::IndexCastOp cast) const;
  Form formOfComparison(Value a, Value b) const;

  llvm::DenseMap<Value, Form> forms;
};

/// Constants and values from outside the region are the same for all pairs; those of type index are captured
/// numbers.
Form FormAnalysis::lookup(Value value) const {
  auto found = forms.find(value);
  if (found != forms.end())
    return found->second;
  APInt constant;
  int64_t magnitude = value.getType().isIndex() ? kMaxPosition : kUnbounded;
  if (matchPattern(value, m_ConstantInt(&constant)) && constant.getSignificantBits() <= 32)
    magnitude = std::abs(constant.getSExtValue());
  return {true, 0, 0, magnitude};
}

Form FormAnalysis::formOfSum(Value a, Value b, int64_t sign) const {
  Form left = lookup(a), right = lookup(b);
  if (!left.known || !right.known)
    return {};
  Form sum{true, left.queries + sign * right.queries, left.keys + sign * right.keys,
           std::min(left.magnitude + right.magnitude, kUnbounded)};
  // What q and k with opposite coefficients add is a function of q - k.
  if (sum.queries + sum.keys == 0)
    sum.queries = sum.keys = 0;
  return sum;
}

/// A multiple, by a constant.
Form FormAnalysis::formOfProduct(Value value, Value factor) const {
  APInt constant;
  Form form = lookup(value);
  if (!form.known || !matchPattern(factor, m_ConstantInt(&constant)) || constant.getSignificantBits() > 31)
    return {};
  int64_t times = constant.getSExtValue();
  bool bounded = form.magnitude <= kLargestSum;
  return {true, times * form.queries, times * form.keys, bounded ? std::abs(times) * form.magnitude : kUnbounded};
}

/// Positions fit into 32 bits, and `index` is no wider in a kernel.
Form FormAnalysis::formOfCast(arith::IndexCastOp cast) const {
  Type narrow = cast.getType().isIndex() ? cast.getIn().getType() : cast.getType();
  return narrow.getIntOrFloatBitWidth() >= 32 ? lookup(cast.getIn()) : Form();
}

/// Where nothing wraps, a < b asks for the sign of b - a.
Form FormAnalysis::formOfComparison(Value a, Value b) const {
  bool exact = lookup(a).magnitude <= kLargestSum && lookup(b).magnitude <= kLargestSum;
  return exact && formOfSum(a, b, -1).isOfDistance() ? Form{true} : Form();
}

Form FormAnalysis::formOf(Operation *op) const {
  Form form =
      llvm::TypeSwitch<Operation *, Form>(op)
          .Case([&](arith::AddIOp sum) { return formOfSum(sum.getLhs(), sum.getRhs(), 1); })
          .Case([&](arith::SubIOp difference) { return formOfSum(difference.getLhs(), difference.getRhs(), -1); })
          .Case([&](arith::MulIOp product) { return formOfProduct(product.getLhs(), product.getRhs()); })
          .Case([&](arith::IndexCastOp cast) { return formOfCast(cast); })
          .Case([&](arith::CmpIOp compare) { return formOfComparison(compare.getLhs(), compare.getRhs()); })
          .Default([](Operation *) { return Form(); });
  if (form.known)
    return form;
  // Any function of functions of q - k is one.
  bool ofDistance = isPure(op) && llvm::all_of(op->getOperands(), [&](Value v) { return lookup(v).isOfDistance(); });
  return ofDistance ? Form{true} : Form();
}

} // namespace

bool sparse_attn::isDistancePredicate(Region &predicate, int64_t modulo) {
  FormAnalysis analysis(predicate, modulo);
  return analysis.lookup(predicate.front().getTerminator()->getOperand(0)).isOfDistance();
}
