//===- Solver.cpp - Asks z3 about a script --------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Solver.h"
#include "mlir/Target/SMTLIB/ExportSMTLIB.h"
#include "llvm/ADT/SmallString.h"
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
  std::string names;
  for (Attribute symbol : solver->getAttrOfType<ArrayAttr>("sparse_attn.symbols"))
    names += (names.empty() ? "" : " ") + cast<StringAttr>(symbol).str();
  StringRef check = "(check-sat)\n";
  size_t end = script.find(check);
  if (end != std::string::npos && !names.empty())
    script.insert(end + check.size(), "(get-value (" + names + "))\n");
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

namespace {
/// Files of one question, which go away with this object.
struct Files {
  SmallString<128> script, output;

  ~Files() {
    for (const SmallString<128> &path : {script, output})
      if (!path.empty())
        sys::fs::remove(path);
  }
};

/// A way to run z3, and the seconds that it may take; 0 for all that are left.
struct Attempt {
  StringRef option;
  int64_t seconds;
};
} // namespace

/// Which of its solvers for integers is fast depends on the script, by factors of a hundred.
static constexpr StringLiteral kNewSolver = "smt.arith.solver=6", kOldSolver = "smt.arith.solver=2";
static const Attempt attempts[] = {{kNewSolver, 2}, {kOldSolver, 2}, {kNewSolver, 0}};

static std::string writeScript(Files &files, StringRef script) {
  int descriptor = -1;
  if (sys::fs::createTemporaryFile("sparse-attn", "smt2", descriptor, files.script) ||
      sys::fs::createTemporaryFile("sparse-attn", "txt", files.output))
    return "cannot create a temporary file";
  raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << script;
  stream.close();
  if (!stream.has_error())
    return "";
  std::string error = "cannot write '" + files.script.str().str() + "': " + stream.error().message();
  stream.clear_error();
  return error;
}

/// What z3 writes; fails where it cannot be run.
static FailureOr<std::string> ask(const std::string &z3, const Files &files, const Attempt &attempt, int64_t seconds,
                                  std::string &error) {
  std::string limit = "-T:" + std::to_string(seconds);
  StringRef arguments[] = {z3, "-smt2", limit, attempt.option, files.script};
  std::optional<StringRef> redirects[] = {StringRef(), files.output.str(), files.output.str()};
  // z3 fails on the question for values where there are none: its exit code says nothing.
  if (sys::ExecuteAndWait(z3, arguments, std::nullopt, redirects, 0, 0, &error) < 0) {
    error = "cannot run '" + z3 + "': " + error;
    return failure();
  }
  ErrorOr<std::unique_ptr<MemoryBuffer>> output = MemoryBuffer::getFile(files.output);
  return output ? (*output)->getBuffer().str() : std::string();
}

FailureOr<Answer> mlir::sparse_attn::prove::runSolver(const std::string &z3, const std::string &script, int64_t timeout,
                                                      std::string &error) {
  Files files;
  if (error = writeScript(files, script); !error.empty())
    return failure();
  auto start = std::chrono::steady_clock::now();
  Answer answer{Verdict::Unknown, 0, {}};
  for (const Attempt &attempt : attempts) {
    int64_t left = timeout - static_cast<int64_t>(answer.seconds);
    if (left < 1)
      break;
    FailureOr<std::string> output =
        ask(z3, files, attempt, attempt.seconds ? std::min(left, attempt.seconds) : left, error);
    if (failed(output))
      return failure();
    answer = parseAnswer(*output, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    if (answer.verdict != Verdict::Unknown)
      break;
  }
  return answer;
}
