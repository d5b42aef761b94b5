//===- CodeGeneration.cpp - LLVM IR to machine code -----------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All CPU levels go through one LLVM module: each function carries its own
// target-cpu, so one code generator run makes one object.
//
//===----------------------------------------------------------------------===//

#include "Compilation.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace mlir::sparse_attn::compile {

/// See docs/artifact.md.
static constexpr char kMagic[] = "SPRSATTN";
static constexpr uint32_t kFormatVersion = 2;
static constexpr char kTriple[] = "x86_64-unknown-linux-gnu";

static TargetMachine &getTargetMachine() {
  static std::unique_ptr<TargetMachine> machine = [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
    std::string error;
    Triple triple(kTriple);
    const Target *target = TargetRegistry::lookupTarget(triple, error);
    TargetOptions options;
    return std::unique_ptr<TargetMachine>(target->createTargetMachine(triple, "x86-64", "", options, Reloc::PIC_,
                                                                      std::nullopt, CodeGenOptLevel::Aggressive));
  }();
  return *machine;
}

/// Code generation stops on some errors by calling a fatal error handler. This runs it so that such an error, or a
/// crash, becomes a message.
static std::string recover(function_ref<void()> run) {
  std::string message;
  auto handler = [](void *data, const char *reason, bool) {
    *static_cast<std::string *>(data) = reason;
    if (CrashRecoveryContext *context = CrashRecoveryContext::GetCurrent())
      context->HandleExit(1);
  };
  install_fatal_error_handler(handler, &message);
  CrashRecoveryContext::Enable();
  CrashRecoveryContext recovery;
  bool finished = recovery.RunSafely(run);
  CrashRecoveryContext::Disable();
  remove_fatal_error_handler();
  if (!finished && message.empty())
    message = "the code generator crashed";
  return message;
}

/// The manifest with its header, in its own section.
static GlobalVariable *addManifest(Module &module, const json::Object &manifest) {
  std::string text;
  raw_string_ostream(text) << json::Value(json::Object(manifest));
  std::string section(kMagic, 8);
  char words[8];
  support::endian::write32le(words, kFormatVersion);
  support::endian::write32le(words + 4, static_cast<uint32_t>(text.size()));
  section.append(words, 8);
  section += text;
  Constant *bytes = ConstantDataArray::getString(module.getContext(), section, /*AddNull=*/false);
  auto *global = new GlobalVariable(module, bytes->getType(), /*isConstant=*/true, GlobalValue::InternalLinkage, bytes,
                                    "sparse_attn_manifest");
  global->setSection(".sparse_attn.manifest");
  global->setAlignment(Align(8));
  appendToUsed(module, {global});
  return global;
}

/// A constant of the artifact's own.
static GlobalVariable *addConstant(Module &module, Constant *value, const Twine &name) {
  return new GlobalVariable(module, value->getType(), /*isConstant=*/true, GlobalValue::InternalLinkage, value, name);
}

/// The table of `sparse_attn_blob`: address and bytes of each.
static Constant *addBlobs(Module &module, const Blobs &blobs) {
  LLVMContext &context = module.getContext();
  llvm::Type *pointer = PointerType::getUnqual(context), *word = llvm::Type::getInt64Ty(context);
  if (blobs.empty())
    return ConstantPointerNull::get(cast<PointerType>(pointer));
  auto *blobType = StructType::get(context, {pointer, word});
  SmallVector<Constant *> table;
  for (const std::string &blob : blobs) {
    Constant *bytes = ConstantDataArray::getString(context, blob, /*AddNull=*/false);
    GlobalVariable *data = addConstant(module, bytes, "sparse_attn_blob");
    data->setAlignment(Align(16));
    table.push_back(ConstantStruct::get(blobType, {data, ConstantInt::get(word, blob.size())}));
  }
  return addConstant(module, ConstantArray::get(ArrayType::get(blobType, table.size()), table), "sparse_attn_blobs");
}

/// `sparse_attn_image`: manifest, its bytes, the table of entries, their number, the table of blobs, their number.
static void addImage(Module &module, StringRef moduleName, GlobalVariable *manifest, ArrayRef<std::string> entries,
                     const Blobs &blobs) {
  LLVMContext &context = module.getContext();
  llvm::Type *pointer = PointerType::getUnqual(context), *word = llvm::Type::getInt64Ty(context);
  SmallVector<Constant *> functions;
  for (const std::string &entry : entries)
    functions.push_back(module.getFunction(entry));
  auto *tableType = ArrayType::get(pointer, functions.size());
  GlobalVariable *table = addConstant(module, ConstantArray::get(tableType, functions), "sparse_attn_entries");
  auto *imageType = StructType::get(context, {pointer, word, pointer, word, pointer, word});
  uint64_t manifestBytes = manifest->getValueType()->getArrayNumElements();
  Constant *image = ConstantStruct::get(imageType, {manifest, ConstantInt::get(word, manifestBytes), table,
                                                    ConstantInt::get(word, functions.size()), addBlobs(module, blobs),
                                                    ConstantInt::get(word, blobs.size())});
  new GlobalVariable(module, imageType, true, GlobalValue::ExternalLinkage, image, moduleName + "_sparse_attn_image");
}

std::unique_ptr<Module> joinCode(const Request &request, Compiled &compiled, const json::Object &manifest,
                                 ArrayRef<std::string> entries, const Blobs &blobs) {
  std::vector<std::unique_ptr<Module>> parts;
  for (CompiledLevel &level : compiled.levels)
    parts.push_back(std::move(level.code));
  if (compiled.device && compiled.device->simulated)
    parts.push_back(std::move(compiled.device->simulated));
  std::unique_ptr<Module> joined = std::move(parts.front());
  Linker linker(*joined);
  for (std::unique_ptr<Module> &part : drop_begin(parts)) {
    // Linking drops internal functions that nobody uses yet, so they are external for the moment.
    for (Function &function : *part)
      if (!function.isDeclaration())
        function.setLinkage(GlobalValue::ExternalLinkage);
    if (linker.linkInModule(std::move(part)))
      return nullptr;
  }
  for (Function &function : *joined)
    if (!function.isDeclaration())
      function.setLinkage(GlobalValue::InternalLinkage);
  addImage(*joined, request.moduleName, addManifest(*joined, manifest), entries, blobs);
  joined->setTargetTriple(Triple(kTriple));
  joined->setDataLayout(getTargetMachine().createDataLayout());
  return joined;
}

static void runOptimizer(Module &module, TargetMachine &machine) {
  module.setDataLayout(machine.createDataLayout());
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager callGraph;
  ModuleAnalysisManager modules;
  PassBuilder passes(&machine);
  passes.registerModuleAnalyses(modules);
  passes.registerCGSCCAnalyses(callGraph);
  passes.registerFunctionAnalyses(functions);
  passes.registerLoopAnalyses(loops);
  passes.crossRegisterProxies(loops, functions, callGraph, modules);
  passes.buildPerModuleDefaultPipeline(OptimizationLevel::O3).run(module, modules);
}

/// Emits a file; says where the target cannot.
static std::string emitFile(Module &module, TargetMachine &machine, CodeGenFileType kind,
                            SmallVectorImpl<char> &output) {
  raw_svector_ostream stream(output);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, kind))
    return "the target emits no such file";
  passes.run(module);
  return "";
}

std::string optimize(Module &module) {
  return recover([&] {
    module.setTargetTriple(Triple(kTriple));
    runOptimizer(module, getTargetMachine());
  });
}

std::string generatePtx(Module &module, StringRef chip, StringRef features, std::string &ptx) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return error;
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
      triple, chip, features, TargetOptions(), std::nullopt, std::nullopt, CodeGenOptLevel::Aggressive));
  SmallVector<char, 0> text;
  std::string unsupported;
  std::string message = recover([&] {
    module.setTargetTriple(triple);
    runOptimizer(module, *machine);
    unsupported = emitFile(module, *machine, CodeGenFileType::AssemblyFile, text);
  });
  ptx.assign(text.begin(), text.end());
  return message.empty() ? unsupported : message;
}

std::string findForeignSymbol(StringRef object) {
  Expected<std::unique_ptr<object::ObjectFile>> file =
      object::ObjectFile::createObjectFile(MemoryBufferRef(object, "artifact"));
  if (!file)
    return toString(file.takeError());
  for (const object::SymbolRef &symbol : (*file)->symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    Expected<StringRef> name = symbol.getName();
    if (flags && name && (*flags & object::SymbolRef::SF_Undefined) && !name->empty() &&
        !is_contained({"memcpy", "memmove", "memset"}, *name))
      return "expects predicates and scores that need no library, but it calls '" + name->str() + "'";
    consumeError(flags.takeError());
    consumeError(name.takeError());
  }
  return "";
}

std::string generateCode(Module &module, bool assembly, SmallVectorImpl<char> &output) {
  std::string unsupported;
  auto kind = assembly ? CodeGenFileType::AssemblyFile : CodeGenFileType::ObjectFile;
  std::string message = recover([&] { unsupported = emitFile(module, getTargetMachine(), kind, output); });
  return message.empty() ? unsupported : message;
}

} // namespace mlir::sparse_attn::compile
