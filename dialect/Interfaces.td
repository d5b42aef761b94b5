//===- Interfaces.td - What passes may ask of a pattern ----*- tablegen -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_INTERFACES
#define SPARSE_ATTN_INTERFACES

include "mlir/IR/OpBase.td"

def PatternOpInterface : OpInterface<"PatternOpInterface"> {
  let cppNamespace = "::mlir::sparse_attn";
  let description = [{
    A pattern answers questions by *emitting IR*, so that one answer serves the compiler, the kernels and the analysis
    before the first launch. Passes ask these methods and never the name of an op.

    A new pattern owes either `buildKeyBands` (then predicate and coverage follow) or `buildPredicate`.
  }];
  let methods = [
    InterfaceMethod<[{
        Emits the definition: does query position `q` attend to key position `k`? Both are `index`; `q` is aligned.
        The default asks whether `k` lies in one of the bands of `q`.
      }], "::mlir::Value", "buildPredicate",
      (ins "::mlir::OpBuilder &":$builder, "const ::mlir::sparse_attn::PatternScope &":$scope, "::mlir::Value":$q,
           "::mlir::Value":$k), [{}], [{
        return ::mlir::sparse_attn::buildPredicateFromBands($_op, builder, scope, q, k);
      }]>,
    InterfaceMethod<[{
        Emits the keys of query `q` as a union of bands `[lo(q), hi(q))`, clipped to the existing keys by whoever uses
        them. Both bounds are non-decreasing in q. Fails when the pattern is no such union.
      }], "::mlir::LogicalResult", "buildKeyBands",
      (ins "::mlir::OpBuilder &":$builder, "const ::mlir::sparse_attn::PatternScope &":$scope, "::mlir::Value":$q,
           "::llvm::SmallVectorImpl<::mlir::sparse_attn::Band> &":$bands), [{}], [{ return ::mlir::failure(); }]>,
    InterfaceMethod<[{
        Emits two i1 for the rectangle of existing positions `span`: may some pair attend, do all pairs attend?
        `(true, false)` is always a safe answer. The default follows from the bands.
      }], "::mlir::sparse_attn::Coverage", "buildCoverage",
      (ins "::mlir::OpBuilder &":$builder, "const ::mlir::sparse_attn::PatternScope &":$scope,
           "const ::mlir::sparse_attn::Span &":$span), [{}], [{
        return ::mlir::sparse_attn::buildCoverageFromBands($_op, builder, scope, span);
      }]>,
    InterfaceMethod<[{
        What the pattern's truth varies with besides the positions.
      }], "::mlir::sparse_attn::Dependence", "getDependence", (ins), [{}], [{
        return ::mlir::sparse_attn::Dependence();
      }]>,
    InterfaceMethod<[{
        The blocks, in queries and keys, on which the pattern's truth is constant; zeros where there are none. Tiles
        that fit them are visited whole or not at all.
      }], "::mlir::sparse_attn::BlockSizes", "getBlockSizes", (ins), [{}], [{
        return ::mlir::sparse_attn::BlockSizes();
      }]>,
    InterfaceMethod<[{
        The pattern's numbers that may be captured, and the least value of each: what a constant is verified against, and
        a captured one when the plan is made.
      }], "::llvm::SmallVector<::mlir::sparse_attn::Parameter>", "getParameters", (ins), [{}], [{ return {}; }]>,
    InterfaceMethod<[{
        What the pattern relies on in the arrays that it captures; arrays of which nothing is said may hold anything.
      }], "::llvm::SmallVector<::mlir::sparse_attn::ArrayDemand>", "getArrayDemands", (ins), [{}], [{ return {}; }]>
  ];
}

def IntervalOpInterface : OpInterface<"IntervalOpInterface"> {
  let cppNamespace = "::mlir::sparse_attn";
  let description = [{
    The interval extension of a scalar op: given intervals that hold the operands, an interval that holds the result.
    Attached to the arith ops that a `predicate` is written with, from outside. An op without it gives the safe answer.
  }];
  let methods = [
    InterfaceMethod<[{
        Emits an interval of the result. `operands` are in operand order; all bounds are i64 (integers, indices) or i1
        (conditions: lo = must, hi = may).
      }], "::std::optional<::mlir::sparse_attn::Interval>", "extendToInterval",
      (ins "::mlir::OpBuilder &":$builder, "::llvm::ArrayRef<::mlir::sparse_attn::Interval>":$operands)>
  ];
}

def AttendOpInterface : OpInterface<"AttendOpInterface"> {
  let cppNamespace = "::mlir::sparse_attn";
  let description = [{
    An op about the pairs of queries and keys that a pattern holds for, and their scores: attention, or what follows from
    its weights. A kernel is made for each of its schedules.
  }];
  let methods = [
    InterfaceMethod<"Queries, [batch, heads, length, head size].", "::mlir::Value", "getQuery">,
    InterfaceMethod<"Keys, of the same rank.", "::mlir::Value", "getKey">,
    InterfaceMethod<"The name of the pattern.", "::llvm::StringRef", "getPattern">,
    InterfaceMethod<"What the pattern captures.", "::mlir::OperandRange", "getCaptures">,
    InterfaceMethod<"What all pairs lie a multiple of apart.", "uint64_t", "getModulo">,
    InterfaceMethod<"The factor on the scores.", "double", "getScaleOrDefault">,
    InterfaceMethod<"What becomes of the scores; empty where they stay.", "::mlir::Region &", "getScore">,
    InterfaceMethod<"What that region captures.", "::llvm::SmallVector<::mlir::Value>", "getScoreCaptures">,
    InterfaceMethod<"The names of the schedules; null before there are any.", "::mlir::ArrayAttr", "getSchedulesAttr">,
    InterfaceMethod<"Sets them.", "void", "setSchedulesAttr", (ins "::mlir::ArrayAttr":$schedules)>
  ];
}

#endif // SPARSE_ATTN_INTERFACES
