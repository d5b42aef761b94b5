//===- Solver.cpp - Asks z3 about a script --------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Solver.h"
#include "mlir/Target/SMTLIB/ExportSMTLIB.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

using namespace mlir;
using namespace mlir::sparse_attn::prove;
using namespace llvm;

FailureOr<std::string> mlir::sparse_attn::prove::exportScript(smt::SolverOp solver) {
  std::string script;
  raw_string_ostream stream(script);
  if (failed(smt::exportSMTLIB(solver, stream)))
    return failure();
  std::string question = "(get-value (";
  for (Attribute symbol : solver->getAttrOfType<ArrayAttr>("sparse_attn.symbols"))
    question += cast<StringAttr>(symbol).str() + " ";
  question.back() = ')';
  StringRef check = "(check-sat)\n";
  size_t end = script.find(check);
  if (end != std::string::npos)
    script.insert(end + check.size(), question + ")\n");
  return script;
}

/// Reads "((sq 5) (q (- 3)))".
static std::vector<std::pair<std::string, std::string>> parseValues(StringRef text) {
  std::vector<std::pair<std::string, std::string>> values;
  SmallVector<StringRef> words;
  SplitString(text, words, " \n\r\t()");
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    std::string name = words[i].str(), sign;
    if (words[i + 1] == "-" && i + 2 < words.size()) {
      sign = "-";
      ++i;
    }
    values.push_back({name, sign + words[++i].str()});
  }
  return values;
}

/// The answer that z3 has written; Unknown for whatever is neither sat nor unsat.
static Answer parseAnswer(StringRef output, double seconds) {
  auto [verdict, rest] = output.split('\n');
  if (verdict.trim() == "unsat")
    return {Verdict::Proved, seconds, {}};
  if (verdict.trim() == "sat")
    return {Verdict::Refuted, seconds, parseValues(rest)};
  return {Verdict::Unknown, seconds, {}};
}

FailureOr<Answer> mlir::sparse_attn::prove::runSolver(const std::string &z3, const std::string &script, int64_t timeout,
                                                      std::string &error) {
  SmallString<128> scriptPath, outputPath;
  int descriptor = -1;
  if (sys::fs::createTemporaryFile("sparse-attn", "smt2", descriptor, scriptPath) ||
      sys::fs::createTemporaryFile("sparse-attn", "txt", outputPath)) {
    error = "cannot create a temporary file";
    return failure();
  }
  scope_exit cleanUp([&] {
    sys::fs::remove(scriptPath);
    sys::fs::remove(outputPath);
  });
  raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << script;
  stream.close();
  if (stream.has_error()) {
    error = "cannot write '" + scriptPath.str().str() + "': " + stream.error().message();
    stream.clear_error();
    return failure();
  }
  std::string limit = "-T:" + std::to_string(timeout);
  StringRef arguments[] = {z3, "-smt2", limit, scriptPath};
  std::optional<StringRef> redirects[] = {StringRef(), outputPath.str(), outputPath.str()};
  auto start = std::chrono::steady_clock::now();
  // z3 fails on the question for values where there are none: its exit code says nothing.
  int code = sys::ExecuteAndWait(z3, arguments, std::nullopt, redirects, 0, 0, &error);
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (code < 0) {
    error = "cannot run '" + z3 + "': " + error;
    return failure();
  }
  ErrorOr<std::unique_ptr<MemoryBuffer>> output = MemoryBuffer::getFile(outputPath);
  return parseAnswer(output ? (*output)->getBuffer() : "", seconds);
}
