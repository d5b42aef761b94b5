//===- PatternSyntax.cpp - Custom directives of the assembly formats ------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/PatternSyntax.h"
#include "dialect/SparseAttn.h"
#include "mlir/IR/Builders.h"
#include <charconv>

namespace mlir::sparse_attn {

ParseResult parseParameter(OpAsmParser &parser, std::optional<OpAsmParser::UnresolvedOperand> &captured,
                           IntegerAttr &constant) {
  OpAsmParser::UnresolvedOperand operand;
  OptionalParseResult parsed = parser.parseOptionalOperand(operand);
  if (!parsed.has_value())
    return parseNumber(parser, constant);
  captured = operand;
  return *parsed;
}

void printParameter(OpAsmPrinter &printer, Operation *op, Value captured, IntegerAttr constant) {
  if (captured)
    printer << captured;
  else if (constant)
    printNumber(printer, op, constant);
}

ParseResult parseNumber(OpAsmParser &parser, IntegerAttr &number) {
  int64_t value;
  if (parser.parseInteger(value))
    return failure();
  number = parser.getBuilder().getI64IntegerAttr(value);
  return success();
}

void printNumber(OpAsmPrinter &printer, Operation *op, IntegerAttr number) { printer << number.getInt(); }

ParseResult parseNumbers(OpAsmParser &parser, DenseI64ArrayAttr &numbers) {
  SmallVector<int64_t> values;
  if (parser.parseCommaSeparatedList([&] { return parser.parseInteger(values.emplace_back()); }))
    return failure();
  numbers = parser.getBuilder().getDenseI64ArrayAttr(values);
  return success();
}

void printNumbers(OpAsmPrinter &printer, Operation *op, DenseI64ArrayAttr numbers) {
  llvm::interleaveComma(numbers.asArrayRef(), printer);
}

static ParseResult parseBoolean(OpAsmParser &parser, bool &value) {
  StringRef keyword;
  if (parser.parseOptionalKeyword(&keyword, {"true", "false"}))
    return parser.emitError(parser.getCurrentLocation(), "expects true or false");
  value = keyword == "true";
  return success();
}

ParseResult parseCausalAxes(OpAsmParser &parser, DenseBoolArrayAttr &causal, DenseI64ArrayAttr shape) {
  if (failed(parser.parseOptionalKeyword("causal")))
    return success();
  SmallVector<bool> axes(shape.size(), true);
  if (succeeded(parser.parseOptionalLParen())) {
    axes.clear();
    if (parser.parseCommaSeparatedList([&] { return parseBoolean(parser, axes.emplace_back()); }) ||
        parser.parseRParen())
      return failure();
  }
  causal = parser.getBuilder().getDenseBoolArrayAttr(axes);
  return success();
}

void printCausalAxes(OpAsmPrinter &printer, Operation *op, DenseBoolArrayAttr causal, DenseI64ArrayAttr shape) {
  if (!causal)
    return;
  printer << " causal";
  if (causal.size() == shape.size() && llvm::all_of(causal.asArrayRef(), [](bool axis) { return axis; }))
    return;
  printer << '(';
  llvm::interleaveComma(causal.asArrayRef(), printer, [&](bool axis) { printer << (axis ? "true" : "false"); });
  printer << ')';
}

ParseResult parseScale(OpAsmParser &parser, FloatAttr &scale) {
  double value;
  if (parser.parseFloat(value))
    return failure();
  scale = parser.getBuilder().getF64FloatAttr(value);
  return success();
}

void printScale(OpAsmPrinter &printer, Operation *op, FloatAttr scale) {
  char text[32];
  std::to_chars_result end = std::to_chars(text, text + sizeof(text), scale.getValueAsDouble());
  // A literal needs a point, before the exponent if there is one.
  auto [digits, exponent] = StringRef(text, end.ptr - text).split('e');
  printer << digits;
  if (!digits.contains('.'))
    printer << ".0";
  if (!exponent.empty())
    printer << 'e' << exponent;
}

ParseResult parseSymbols(OpAsmParser &parser, ArrayAttr &symbols) {
  SmallVector<Attribute> names;
  ParseResult parsed = parser.parseCommaSeparatedList([&] {
    FlatSymbolRefAttr name;
    if (parser.parseAttribute(name))
      return failure();
    names.push_back(name);
    return success();
  });
  symbols = parser.getBuilder().getArrayAttr(names);
  return parsed;
}

void printSymbols(OpAsmPrinter &printer, Operation *op, ArrayAttr symbols) { llvm::interleaveComma(symbols, printer); }

ParseResult parseMaskType(OpAsmParser &parser, Type &type) {
  type = BlockMaskType::getDefault(parser.getContext());
  return succeeded(parser.parseOptionalColon()) ? parser.parseType(type) : success();
}

void printMaskType(OpAsmPrinter &printer, Operation *op, Type type) {
  if (type != BlockMaskType::getDefault(op->getContext()))
    printer << " : " << type;
}

static Type getFlatTable(MLIRContext *context) {
  return MemRefType::get({ShapedType::kDynamic}, IntegerType::get(context, 32));
}

ParseResult parseTableType(OpAsmParser &parser, Type &type) {
  type = getFlatTable(parser.getContext());
  return succeeded(parser.parseOptionalColon()) ? parser.parseType(type) : success();
}

void printTableType(OpAsmPrinter &printer, Operation *op, Type type) {
  if (type != getFlatTable(op->getContext()))
    printer << " : " << type;
}

ParseResult parsePatternUse(OpAsmParser &parser, FlatSymbolRefAttr &pattern,
                            SmallVectorImpl<OpAsmParser::UnresolvedOperand> &captures,
                            SmallVectorImpl<Type> &captureTypes) {
  if (parser.parseAttribute(pattern))
    return failure();
  if (failed(parser.parseOptionalLParen()))
    return success();
  return failure(parser.parseOperandList(captures) || parser.parseRParen() || parser.parseColon() ||
                 parser.parseLParen() || parser.parseTypeList(captureTypes) || parser.parseRParen());
}

void printPatternUse(OpAsmPrinter &printer, Operation *op, FlatSymbolRefAttr pattern, OperandRange captures,
                     TypeRange captureTypes) {
  printer << pattern;
  if (captures.empty())
    return;
  printer << "(" << captures << ") : (" << captureTypes << ")";
}

ParseResult parseScoreRegion(OpAsmParser &parser, Region &score) {
  SmallVector<OpAsmParser::Argument> arguments;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseArgumentList(arguments, AsmParser::Delimiter::Paren))
    return failure();
  if (arguments.size() != 5)
    return parser.emitError(loc, "expects a score and four positions (batch, head, query, key), but got ")
           << arguments.size() << " arguments";
  for (OpAsmParser::Argument &argument : arguments)
    argument.type = parser.getBuilder().getIndexType();
  arguments.front().type = parser.getBuilder().getF32Type();
  return parser.parseRegion(score, arguments);
}

void printScoreRegion(OpAsmPrinter &printer, Operation *op, Region &score) {
  printer << "(";
  llvm::interleaveComma(score.getArguments(), printer, [&](BlockArgument argument) { printer << argument; });
  printer << ") ";
  printer.printRegion(score, /*printEntryBlockArgs=*/false);
}

ParseResult parseAttentionResults(OpAsmParser &parser, Type &output, SmallVectorImpl<Type> &sums) {
  if (failed(parser.parseOptionalLParen()))
    return parser.parseType(output);
  if (parser.parseType(output))
    return failure();
  while (succeeded(parser.parseOptionalComma()))
    if (parser.parseType(sums.emplace_back()))
      return failure();
  return parser.parseRParen();
}

void printAttentionResults(OpAsmPrinter &printer, Operation *op, Type output, TypeRange sums) {
  if (sums.empty())
    printer << output;
  else
    printer << "(" << output << ", " << sums << ")";
}

} // namespace mlir::sparse_attn
