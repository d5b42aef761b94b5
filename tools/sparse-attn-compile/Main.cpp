//===- Main.cpp - sparse-attn-compile -------------------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "dialect/SparseAttn.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/AsmParser/AsmParserState.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "passes/RegisterDialects.h"
#include "passes/Tiling.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::compile;
namespace cl = llvm::cl;

static cl::OptionCategory category("sparse-attn-compile options");
static cl::opt<std::string> inputPath(cl::Positional, cl::desc("IN.mlir"), cl::Required, cl::cat(category));
static cl::opt<std::string> outputPath("o", cl::desc("Output file; - is standard output"), cl::value_desc("FILE"),
                                       cl::cat(category));
static cl::opt<std::string> targetName("target", cl::desc("cpu, sm_80, sm_86, sm_89 or sm_90a"), cl::init("cpu"),
                                       cl::cat(category));
static cl::opt<std::string> cpuName("cpu",
                                    cl::desc("One CPU level: native, x86-64-v3, x86-64-v4, znver4, ... (default: "
                                             "x86-64-v3, v4, and v4 with avx512bf16, chosen at run time)"),
                                    cl::value_desc("NAME"), cl::cat(category));
static cl::opt<std::string>
    emitKind("emit",
             cl::desc("mlir, schedule, tile, nvvm, ptx, cubin, llvm, asm, obj, shared or header "
                      "(default: by the ending of the output file)"),
             cl::value_desc("KIND"), cl::cat(category));
static cl::opt<int64_t> tileQ("tile-q", cl::desc("Queries a tile (default: 64)"), cl::init(0), cl::cat(category));
static cl::opt<int64_t> tileK("tile-k", cl::desc("Keys a tile (default: 64, or what divides the strides)"), cl::init(0),
                              cl::cat(category));
static cl::opt<bool> reindex("reindex", cl::desc("Turn dilated attention into dense work within residue classes"),
                             cl::init(true), cl::cat(category));
static cl::opt<std::string> elementType("element-type",
                                        cl::desc("f32, f16 or bf16, for all queries, keys and values (default: as the "
                                                 "module says)"),
                                        cl::value_desc("TYPE"), cl::cat(category));
static cl::opt<std::string> kernelsPath("kernels",
                                        cl::desc("Take the GPU kernels from a file that --emit=nvvm wrote and somebody "
                                                 "has edited"),
                                        cl::value_desc("FILE.mlir"), cl::cat(category));
static cl::opt<bool> simulate("simulate", cl::desc("Add host code of the GPU kernels, for the simulated device"),
                              cl::cat(category));
static cl::opt<bool> remarks("remarks", cl::desc("Say how the tiles of each attention are found"), cl::cat(category));
static cl::opt<std::string> moduleName("module-name",
                                       cl::desc("Prefix of the artifact's symbols (default: the input file's name)"),
                                       cl::value_desc("NAME"), cl::cat(category));

static int fail(const llvm::Twine &message) {
  llvm::errs() << "sparse-attn-compile: error: " << message << "\n";
  return 1;
}

/// The output's kind, where --emit does not say.
static std::string inferKind(llvm::StringRef path) {
  return llvm::StringSwitch<std::string>(llvm::sys::path::extension(path))
      .Case(".so", "shared")
      .Case(".o", "obj")
      .Case(".h", "header")
      .Case(".s", "asm")
      .Case(".ll", "llvm")
      .Case(".mlir", "mlir")
      .Case(".ptx", "ptx")
      .Case(".cubin", "cubin")
      .Default("shared");
}

/// Features of this machine beyond those that its name implies, or lacking from them.
static cpu::Level getNativeLevel() {
  std::string features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    features += (features.empty() ? "" : ",") + std::string(feature.second ? "+" : "-") + feature.first().str();
  std::string name = llvm::sys::getHostCPUName().str();
  return {name, name, features};
}

static std::vector<cpu::Level> getLevels(ModuleOp module) {
  // What `prepare` runs beside a GPU is scalar code.
  if (targetName != "cpu")
    return {{targetName, "x86-64-v3", ""}};
  if (cpuName == "native")
    return {getNativeLevel()};
  if (!cpuName.empty())
    return {{cpuName, cpuName, ""}};
  std::vector<cpu::Level> levels{{"x86-64-v4", "x86-64-v4", ""}, {"x86-64-v3", "x86-64-v3", ""}};
  bool bf16 = false;
  module.walk([&](AttentionOp attention) { bf16 |= attention.getElementType().isBF16(); });
  if (bf16)
    levels.insert(levels.begin(), {"x86-64-v4-bf16", "x86-64-v4", "+avx512bf16"});
  return levels;
}

/// The names that the arguments of functions have in the source, which IR does not keep.
static void readArgumentNames(Input &input, const AsmParserState &state) {
  for (auto function : input.module->getOps<func::FuncOp>()) {
    llvm::StringSet<> taken;
    std::vector<std::string> &names = input.argumentNames[function.getSymName().str()];
    const AsmParserState::BlockDefinition *block =
        function.isDeclaration() ? nullptr : state.getBlockDef(&function.getBody().front());
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      std::string name;
      if (block && i < block->arguments.size()) {
        llvm::SMRange range = block->arguments[i].loc;
        name = std::string(range.Start.getPointer(), range.End.getPointer());
      }
      llvm::StringRef bare = llvm::StringRef(name).ltrim('%');
      name = bare.empty() ? "arg" + std::to_string(i) : makeIdentifier(bare);
      // Two names of the source may become one identifier.
      while (!taken.insert(name).second)
        name += "_" + std::to_string(i);
      names.push_back(name);
    }
  }
}

static LogicalResult parseInput(MLIRContext &context, llvm::SourceMgr &sources, Input &input) {
  ParserConfig config(&context);
  AsmParserState state;
  Block block;
  if (failed(parseAsmSourceFile(sources, &block, config, &state)))
    return failure();
  input.module = mlir::detail::constructContainerOpForParserIfNecessary<ModuleOp>(
      &block, &context, FileLineColLoc::get(&context, inputPath, 1, 1));
  if (!input.module)
    return failure();
  readArgumentNames(input, state);
  return success();
}

/// Writes the output whole or not at all.
static int writeOutput(const Request &request, llvm::StringRef content) {
  if (request.outputPath == "-") {
    llvm::outs() << content;
    return 0;
  }
  std::error_code error;
  llvm::ToolOutputFile file(request.outputPath, error, llvm::sys::fs::OF_None);
  if (error)
    return fail("cannot write '" + request.outputPath + "': " + error.message());
  file.os() << content;
  file.os().flush();
  if (std::error_code failure = file.os().error()) {
    file.os().clear_error();
    return fail("cannot write '" + request.outputPath + "': " + failure.message());
  }
  file.keep();
  return 0;
}

static int emitStage(const Request &request, const Input &input) {
  FailureOr<OwningOpRef<ModuleOp>> module = runStage(request, input, request.emit);
  if (failed(module))
    return 1;
  std::string text;
  llvm::raw_string_ostream(text) << **module << "\n";
  return writeOutput(request, text);
}

static int emitCode(const Request &request, llvm::Module &code) {
  if (std::string error = optimize(code); !error.empty())
    return fail("code generation failed: " + error);
  if (request.emit == "llvm") {
    std::string text;
    llvm::raw_string_ostream(text) << code;
    return writeOutput(request, text);
  }
  llvm::SmallVector<char, 0> bytes;
  if (std::string error = generateCode(code, request.emit == "asm", bytes); !error.empty())
    return fail("code generation failed: " + error);
  llvm::StringRef content(bytes.data(), bytes.size());
  if (request.emit != "asm")
    if (std::string error = findForeignSymbol(content); !error.empty())
      return fail(error);
  if (request.emit != "shared")
    return writeOutput(request, content);
  if (std::string error = linkShared(content, request.outputPath); !error.empty())
    return fail(error);
  return 0;
}

static int emitKernels(const Request &request, const Input &input) {
  FailureOr<OwningOpRef<ModuleOp>> tiles = runStage(request, input, "tile");
  if (failed(tiles))
    return 1;
  FailureOr<OwningOpRef<ModuleOp>> kernels = convertToNVVM(request, **tiles);
  if (failed(kernels))
    return 1;
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (auto module : (*kernels)->getOps<gpu::GPUModuleOp>())
    stream << module << "\n";
  return writeOutput(request, text);
}

static int compileModule(const Request &request, const Input &input) {
  if (failed(checkFunctions(*input.module)))
    return 1;
  if (llvm::is_contained({"mlir", "schedule", "tile"}, request.emit))
    return emitStage(request, input);
  if (request.emit == "nvvm")
    return emitKernels(request, input);
  llvm::LLVMContext context;
  FailureOr<Compiled> compiled = compileInput(request, input, context);
  if (failed(compiled))
    return 1;
  if (request.emit == "ptx")
    return writeOutput(request, compiled->device->ptx);
  if (request.emit == "cubin")
    return writeOutput(request, compiled->device->cubin);
  std::vector<std::string> entries;
  Blobs blobs;
  llvm::json::Object manifest = buildManifest(request, input, *compiled, entries, blobs);
  if (request.emit == "header")
    return writeOutput(request, buildHeader(request, manifest));
  std::unique_ptr<llvm::Module> code = joinCode(request, *compiled, manifest, entries, blobs);
  if (!code)
    return fail("cannot join the code of the CPU levels");
  return emitCode(request, *code);
}

/// Checks options against each other. Returns an empty string or what is wrong.
static std::string checkRequest(const Request &request) {
  std::string message;
  if (failed(getTiling(request.target, message)))
    return message;
  llvm::StringRef kinds = "mlir|schedule|tile|llvm|asm|obj|shared|header", deviceKinds = "nvvm|ptx|cubin";
  llvm::SmallVector<llvm::StringRef> known;
  kinds.split(known, '|');
  if (!request.isForCpu())
    deviceKinds.split(known, '|');
  if (!llvm::is_contained(known, request.emit))
    return "expects --emit=" + kinds.str() + (request.isForCpu() ? "" : "|" + deviceKinds.str()) + ", but got '" +
           request.emit + "'";
  if (!elementType.empty() && !llvm::is_contained({"f32", "f16", "bf16"}, elementType))
    return "expects --element-type=f32|f16|bf16, but got '" + elementType + "'";
  if (request.isForCpu() && !request.kernelsPath.empty())
    return "expects a GPU as --target for --kernels, but got 'cpu'";
  if (request.isForCpu() && request.simulate)
    return "expects a GPU as --target for --simulate, but got 'cpu'";
  if (!request.isForCpu() && !cpuName.empty())
    return "expects --cpu with --target=cpu alone, but got '" + request.target + "'";
  return "";
}

static int run() {
  Request request;
  request.inputPath = inputPath;
  request.outputPath = outputPath;
  request.target = targetName;
  request.simulate = simulate;
  request.kernelsPath = kernelsPath;
  request.emit = emitKind.empty() ? inferKind(outputPath) : emitKind.getValue();
  if (std::string error = checkRequest(request); !error.empty())
    return fail(error);
  if (request.outputPath.empty()) {
    if (llvm::is_contained({"shared", "obj", "cubin"}, request.emit))
      return fail("expects an output file (-o FILE)");
    request.outputPath = "-";
  }
  request.moduleName =
      makeIdentifier(moduleName.empty() ? llvm::sys::path::stem(inputPath) : llvm::StringRef(moduleName));
  request.tileQ = tileQ;
  request.tileK = tileK;
  request.reindex = reindex;
  request.remarks = remarks;

  DialectRegistry registry;
  registerCompilerDialects(registry);
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  llvm::SourceMgr sources;
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(inputPath);
  if (!file)
    return fail("cannot read '" + inputPath + "': " + file.getError().message());
  sources.AddNewSourceBuffer(std::move(*file), llvm::SMLoc());
  context.printOpOnDiagnostic(false);
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  Input input;
  if (failed(parseInput(context, sources, input)))
    return 1;
  if (!elementType.empty())
    setElementType(*input.module, parseType(elementType, &context));
  request.levels = getLevels(*input.module);
  for (const cpu::Level &level : request.levels)
    if (std::string message; failed(cpu::getTarget(level, message)))
      return fail(message);
  return compileModule(request, input);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter([](llvm::raw_ostream &os) { os << "sparse-attn-compile " SPARSE_ATTN_VERSION "\n"; });
  cl::ParseCommandLineOptions(argc, argv, "compiles sparse attention ahead of time\n");
  return run();
}
