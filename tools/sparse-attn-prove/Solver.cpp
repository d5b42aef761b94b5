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

static constexpr StringLiteral kCheck = "(check-sat)\n";

FailureOr<std::string> mlir::sparse_attn::prove::exportScript(smt::SolverOp solver) {
  std::string script;
  raw_string_ostream stream(script);
  if (failed(smt::exportSMTLIB(solver, stream)))
    return failure();
  std::string names;
  for (Attribute symbol : solver->getAttrOfType<ArrayAttr>("sparse_attn.symbols"))
    names += (names.empty() ? "" : " ") + cast<StringAttr>(symbol).str();
  size_t end = script.find(kCheck);
  if (end != std::string::npos && !names.empty())
    script.insert(end + kCheck.size(), "(get-value (" + names + "))\n");
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

/// A way to ask z3, and the seconds that it may take; 0 for all that are left.
struct Attempt {
  StringRef check, option, seed;
  int64_t seconds;
};
} // namespace

/// Replaces names by what they are equal to, first of all: witnesses of quotients have many such equations.
static constexpr StringLiteral kSubstitute = "(check-sat-using (then simplify solve-eqs propagate-values smt))\n";

static constexpr StringLiteral kNewSolver = "smt.arith.solver=6", kOldSolver = "smt.arith.solver=2";

/// Which way is fast depends on the script, by factors of a hundred, and for divisions by two sizes that share few
/// factors on chance: many short attempts find a proof sooner than a long one. What one of them proves is proved.
static const Attempt attempts[] = {
    {kSubstitute, kNewSolver, "smt.random_seed=0", 1}, {kCheck, kOldSolver, "smt.random_seed=0", 1},
    {kCheck, kNewSolver, "smt.random_seed=0", 1},      {kSubstitute, kNewSolver, "smt.random_seed=1", 1},
    {kCheck, kOldSolver, "smt.random_seed=1", 1},      {kSubstitute, kOldSolver, "smt.random_seed=2", 2},
    {kCheck, kNewSolver, "smt.random_seed=2", 3},      {kSubstitute, kNewSolver, "smt.random_seed=3", 0}};

static std::string writeScript(const Files &files, StringRef script, StringRef check) {
  std::error_code failure;
  raw_fd_ostream stream(files.script, failure);
  auto [before, after] = script.split(kCheck);
  if (!failure)
    stream << before << check << after;
  stream.close();
  if (!failure && !stream.has_error())
    return "";
  std::string error = "cannot write '" + files.script.str().str() + "': ";
  error += (failure ? failure : stream.error()).message();
  stream.clear_error();
  return error;
}

/// What z3 writes; fails where it cannot be run.
static FailureOr<std::string> ask(const std::string &z3, const Files &files, const Attempt &attempt, int64_t seconds,
                                  std::string &error) {
  std::string limit = "-T:" + std::to_string(seconds);
  StringRef arguments[] = {z3, "-smt2", limit, attempt.option, attempt.seed, files.script};
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
  if (sys::fs::createTemporaryFile("sparse-attn", "smt2", files.script) ||
      sys::fs::createTemporaryFile("sparse-attn", "txt", files.output)) {
    error = "cannot create a temporary file";
    return failure();
  }
  auto start = std::chrono::steady_clock::now();
  Answer answer{Verdict::Unknown, 0, {}};
  for (const Attempt &attempt : attempts) {
    int64_t left = timeout - static_cast<int64_t>(answer.seconds);
    if (left < 1)
      break;
    if (error = writeScript(files, script, attempt.check); !error.empty())
      return failure();
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
