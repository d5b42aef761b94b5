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
static constexpr uint32_t kFormatVersion = 1;
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

/// `sparse_attn_image`: manifest, its bytes, the table of entries, their number.
static void addImage(Module &module, StringRef moduleName, GlobalVariable *manifest, ArrayRef<std::string> entries) {
  LLVMContext &context = module.getContext();
  llvm::Type *pointer = PointerType::getUnqual(context), *word = llvm::Type::getInt64Ty(context);
  SmallVector<Constant *> functions;
  for (const std::string &entry : entries)
    functions.push_back(module.getFunction(entry));
  auto *tableType = ArrayType::get(pointer, functions.size());
  auto *table = new GlobalVariable(module, tableType, true, GlobalValue::InternalLinkage,
                                   ConstantArray::get(tableType, functions), "sparse_attn_entries");
  auto *imageType = StructType::get(context, {pointer, word, pointer, word});
  uint64_t manifestBytes = manifest->getValueType()->getArrayNumElements();
  Constant *image = ConstantStruct::get(
      imageType, {manifest, ConstantInt::get(word, manifestBytes), table, ConstantInt::get(word, functions.size())});
  new GlobalVariable(module, imageType, true, GlobalValue::ExternalLinkage, image, moduleName + "_sparse_attn_image");
}

std::unique_ptr<Module> joinLevels(const Request &request, MutableArrayRef<CompiledLevel> levels,
                                   const json::Object &manifest, ArrayRef<std::string> entries) {
  std::unique_ptr<Module> joined = std::move(levels.front().code);
  Linker linker(*joined);
  for (CompiledLevel &level : levels.drop_front()) {
    // Linking drops internal functions that nobody uses yet, so they are external for the moment.
    for (Function &function : *level.code)
      if (!function.isDeclaration())
        function.setLinkage(GlobalValue::ExternalLinkage);
    if (linker.linkInModule(std::move(level.code)))
      return nullptr;
  }
  for (Function &function : *joined)
    if (!function.isDeclaration())
      function.setLinkage(GlobalValue::InternalLinkage);
  addImage(*joined, request.moduleName, addManifest(*joined, manifest), entries);
  joined->setTargetTriple(Triple(kTriple));
  joined->setDataLayout(getTargetMachine().createDataLayout());
  return joined;
}

std::string optimize(Module &module) {
  return recover([&] {
    TargetMachine &machine = getTargetMachine();
    module.setTargetTriple(Triple(kTriple));
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
  });
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
      return "expects a predicate that needs no library, but it calls '" + name->str() + "'";
    consumeError(flags.takeError());
    consumeError(name.takeError());
  }
  return "";
}

std::string generateCode(Module &module, bool assembly, SmallVectorImpl<char> &output) {
  std::string unsupported;
  std::string message = recover([&] {
    raw_svector_ostream stream(output);
    legacy::PassManager passes;
    auto kind = assembly ? CodeGenFileType::AssemblyFile : CodeGenFileType::ObjectFile;
    if (getTargetMachine().addPassesToEmitFile(passes, stream, nullptr, kind))
      unsupported = "the target emits no such file";
    else
      passes.run(module);
  });
  return message.empty() ? unsupported : message;
}

} // namespace mlir::sparse_attn::compile
