//===- Compilation.cpp - From a module to code ---------------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tile programs are the same for all CPU levels, which differ in the shape of
// the code. A GPU artifact has one level of host code, and the kernels.
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "dialect/SparseAttn.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "passes/cpu/KernelLowering.h"
#include "passes/nvvm/KernelEmitter.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::sparse_attn;

namespace mlir::sparse_attn::compile {

static LogicalResult runPipeline(ModuleOp module, llvm::function_ref<void(OpPassManager &)> build) {
  PassManager pm(module.getContext(), ModuleOp::getOperationName());
  build(pm);
  return pm.run(module);
}

/// Arrays that attention reads, log-sum-exps of partial results, what patterns and score regions capture.
static bool isArgumentType(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type); tensor && tensor.getRank() == 3)
    return tensor.getElementType().isF32();
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor.getRank() == 4 &&
           (tensor.getElementType().isF32() || tensor.getElementType().isF16() || tensor.getElementType().isBF16());
  if (auto memref = dyn_cast<MemRefType>(type))
    return (memref.getElementType().isSignlessInteger(32) || memref.getElementType().isF32()) &&
           memref.getRank() >= 1 && memref.getRank() <= 4;
  return type.isIndex() || isa<BlockMaskType>(type);
}

void setElementType(ModuleOp module, Type elementType) {
  auto convert = [&](Type type) -> Type {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() == 4 ? tensor.clone(elementType) : type;
  };
  module.walk([&](Operation *op) {
    for (Value result : op->getResults())
      result.setType(convert(result.getType()));
    auto function = dyn_cast<func::FuncOp>(op);
    if (!function)
      return;
    function.setFunctionType(FunctionType::get(op->getContext(),
                                               llvm::map_to_vector(function.getArgumentTypes(), convert),
                                               llvm::map_to_vector(function.getResultTypes(), convert)));
    for (Region &region : op->getRegions())
      for (BlockArgument argument : region.getArguments())
        argument.setType(convert(argument.getType()));
  });
}

/// Attention reads arguments and results of attention; constants are there for score regions.
static LogicalResult checkOperation(Operation &op) {
  if (!isa<AttendOpInterface, MergeOp, func::ReturnOp>(op) && !matchPattern(&op, m_Constant()))
    return op.emitError("expects only sparse_attn.attention, weights, column_sums and merge in a compiled function, but "
                        "got '")
           << op.getName() << "'";
  if (isa<AttendOpInterface, MergeOp>(op))
    for (Value operand : op.getOperands())
      if (matchPattern(operand, m_Constant()))
        return op.emitError("expects attention to read arguments and results of attention, but got a constant of type ")
               << operand.getType();
  return success();
}

/// What a merge of one result stands for: that result.
static Value skipMergesOfOne(Value result) {
  for (auto merge = result.getDefiningOp<MergeOp>(); merge && merge.getOutputs().size() == 1;
       merge = result.getDefiningOp<MergeOp>())
    result = result == merge.getOutput() ? merge.getOutputs().front() : merge.getLogSumExps().front();
  return result;
}

LogicalResult checkFunctions(ModuleOp module) {
  for (Operation &op : *module.getBody()) {
    if (isa<PatternOp>(op))
      continue;
    auto function = dyn_cast<func::FuncOp>(op);
    if (!function)
      return op.emitError("expects only patterns and functions in a module, but got '") << op.getName() << "'";
    if (function.isDeclaration() || !llvm::hasSingleElement(function.getBody()))
      return op.emitError("expects a function with a body of one block");
    for (Type type : function.getArgumentTypes())
      if (!isArgumentType(type))
        return op.emitError("expects arguments that are 4D tensors of f32, f16 or bf16, arrays of i32 or f32, index or "
                            "block masks, but got ")
               << type;
    for (Operation &inner : function.getBody().front())
      if (failed(checkOperation(inner)))
        return failure();
    auto results = function.getBody().front().getTerminator();
    if (results->getNumOperands() == 0)
      return op.emitError("expects a function to return results of attention, but got no result");
    llvm::DenseSet<Value> returned;
    for (Value result : llvm::map_range(results->getOperands(), skipMergesOfOne))
      if (!returned.insert(result).second)
        return results->emitError("expects a function to return each result once");
      else if (!isa_and_nonnull<AttendOpInterface, MergeOp>(result.getDefiningOp()))
        return results->emitError("expects a function to return results of attention, but got ")
               << (result.getDefiningOp() ? "a constant" : "an argument");
  }
  if (module.getOps<func::FuncOp>().empty())
    return module.emitError("expects at least one function with attention, but found none");
  return success();
}

FailureOr<OwningOpRef<ModuleOp>> runStage(const Request &request, const Input &input, llvm::StringRef stage) {
  OwningOpRef<ModuleOp> module(input.module.get().clone());
  LogicalResult result = runPipeline(*module, [&](OpPassManager &pm) {
    ToTilesOptions options;
    options.target = request.target;
    options.tileQ = request.tileQ;
    options.tileK = request.tileK;
    options.reindex = request.reindex;
    options.remarks = request.remarks;
    if (stage == "tile")
      return buildToTilesPipeline(pm, options);
    if (stage == "schedule")
      return buildToSchedulesPipeline(pm, options);
    pm.addPass(createSimplifyPatterns());
  });
  if (failed(result))
    return failure();
  return module;
}

std::string makeIdentifier(llvm::StringRef name) {
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  return result.empty() || llvm::isDigit(result.front()) ? "_" + result : result;
}

std::string getEntrySymbol(const Request &request, const cpu::Level &level, llvm::StringRef kernel,
                           llvm::StringRef entry) {
  return request.moduleName + "_" + kernel.str() + "_" + entry.str() + "_" + makeIdentifier(level.name);
}

/// Gives every function of a level the level's CPU and a name of its own.
static void markFunctions(const Request &request, const cpu::Level &level, llvm::Module &code) {
  for (llvm::Function &function : code) {
    if (function.isDeclaration())
      continue;
    auto [kernel, entry] = function.getName().rsplit('_');
    function.setName(getEntrySymbol(request, level, kernel, entry));
    function.setLinkage(llvm::GlobalValue::InternalLinkage);
    function.addFnAttr("target-cpu", level.cpu);
    if (!level.features.empty())
      function.addFnAttr("target-features", level.features);
    // Kernels are written in full-width vectors; some CPU models would have LLVM split them.
    function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr("min-legal-vector-width", "512");
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
}

/// What the runtime has to find on a CPU of this level.
static FailureOr<CompiledLevel> startLevel(const cpu::Level &level, ModuleOp module) {
  CompiledLevel result;
  result.level = level;
  std::string message;
  FailureOr<std::vector<std::string>> features = cpu::getRequiredFeatures(level, message);
  if (failed(features))
    return module.emitError(message);
  result.features = *features;
  return result;
}

static LogicalResult finishLevel(const Request &request, ModuleOp lowered, llvm::LLVMContext &context,
                                 CompiledLevel &result) {
  result.code = translateModuleToLLVMIR(lowered, context, request.moduleName);
  if (!result.code)
    return failure();
  markFunctions(request, result.level, *result.code);
  return success();
}

static FailureOr<CompiledLevel> compileLevel(const Request &request, ModuleOp tiles, const cpu::Level &level,
                                             llvm::LLVMContext &context) {
  FailureOr<CompiledLevel> result = startLevel(level, tiles);
  if (failed(result))
    return failure();
  OwningOpRef<ModuleOp> lowered(tiles.clone());
  ToCPUOptions options;
  options.cpu = level.cpu;
  options.features = level.features;
  if (failed(runPipeline(*lowered, [&](OpPassManager &pm) { buildTilesToLLVMPipeline(pm, options); })))
    return failure();
  lowered->walk([&](LLVM::LLVMFuncOp function) {
    if (auto bytes = function->getAttrOfType<IntegerAttr>(cpu::kScratchBytesAttr))
      result->scratchBytes[function.getSymName().rsplit('_').first.str()] = bytes.getInt();
  });
  if (failed(finishLevel(request, *lowered, context, *result)))
    return failure();
  return result;
}

FailureOr<OwningOpRef<ModuleOp>> convertToNVVM(const Request &request, ModuleOp tiles) {
  OwningOpRef<ModuleOp> kernels(tiles.clone());
  if (failed(runPipeline(*kernels, [&](OpPassManager &pm) { buildTilesToNVVMPipeline(pm, request.target); })))
    return failure();
  return kernels;
}

/// Puts the kernels of a file, as --emit=nvvm writes them, in the place of the compiler's. They have to be the same as
/// far as the runtime sees them.
static LogicalResult replaceKernels(const Request &request, ModuleOp kernels) {
  OwningOpRef<ModuleOp> file = parseSourceFile<ModuleOp>(request.kernelsPath, kernels.getContext());
  if (!file)
    return failure();
  auto modules = file->getOps<gpu::GPUModuleOp>();
  if (!llvm::hasSingleElement(modules))
    return file->emitError("expects one gpu.module, as --emit=nvvm writes it");
  gpu::GPUModuleOp edited = *modules.begin(), original = *kernels.getOps<gpu::GPUModuleOp>().begin();
  SymbolTable symbols(edited);
  for (auto function : original.getOps<LLVM::LLVMFuncOp>()) {
    auto replacement = symbols.lookup<LLVM::LLVMFuncOp>(function.getSymName());
    if (!replacement)
      return edited.emitError("expects a kernel '") << function.getSymName() << "', but found none";
    if (replacement.getFunctionType() != function.getFunctionType() ||
        replacement.getAllArgAttrs() != function.getAllArgAttrs() ||
        replacement->getAttr(nvvm::kLaunchAttr) != function->getAttr(nvvm::kLaunchAttr))
      return replacement.emitOpError("expects the parameters and the launch of the kernel that it replaces");
  }
  edited->remove();
  original->getBlock()->getOperations().insert(original->getIterator(), edited);
  original.erase();
  return success();
}

/// A GPU artifact: the kernels, and the host code that `prepare` runs.
static LogicalResult compileForGpu(const Request &request, Compiled &compiled, llvm::LLVMContext &context) {
  FailureOr<OwningOpRef<ModuleOp>> kernels = convertToNVVM(request, *compiled.tiles);
  if (failed(kernels))
    return failure();
  if (!request.kernelsPath.empty() && failed(replaceKernels(request, **kernels)))
    return failure();
  FailureOr<DeviceCode> device = compileDevice(request, **kernels, context);
  if (failed(device))
    return failure();
  compiled.device = std::move(*device);
  FailureOr<CompiledLevel> host = startLevel(request.levels.front(), **kernels);
  if (failed(host))
    return failure();
  for (auto module : llvm::to_vector((*kernels)->getOps<gpu::GPUModuleOp>()))
    module.erase();
  if (failed(runPipeline(**kernels, buildHostToLLVMPipeline)) ||
      failed(finishLevel(request, **kernels, context, *host)))
    return failure();
  compiled.levels.push_back(std::move(*host));
  return success();
}

FailureOr<Compiled> compileInput(const Request &request, const Input &input, llvm::LLVMContext &context) {
  FailureOr<OwningOpRef<ModuleOp>> tiles = runStage(request, input, "tile");
  if (failed(tiles))
    return failure();
  Compiled compiled;
  compiled.tiles = std::move(*tiles);
  if (!request.isForCpu()) {
    if (failed(compileForGpu(request, compiled, context)))
      return failure();
    return compiled;
  }
  for (const cpu::Level &level : request.levels) {
    FailureOr<CompiledLevel> one = compileLevel(request, *compiled.tiles, level, context);
    if (failed(one))
      return failure();
    compiled.levels.push_back(std::move(*one));
  }
  return compiled;
}

} // namespace mlir::sparse_attn::compile
