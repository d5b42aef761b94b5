//===- SolverBuilder.cpp - Claims in the smt dialect ----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/prove/SolverBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/prove/BitTableModel.h"
#include "passes/prove/CaptureModel.h"
#include "passes/prove/RectangleLoop.h"
#include "passes/prove/ScalarRules.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;

namespace {

class ClaimTranslator {
public:
  explicit ClaimTranslator(SMTBuilder &b) : b(b), captures(b), tables(b) {}

  /// False, with the op in `obstacle`, where an op has no meaning for solvers.
  bool translate(const Claim &claim);

  Operation *obstacle = nullptr;
  /// Ops that stand for any function of their operands.
  llvm::SetVector<StringRef> opaque;

private:
  void declareArguments(const Claim &claim);
  bool translateBlock(Block &block);
  bool translateOp(Operation &op);
  bool translateBranch(scf::IfOp branch);
  bool translateLoop(scf::ForOp loop);
  Value translateOpaque(Operation &op);
  Value lookup(Value value) { return terms.lookup(value); }
  bool relateLoop(const RectangleLoop &loop);
  bool translateElement(const RectangleLoop &loop, Value row, Value column);
  bool relateElement(const RectangleLoop &loop, Value row, Value column);

  /// An op that is any function, where the claim itself asks for it.
  struct OpaqueCall {
    Operation *op;
    SmallVector<Value> operands;
  };
  bool relateCall(const RectangleLoop &loop, Operation &inLoop, const OpaqueCall &call);

  SMTBuilder &b;
  CaptureModel captures;
  BitTableModel tables;
  llvm::DenseMap<Value, Value> terms;
  SmallVector<RectangleLoop> loops;
  SmallVector<OpaqueCall> calls;
};

/// Scalars that matter become constants that the solver chooses; arrays and masks have no term of their own.
void ClaimTranslator::declareArguments(const Claim &claim) {
  for (auto [argument, name] : llvm::zip_equal(claim.function.get().getArguments(), claim.symbols))
    if (argument.getType().isIndex() && !argument.use_empty())
      terms[argument] = b.unknown(b.integerType(), name.empty() ? "hidden" : name);
}

bool ClaimTranslator::translate(const Claim &claim) {
  declareArguments(claim);
  Block &body = claim.function.get().getBody().front();
  if (!translateBlock(body) || !llvm::all_of(loops, [&](const RectangleLoop &loop) { return relateLoop(loop); }))
    return false;
  captures.relate();
  tables.relate();
  b.relateQuotients();
  ValueRange conditions = body.getTerminator()->getOperands();
  for (Value assumption : conditions.drop_back())
    b.require(lookup(assumption));
  b.require(b.negate(lookup(conditions.back())));
  return true;
}

bool ClaimTranslator::translateBlock(Block &block) {
  return llvm::all_of(block.without_terminator(), [&](Operation &op) { return translateOp(op); });
}

bool ClaimTranslator::translateOp(Operation &op) {
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return translateBranch(branch);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return translateLoop(loop);
  auto find = [&](Value value) { return lookup(value); };
  SmallVector<Value> results = captures.translate(&op, find);
  if (Value answer = tables.translate(&op, find))
    results.push_back(answer);
  if (results.empty()) {
    SmallVector<Value> operands = llvm::map_to_vector(op.getOperands(), [&](Value value) { return lookup(value); });
    bool known = llvm::all_of(operands, [](Value operand) { return operand != nullptr; });
    Value result = known ? translateScalarOp(b, &op, operands) : Value();
    if (!result)
      result = translateOpaque(op);
    if (result)
      results.push_back(result);
  }
  if (results.empty() || results.size() != op.getNumResults()) {
    obstacle = &op;
    return false;
  }
  for (auto [result, term] : llvm::zip_equal(op.getResults(), results))
    terms[result] = term;
  return true;
}

/// Both sides are total, so that both may be asked and one be chosen.
bool ClaimTranslator::translateBranch(scf::IfOp branch) {
  if (branch.getNumResults() == 0) {
    obstacle = branch;
    return false;
  }
  if (!translateBlock(*branch.thenBlock()) || !translateBlock(*branch.elseBlock()))
    return false;
  for (auto [result, then, otherwise] :
       llvm::zip_equal(branch.getResults(), branch.thenYield().getOperands(), branch.elseYield().getOperands()))
    terms[result] = b.select(lookup(branch.getCondition()), lookup(then), lookup(otherwise));
  return true;
}

//===----------------------------------------------------------------------===//
// Loops over rectangles
//===----------------------------------------------------------------------===//

/// What a loop finds is unknown, until its elements are related to what the claim asks for.
bool ClaimTranslator::translateLoop(scf::ForOp loop) {
  std::optional<RectangleLoop> rectangle = RectangleLoop::match(loop);
  if (!rectangle) {
    obstacle = loop;
    return false;
  }
  for (Value result : loop.getResults())
    terms[result] = b.unknown(b.boolType(), "found");
  loops.push_back(*rectangle);
  return true;
}

/// A claim about one pair needs one element of the loop: that for which the loop asks the same function as the claim.
bool ClaimTranslator::relateLoop(const RectangleLoop &loop) {
  SmallVector<OpaqueCall> outside = calls;
  scf::ForOp op = loop.loop;
  for (Operation &inLoop : op.getBody()->without_terminator())
    for (const OpaqueCall &call : outside)
      if (call.op->getName() == inLoop.getName() && call.op->getAttrDictionary() == inLoop.getAttrDictionary() &&
          !relateCall(loop, inLoop, call))
        return false;
  return true;
}

/// Operands count rows or columns from those of the first element. Whether that is so is not taken for granted: any
/// element may be looked at.
bool ClaimTranslator::relateCall(const RectangleLoop &loop, Operation &inLoop, const OpaqueCall &call) {
  Value row = b.integer(0), column = b.integer(0);
  if (!translateElement(loop, row, column))
    return false;
  for (auto [operand, asked] : llvm::zip_equal(inLoop.getOperands(), call.operands)) {
    Value distance = b.sub(asked, lookup(operand));
    if (loop.dependsOn(operand, loop.row))
      row = distance;
    else if (loop.dependsOn(operand, loop.column))
      column = distance;
  }
  return relateElement(loop, row, column);
}

/// Translates the body for one element.
bool ClaimTranslator::translateElement(const RectangleLoop &loop, Value row, Value column) {
  scf::ForOp op = loop.loop;
  Operation *rowOp = loop.row, *columnOp = loop.column;
  terms[rowOp->getResult(0)] = row;
  terms[columnOp->getResult(0)] = column;
  for (Value state : op.getRegionIterArgs())
    terms[state] = b.unknown(b.boolType(), "state");
  return llvm::all_of(op.getBody()->without_terminator(),
                      [&](Operation &inner) { return &inner == rowOp || &inner == columnOp || translateOp(inner); });
}

/// What holds for an element of the loop holds for some; what holds for all holds for it.
bool ClaimTranslator::relateElement(const RectangleLoop &loop, Value row, Value column) {
  if (!translateElement(loop, row, column))
    return false;
  scf::ForOp op = loop.loop;
  arith::DivUIOp rowOp = loop.row;
  Value columns = lookup(rowOp.getRhs()), zero = b.integer(0);
  Value number = b.add(b.mul(row, columns), column);
  Value inside = b.both(b.lessEqual(zero, row), b.inRange(column, zero, columns));
  inside = b.both(inside, b.less(number, lookup(op.getUpperBound())));
  for (auto [result, part] : llvm::zip_equal(op.getResults(), loop.results)) {
    Value found = lookup(result), holds = lookup(part.condition);
    b.require(part.isUnion ? b.implies(b.both(inside, holds), found) : b.implies(b.both(inside, found), holds));
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Any other op
//===----------------------------------------------------------------------===//

/// A pure op on scalars is some function of its operands, whatever it computes. Null for any other op.
Value ClaimTranslator::translateOpaque(Operation &op) {
  SmallVector<Value> operands = llvm::map_to_vector(op.getOperands(), [&](Value value) { return lookup(value); });
  if (!isPure(&op) || op.getNumRegions() != 0 || op.getNumResults() != 1 || llvm::is_contained(operands, Value()))
    return {};
  opaque.insert(op.getName().getStringRef());
  calls.push_back({&op, operands});
  std::string key;
  llvm::raw_string_ostream stream(key);
  stream << op.getName() << op.getAttrDictionary() << op.getOperandTypes() << op.getResultTypes();
  return b.apply(key, op.getName().getStringRef(), operands, b.typeFor(op.getResult(0).getType()));
}

} // namespace

/// The script's end: is there a counterexample?
static void buildCheck(OpBuilder &builder, Location loc) {
  auto check = smt::CheckOp::create(builder, loc, TypeRange());
  for (Region *region : {&check.getSatRegion(), &check.getUnknownRegion(), &check.getUnsatRegion()}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&region->emplaceBlock());
    smt::YieldOp::create(builder, loc);
  }
}

/// Attributes for whoever runs the script.
static void describe(smt::SolverOp solver, const Claim &claim, ArrayRef<StringRef> opaque) {
  Builder builder(solver.getContext());
  SmallVector<StringRef> symbols;
  for (auto [argument, symbol] : llvm::zip_equal(claim.function.get().getArguments(), claim.symbols))
    if (argument.getType().isIndex() && !argument.use_empty() && !symbol.empty())
      symbols.push_back(symbol);
  solver->setAttr("sparse_attn.claim", builder.getStringAttr(claim.name));
  solver->setAttr("sparse_attn.symbols", builder.getStrArrayAttr(symbols));
  if (claim.optional)
    solver->setAttr("sparse_attn.optional", builder.getUnitAttr());
  if (!opaque.empty())
    solver->setAttr("sparse_attn.opaque", builder.getStrArrayAttr(opaque));
}

smt::SolverOp mlir::sparse_attn::prove::buildSolver(OpBuilder &builder, const Claim &claim) {
  OpBuilder::InsertionGuard guard(builder);
  Location loc = claim.function.get().getLoc();
  auto solver = smt::SolverOp::create(builder, loc, TypeRange(), ValueRange());
  Block &body = solver.getBodyRegion().emplaceBlock();
  builder.setInsertionPointToEnd(&body);
  SMTBuilder b(builder, loc);
  ClaimTranslator translator(b);
  if (translator.translate(claim)) {
    buildCheck(builder, loc);
  } else {
    // The terms there are come one from another: the last goes first.
    while (!body.empty())
      body.back().erase();
    solver->setAttr("sparse_attn.obstacle", translator.obstacle->getName().getIdentifier());
  }
  smt::YieldOp::create(builder, loc);
  describe(solver, claim, translator.opaque.getArrayRef());
  return solver;
}
