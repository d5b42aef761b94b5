//===- PatternSyntax.h - Custom directives of the assembly formats *- C++ -*-===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPARSE_ATTN_DIALECT_PATTERNSYNTAX_H
#define SPARSE_ATTN_DIALECT_PATTERNSYNTAX_H

#include "mlir/IR/OpImplementation.h"
#include <optional>

namespace mlir::sparse_attn {

/// `64` or `%captured`.
ParseResult parseParameter(OpAsmParser &parser, std::optional<OpAsmParser::UnresolvedOperand> &captured,
                           IntegerAttr &constant);
void printParameter(OpAsmPrinter &printer, Operation *op, Value captured, IntegerAttr constant);

/// `64`, an i64 without its type.
ParseResult parseNumber(OpAsmParser &parser, IntegerAttr &number);
void printNumber(OpAsmPrinter &printer, Operation *op, IntegerAttr number);

/// `16, 32, 32`, one or more i64 without their type.
ParseResult parseNumbers(OpAsmParser &parser, DenseI64ArrayAttr &numbers);
void printNumbers(OpAsmPrinter &printer, Operation *op, DenseI64ArrayAttr numbers);

/// `causal(true, false, false)`; `causal` where all axes of `shape` are; or nothing.
ParseResult parseCausalAxes(OpAsmParser &parser, DenseBoolArrayAttr &causal, DenseI64ArrayAttr shape);
void printCausalAxes(OpAsmPrinter &printer, Operation *op, DenseBoolArrayAttr causal, DenseI64ArrayAttr shape);

/// `0.125`, an f64 without its type, in the fewest digits that read back equal.
ParseResult parseScale(OpAsmParser &parser, FloatAttr &scale);
void printScale(OpAsmPrinter &printer, Operation *op, FloatAttr scale);

/// `@packed_16x16, @packed_64x64`, one or more.
ParseResult parseSymbols(OpAsmParser &parser, ArrayAttr &symbols);
void printSymbols(OpAsmPrinter &printer, Operation *op, ArrayAttr symbols);

/// `: !sparse_attn.block_mask<16x16>`, or nothing for a mask of the default block.
ParseResult parseMaskType(OpAsmParser &parser, Type &type);
void printMaskType(OpAsmPrinter &printer, Operation *op, Type type);

/// `: memref<?x?xi32>`, or nothing for an array of rank 1.
ParseResult parseTableType(OpAsmParser &parser, Type &type);
void printTableType(OpAsmPrinter &printer, Operation *op, Type type);

/// `@packed` or `@packed(%ids, %n) : (memref<?xi32>, index)`.
ParseResult parsePatternUse(OpAsmParser &parser, FlatSymbolRefAttr &pattern,
                            SmallVectorImpl<OpAsmParser::UnresolvedOperand> &captures,
                            SmallVectorImpl<Type> &captureTypes);
void printPatternUse(OpAsmPrinter &printer, Operation *op, FlatSymbolRefAttr pattern, OperandRange captures,
                     TypeRange captureTypes);

/// `(%score, %b, %h, %q, %k) { ... }`.
ParseResult parseScoreRegion(OpAsmParser &parser, Region &score);
void printScoreRegion(OpAsmPrinter &printer, Operation *op, Region &score);

/// `type` or, with a log-sum-exp, `(type, type)`.
ParseResult parseAttentionResults(OpAsmParser &parser, Type &output, SmallVectorImpl<Type> &sums);
void printAttentionResults(OpAsmPrinter &printer, Operation *op, Type output, TypeRange sums);

} // namespace mlir::sparse_attn

#endif // SPARSE_ATTN_DIALECT_PATTERNSYNTAX_H
