//===- DeviceCompilation.cpp - GPU kernels to PTX and host code -----------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "passes/Passes.h"
#include "passes/nvvm/KernelEmitter.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"

using namespace mlir;
using namespace mlir::sparse_attn;

namespace mlir::sparse_attn::compile {

std::string DeviceCode::getSymbol(const Request &request, llvm::StringRef kernel) {
  return makeIdentifier((request.moduleName + "_" + kernel).str());
}

/// A copy of the kernels, lowered by `pass` and translated.
static std::unique_ptr<llvm::Module> lower(ModuleOp kernels, std::unique_ptr<Pass> pass, llvm::LLVMContext &context,
                                           llvm::StringRef name) {
  OwningOpRef<ModuleOp> copy(kernels.clone());
  auto device = *copy->getOps<gpu::GPUModuleOp>().begin();
  PassManager pm(copy->getContext(), gpu::GPUModuleOp::getOperationName());
  pm.addPass(std::move(pass));
  if (failed(pm.run(device)))
    return nullptr;
  return translateModuleToLLVMIR(device, context, name);
}

/// Host code of the kernels, each under the name of its entry.
static std::unique_ptr<llvm::Module> compileSimulated(const Request &request, ModuleOp kernels,
                                                      llvm::LLVMContext &context) {
  std::unique_ptr<llvm::Module> code = lower(kernels, createNVVMToSimulator(), context, request.moduleName);
  if (!code)
    return nullptr;
  const cpu::Level &level = request.levels.front();
  for (llvm::Function &function : *code) {
    if (function.isDeclaration())
      continue;
    function.setName(getEntrySymbol(request, level, function.getName(), "simulate"));
    function.addFnAttr("target-cpu", level.cpu);
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
  return code;
}

/// Instructions that all threads of a warp execute together must not be copied into branches, nor moved between them.
/// LLVM knows that of intrinsics; inline assembly has to say so.
static void markConvergent(llvm::Module &code) {
  for (llvm::Function &function : code)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction); call && call->isInlineAsm())
        call->setConvergent();
}

FailureOr<DeviceCode> compileDevice(const Request &request, ModuleOp kernels, llvm::LLVMContext &context) {
  DeviceCode result;
  kernels.walk([&](LLVM::LLVMFuncOp function) {
    if (auto launch = function->getAttrOfType<DictionaryAttr>(nvvm::kLaunchAttr))
      result.launches[function.getSymName().str()] = launch;
  });
  if (request.simulate && !(result.simulated = compileSimulated(request, kernels, context)))
    return failure();
  std::unique_ptr<llvm::Module> code = lower(kernels, createLowerNVVM(), context, request.moduleName);
  if (!code)
    return failure();
  markConvergent(*code);
  for (llvm::Function &function : *code)
    if (!function.isDeclaration())
      function.setName(DeviceCode::getSymbol(request, function.getName()));
  std::string message;
  FailureOr<nvvm::Target> target = nvvm::getTarget(request.target, message);
  if (failed(target))
    return kernels.emitError(message);
  if (std::string error = generatePtx(*code, target->chip, target->features, result.ptx); !error.empty())
    return kernels.emitError("code generation failed: ") << error;
  if (request.emit == "ptx")
    return result;
  FailureOr<std::string> cubin = assemble(request, result.ptx, kernels.getLoc());
  if (failed(cubin))
    return failure();
  result.cubin = std::move(*cubin);
  return result;
}

} // namespace mlir::sparse_attn::compile
