//===- Main.cpp - sparse-attn-prove ---------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"
#include "dialect/SparseAttn.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/Passes.h"
#include "passes/RegisterDialects.h"
#include "passes/Tiling.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::prove;
namespace cl = llvm::cl;

static cl::OptionCategory category("sparse-attn-prove options");
static cl::opt<std::string> inputPath(cl::Positional, cl::desc("IN.mlir"), cl::Required, cl::cat(category));
static cl::opt<std::string> targetName("target", cl::desc("cpu, sm_80, sm_86, sm_89 or sm_90a"), cl::init("cpu"),
                                       cl::cat(category));
static cl::opt<int64_t> tileQ("tile-q", cl::desc("Queries a tile (default: by target)"), cl::init(0),
                              cl::cat(category));
static cl::opt<int64_t> tileK("tile-k", cl::desc("Keys a tile (default: by target)"), cl::init(0), cl::cat(category));
static cl::opt<std::string> emitKind("emit", cl::desc("report, mlir or smtlib"), cl::value_desc("KIND"),
                                     cl::init("report"), cl::cat(category));
static cl::opt<std::string> z3Path("z3", cl::desc("The solver (default: z3 on the PATH)"), cl::value_desc("PATH"),
                                   cl::init("z3"), cl::cat(category));
static cl::opt<bool> reindex("reindex", cl::desc("Turn dilated attention into dense work (default: true)"),
                             cl::init(true), cl::cat(category));
static cl::opt<int64_t> timeout("timeout", cl::desc("Seconds a claim (default: 20)"), cl::init(20), cl::cat(category));

namespace {
/// `Open`: it did what it was asked to, and something has not been proved.
enum ExitCode { AllProved = 0, Open = 1, BadInput = 2 };
} // namespace

static int fail(const llvm::Twine &message) {
  llvm::errs() << "sparse-attn-prove: error: " << message << "\n";
  return BadInput;
}

/// Returns an empty string or what is wrong with the options.
static std::string checkOptions() {
  std::string message;
  if (failed(getTiling(targetName, message)))
    return message;
  if (!llvm::is_contained({"report", "mlir", "smtlib"}, emitKind))
    return "expects --emit=report|mlir|smtlib, but got '" + emitKind + "'";
  if (timeout < 1)
    return "expects --timeout of one second or more, but got " + std::to_string(timeout);
  return "";
}

/// From patterns to one solver a claim. Schedules that the module has stay as they are.
static LogicalResult stateClaims(ModuleOp module) {
  PassManager pm(module.getContext());
  ToTilesOptions options;
  options.target = targetName;
  options.tileQ = tileQ;
  options.tileK = tileK;
  options.reindex = reindex;
  buildToSchedulesPipeline(pm, options);
  pm.addPass(createProveSchedule());
  return pm.run(module);
}

static int printScripts(ModuleOp module) {
  for (auto solver : module.getOps<smt::SolverOp>()) {
    FailureOr<std::string> script = exportScript(solver);
    if (failed(script))
      return BadInput;
    llvm::outs() << "; @" << solver->getAttrOfType<StringAttr>("sparse_attn.schedule").getValue() << ": "
                 << solver->getAttrOfType<StringAttr>("sparse_attn.claim").getValue() << "\n"
                 << *script;
  }
  return AllProved;
}

static int proveClaims(ModuleOp module) {
  llvm::ErrorOr<std::string> z3 = llvm::sys::findProgramByName(z3Path);
  if (!z3)
    return fail("expects z3 as '" + z3Path + "', but found none: " + z3.getError().message());
  Report report(llvm::outs());
  for (auto solver : module.getOps<smt::SolverOp>()) {
    if (solver->hasAttr("sparse_attn.obstacle")) {
      report.addUnstated(solver);
      continue;
    }
    FailureOr<std::string> script = exportScript(solver);
    if (failed(script))
      return BadInput;
    std::string error;
    int64_t seconds =
        solver->hasAttr("sparse_attn.optional") ? std::min(timeout.getValue(), kOptionalSeconds) : timeout;
    FailureOr<Answer> answer = runSolver(*z3, *script, seconds, error);
    if (failed(answer))
      return fail(error);
    report.add(solver, *answer);
  }
  report.finish();
  return report.isComplete() ? AllProved : Open;
}

static int run() {
  if (std::string error = checkOptions(); !error.empty())
    return fail(error);
  DialectRegistry registry;
  registerCompilerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(inputPath);
  if (!file)
    return fail("cannot read '" + inputPath + "': " + file.getError().message());
  sources.AddNewSourceBuffer(std::move(*file), llvm::SMLoc());
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  // The report has what the remarks would say.
  ScopedDiagnosticHandler remarks(&context,
                                  [](Diagnostic &d) { return success(d.getSeverity() == DiagnosticSeverity::Remark); });
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module || failed(stateClaims(*module)))
    return BadInput;
  if (module->getBody()->empty())
    return fail("expects an attention or a schedule, but found none in '" + inputPath + "'");
  if (emitKind == "smtlib")
    return printScripts(*module);
  if (emitKind == "mlir") {
    llvm::outs() << *module << "\n";
    return AllProved;
  }
  return proveClaims(*module);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter([](llvm::raw_ostream &os) { os << "sparse-attn-prove " SPARSE_ATTN_VERSION "\n"; });
  cl::ParseCommandLineOptions(argc, argv, "proves schedules for every length\n");
  return run();
}
