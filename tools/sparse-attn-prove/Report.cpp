//===- Report.cpp - Prints what has been proved ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::sparse_attn::prove;
using namespace llvm;

static StringRef textOf(smt::SolverOp solver, StringRef attribute) {
  auto text = solver->getAttrOfType<StringAttr>(attribute);
  return text ? text.getValue() : "";
}

/// "sq = 65, skv = 128, tile = 1; (q, k) = (64, 3)".
static std::string describe(const std::vector<std::pair<std::string, std::string>> &values) {
  std::vector<std::string> parts;
  std::string q, k;
  for (const auto &[name, value] : values) {
    if (name == "q")
      q = value;
    else if (name == "k")
      k = value;
    else
      parts.push_back(name + " = " + value);
  }
  std::string text = llvm::join(parts, ", ");
  if (!q.empty() && !k.empty())
    return text + "; (q, k) = (" + q + ", " + k + ")";
  return q.empty() ? text : text + ", q = " + q;
}

void Report::printSchedule(smt::SolverOp solver) {
  StringRef name = textOf(solver, "sparse_attn.schedule");
  if (name == schedule)
    return;
  schedule = name.str();
  os << "@" << name << "\n";
}

void Report::printClaim(smt::SolverOp solver, StringRef verdict, double seconds) {
  printSchedule(solver);
  os << formatv("  {0,-52} {1,-9} {2,6:F2} s\n", textOf(solver, "sparse_attn.claim"), verdict, seconds);
  os.flush();
}

void Report::add(smt::SolverOp solver, const Answer &answer) {
  total += answer.seconds;
  longest = std::max(longest, answer.seconds);
  if (answer.verdict == Verdict::Proved) {
    ++proved;
    return printClaim(solver, "proved", answer.seconds);
  }
  if (solver->hasAttr("sparse_attn.optional")) {
    ++notShown;
    return printClaim(solver, "not shown", answer.seconds);
  }
  if (answer.verdict == Verdict::Unknown) {
    ++open;
    return printClaim(solver, "unknown", answer.seconds);
  }
  ++refuted;
  printClaim(solver, "refuted", answer.seconds);
  os << "    " << describe(answer.values) << "\n";
  if (auto opaque = solver->getAttrOfType<ArrayAttr>("sparse_attn.opaque")) {
    os << "    where any function may stand for";
    llvm::interleaveComma(opaque, os, [&](Attribute name) { os << " " << cast<StringAttr>(name).getValue(); });
    os << "\n";
  }
}

void Report::addUnstated(smt::SolverOp solver) {
  ++open;
  printClaim(solver, "not asked", 0);
  os << "    '" << textOf(solver, "sparse_attn.obstacle") << "' has no meaning for a solver\n";
}

void Report::finish() {
  os << proved << " proved, " << refuted << " refuted, " << open << " open";
  if (notShown)
    os << ", " << notShown << " not shown to be tight";
  os << formatv("; {0:F2} s in z3, at most {1:F2} s a claim\n", total, longest);
}
