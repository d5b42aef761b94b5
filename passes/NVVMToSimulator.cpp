//===- NVVMToSimulator.cpp - GPU kernels as host code ---------------------===//
//
// Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The simulated device runs the very IR that becomes PTX. What is scalar code
// runs as it is; every op that only a GPU has becomes a call through the table
// of sparse_attn/SimulatorCalls.def, so that the compiled kernel needs no symbol
// of anybody.
//
//===----------------------------------------------------------------------===//

#include "dialect/nvvm/Nvvm.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "passes/Passes.h"
#include "passes/nvvm/LowerDevice.h"

namespace mlir::sparse_attn {
#define GEN_PASS_DEF_NVVMTOSIMULATOR
#include "passes/Passes.h.inc"
} // namespace mlir::sparse_attn

using namespace mlir;
using namespace mlir::sparse_attn;
using namespace mlir::sparse_attn::nvvm;

namespace {

/// Places in the table of calls.
enum class Call : int32_t {
#define SPARSE_ATTN_SIMULATOR_CALL(name, ...) name,
#include "sparse_attn/SimulatorCalls.def"
};

/// Emits calls of the simulator inside a lowered kernel, whose first two arguments are the table and the thread.
class CallBuilder {
public:
  CallBuilder(Operation *op, ConversionPatternRewriter &rewriter)
      : function(op->getParentOfType<LLVM::LLVMFuncOp>()), rewriter(rewriter), loc(op->getLoc()) {}

  /// The result is null where `result` is.
  Value call(Call callee, Type result, ValueRange arguments) {
    Type pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    Value entry = LLVM::GEPOp::create(rewriter, loc, pointer, pointer, function.getArgument(0),
                                      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(callee)});
    SmallVector<Value> operands{LLVM::LoadOp::create(rewriter, loc, pointer, entry), function.getArgument(1)};
    llvm::append_range(operands, arguments);
    SmallVector<Type> types = llvm::map_to_vector(llvm::drop_begin(operands), [](Value v) { return v.getType(); });
    Type none = LLVM::LLVMVoidType::get(rewriter.getContext());
    auto type = LLVM::LLVMFunctionType::get(result ? result : none, types);
    auto call = LLVM::CallOp::create(rewriter, loc, type, operands);
    return result ? call.getResult() : Value();
  }

  Value integer(int64_t value) {
    return LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value wideInteger(int64_t value) {
    return LLVM::ConstantOp::create(rewriter, loc, rewriter.getI64IntegerAttr(value));
  }
  Value null() { return LLVM::ZeroOp::create(rewriter, loc, LLVM::LLVMPointerType::get(rewriter.getContext())); }

  /// Room on the stack for a value, made once a call of the kernel.
  Value allocate(Type type) {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(&function.getBody().front());
    return LLVM::AllocaOp::create(rewriter, loc, LLVM::LLVMPointerType::get(rewriter.getContext()), type, integer(1));
  }
  Value load(Value pointer, Type type) { return LLVM::LoadOp::create(rewriter, loc, type, pointer); }
  void store(Value value, Value pointer) { LLVM::StoreOp::create(rewriter, loc, value, pointer); }

  /// Values of one type, as an array in memory.
  Value storeArray(ValueRange values) {
    auto type = LLVM::LLVMArrayType::get(values.front().getType(), values.size());
    Value array = allocate(type);
    for (auto [index, value] : llvm::enumerate(values))
      store(value, elementOf(array, type, index));
    return array;
  }
  SmallVector<Value> loadArray(Value array, Type elementType, size_t count) {
    auto type = LLVM::LLVMArrayType::get(elementType, count);
    SmallVector<Value> values;
    for (size_t i = 0; i < count; ++i)
      values.push_back(load(elementOf(array, type, i), elementType));
    return values;
  }

private:
  Value elementOf(Value array, LLVM::LLVMArrayType type, size_t index) {
    return LLVM::GEPOp::create(rewriter, loc, array.getType(), type, array,
                               ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(index)});
  }

  LLVM::LLVMFuncOp function;
  ConversionPatternRewriter &rewriter;
  Location loc;
};

/// Replaces an op by what `lower` returns: its results.
template <typename OpT> class Lowering final : public OpConversionPattern<OpT> {
public:
  using Function = SmallVector<Value> (*)(OpT op, typename OpT::Adaptor operands, CallBuilder &calls);
  Lowering(MLIRContext *context, Function lower) : OpConversionPattern<OpT>(context), lower(lower) {}

  LogicalResult matchAndRewrite(OpT op, typename OpT::Adaptor operands,
                                ConversionPatternRewriter &rewriter) const override {
    CallBuilder calls(op, rewriter);
    rewriter.replaceOp(op, lower(op, operands, calls));
    return success();
  }

private:
  Function lower;
};

class PatternList {
public:
  explicit PatternList(RewritePatternSet &patterns) : patterns(patterns) {}

  template <typename OpT> void add(typename Lowering<OpT>::Function lower) {
    patterns.add<Lowering<OpT>>(patterns.getContext(), lower);
  }
  /// An op whose operands are those of the call.
  template <typename OpT, Call callee> void addCall() {
    add<OpT>([](OpT op, typename OpT::Adaptor operands, CallBuilder &calls) -> SmallVector<Value> {
      if (op->getNumResults() == 0)
        return calls.call(callee, Type(), operands.getOperands()), SmallVector<Value>();
      return {calls.call(callee, op->getResult(0).getType(), operands.getOperands())};
    });
  }

private:
  RewritePatternSet &patterns;
};

void addThreadPatterns(PatternList &list) {
  list.addCall<SharedMemoryOp, Call::shared_memory>();
  list.addCall<NVVM::ThreadIdXOp, Call::thread_id>();
  list.addCall<NVVM::BlockIdXOp, Call::block_id>();
  list.addCall<NVVM::GridDimXOp, Call::grid_size>();
  list.add<NVVM::BarrierOp>([](NVVM::BarrierOp op, NVVM::BarrierOp::Adaptor operands, CallBuilder &calls) {
    Value id = operands.getBarrierId() ? operands.getBarrierId() : calls.integer(0);
    Value threads = operands.getNumberOfThreads() ? operands.getNumberOfThreads() : calls.integer(0);
    calls.call(Call::barrier, Type(), {id, threads});
    return SmallVector<Value>();
  });
  list.add<NVVM::ShflOp>([](NVVM::ShflOp op, NVVM::ShflOp::Adaptor operands, CallBuilder &calls) -> SmallVector<Value> {
    Call callee = op.getKind() == NVVM::ShflKind::bfly ? Call::shuffle_xor : Call::shuffle_index;
    return {calls.call(callee, op.getType(), {operands.getVal(), operands.getOffset()})};
  });
}

void addMathPatterns(PatternList &list) {
  list.addCall<Exp2Op, Call::exp2>();
  list.addCall<Log2Op, Call::log2>();
  list.addCall<ReciprocalOp, Call::reciprocal>();
  list.add<PackHalvesOp>([](PackHalvesOp op, PackHalvesOp::Adaptor operands, CallBuilder &calls) -> SmallVector<Value> {
    Value isBFloat = calls.integer(op.getElementType().isBF16());
    return {calls.call(Call::pack_halves, op.getType(), {operands.getHi(), operands.getLo(), isBFloat})};
  });
}

/// cp.async, ldmatrix, mma.sync.
void addAmperePatterns(PatternList &list) {
  list.add<NVVM::CpAsyncOp>([](NVVM::CpAsyncOp op, NVVM::CpAsyncOp::Adaptor operands, CallBuilder &calls) {
    Value bytes = operands.getCpSize() ? operands.getCpSize() : calls.integer(op.getSize());
    calls.call(Call::copy_async, Type(), {operands.getDst(), operands.getSrc(), bytes});
    return SmallVector<Value>();
  });
  list.addCall<NVVM::CpAsyncCommitGroupOp, Call::copy_async_commit>();
  list.add<NVVM::CpAsyncWaitGroupOp>(
      [](NVVM::CpAsyncWaitGroupOp op, NVVM::CpAsyncWaitGroupOp::Adaptor, CallBuilder &calls) {
        calls.call(Call::copy_async_wait, Type(), {calls.integer(op.getN())});
        return SmallVector<Value>();
      });
  list.add<NVVM::LdMatrixOp>(
      [](NVVM::LdMatrixOp op, NVVM::LdMatrixOp::Adaptor operands, CallBuilder &calls) -> SmallVector<Value> {
        Value words = calls.allocate(op.getType());
        Value isTransposed = calls.integer(op.getLayout() == NVVM::MMALayout::col);
        calls.call(Call::load_matrix, Type(), {words, operands.getPtr(), isTransposed});
        return {calls.load(words, op.getType())};
      });
}

struct LowerMma final : OpConversionPattern<NVVM::MmaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(NVVM::MmaOp op, OpAdaptor operands,
                                ConversionPatternRewriter &rewriter) const override {
    CallBuilder calls(op, rewriter);
    SmallVector<Value> arguments{calls.storeArray(operands.getOperandC())};
    for (ValueRange words : {operands.getOperandA(), operands.getOperandB()})
      for (Value word : words)
        arguments.push_back(word.getType().isInteger(32)
                                ? word
                                : LLVM::BitcastOp::create(rewriter, op.getLoc(), rewriter.getI32Type(), word));
    arguments.push_back(calls.integer(op.getMultiplicandAPtxType() == NVVM::MMATypes::bf16));
    calls.call(Call::multiply, Type(), arguments);
    rewriter.replaceOp(op, calls.load(arguments.front(), op.getType()));
    return success();
  }
};

/// Calls take the coordinates of the most dimensions that a map has.
static void appendCoordinates(SmallVectorImpl<Value> &arguments, ValueRange coordinates, CallBuilder &calls) {
  constexpr size_t kMaxRank = 5;
  llvm::append_range(arguments, coordinates);
  for (size_t i = coordinates.size(); i < kMaxRank; ++i)
    arguments.push_back(calls.integer(0));
}

/// TMA, mbarriers, warp roles.
void addHopperPatterns(PatternList &list) {
  list.addCall<NVVM::MBarrierInitOp, Call::mbarrier_init>();
  list.addCall<NVVM::MBarrierArriveOp, Call::mbarrier_arrive>();
  list.addCall<NVVM::MBarrierArriveExpectTxOp, Call::mbarrier_arrive_expect>();
  list.add<NVVM::MBarrierTryWaitParityOp>(
      [](NVVM::MBarrierTryWaitParityOp, NVVM::MBarrierTryWaitParityOp::Adaptor operands, CallBuilder &calls) {
        calls.call(Call::mbarrier_wait, Type(), {operands.getAddr(), operands.getPhase()});
        return SmallVector<Value>();
      });
  // The simulator's threads of a warp meet in any collective call.
  list.add<NVVM::SyncWarpOp>([](NVVM::SyncWarpOp, NVVM::SyncWarpOp::Adaptor, CallBuilder &calls) {
    Value zero = calls.integer(0);
    calls.call(Call::shuffle_index, zero.getType(), {zero, zero});
    return SmallVector<Value>();
  });
  list.addCall<NVVM::FenceMbarrierInitOp, Call::fence_mbarrier_init>();
  list.addCall<NVVM::FenceProxyOp, Call::fence_async>();
  list.addCall<NVVM::CpAsyncBulkCommitGroupOp, Call::tensor_store_commit>();
  list.add<NVVM::CpAsyncBulkWaitGroupOp>(
      [](NVVM::CpAsyncBulkWaitGroupOp op, NVVM::CpAsyncBulkWaitGroupOp::Adaptor, CallBuilder &calls) {
        calls.call(Call::tensor_store_wait, Type(), {calls.integer(op.getGroup())});
        return SmallVector<Value>();
      });
  list.add<NVVM::BarrierArriveOp>(
      [](NVVM::BarrierArriveOp, NVVM::BarrierArriveOp::Adaptor operands, CallBuilder &calls) {
        calls.call(Call::barrier_arrive, Type(), {operands.getBarrierId(), operands.getNumberOfThreads()});
        return SmallVector<Value>();
      });
  list.add<NVVM::SetMaxRegisterOp>([](NVVM::SetMaxRegisterOp op, NVVM::SetMaxRegisterOp::Adaptor, CallBuilder &calls) {
    Value isIncrease = calls.integer(op.getAction() == NVVM::SetMaxRegisterAction::increase);
    calls.call(Call::set_max_registers, Type(), {calls.integer(op.getRegCount()), isIncrease});
    return SmallVector<Value>();
  });
  list.add<NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp>(
      [](NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp,
         NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::Adaptor operands, CallBuilder &calls) {
        SmallVector<Value> arguments{operands.getDstMem(), operands.getTmaDescriptor(), operands.getMbar()};
        appendCoordinates(arguments, operands.getCoordinates(), calls);
        calls.call(Call::tensor_load, Type(), arguments);
        return SmallVector<Value>();
      });
  list.add<NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp>([](NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp,
                                                          NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::Adaptor operands,
                                                          CallBuilder &calls) {
    SmallVector<Value> arguments{operands.getTmaDescriptor(), operands.getSrcMem()};
    appendCoordinates(arguments, operands.getCoordinates(), calls);
    calls.call(Call::tensor_store, Type(), arguments);
    return SmallVector<Value>();
  });
}

/// wgmma.
void addWarpgroupPatterns(PatternList &list) {
  list.add<ReleaseOp>([](ReleaseOp, ReleaseOp::Adaptor operands, CallBuilder &calls) {
    calls.call(Call::mbarrier_arrive, Type(), {operands.getBarrier()});
    return SmallVector<Value>();
  });
  list.addCall<NVVM::WgmmaFenceAlignedOp, Call::warpgroup_fence>();
  list.addCall<NVVM::WgmmaGroupSyncAlignedOp, Call::warpgroup_commit>();
  list.add<WgmmaWaitOp>([](WgmmaWaitOp op, WgmmaWaitOp::Adaptor operands, CallBuilder &calls) {
    Value values = calls.storeArray(operands.getValues());
    Value count = calls.integer(op.getNumResults()), pending = calls.integer(op.getPending());
    calls.call(Call::warpgroup_wait, Type(), {values, count, pending});
    return calls.loadArray(values, op.getResult(0).getType(), op.getNumResults());
  });
  list.add<WgmmaOp>([](WgmmaOp op, WgmmaOp::Adaptor operands, CallBuilder &calls) {
    enum Flag { Accumulate = 1, Transposed = 2, BFloat = 4 };
    size_t count = op.getNumResults();
    Type number = op.getResult(0).getType();
    bool accumulates = !operands.getAccumulator().empty();
    Value values = accumulates ? calls.storeArray(operands.getAccumulator())
                               : calls.allocate(LLVM::LLVMArrayType::get(number, count));
    int64_t flags = (accumulates ? Accumulate : 0) | (op.getTransposed() ? Transposed : 0) |
                    (op.getElementType().isBF16() ? BFloat : 0);
    Value words = operands.getA().empty() ? calls.null() : calls.storeArray(operands.getA());
    Value descriptorA = operands.getDescriptorA() ? operands.getDescriptorA() : calls.wideInteger(0);
    calls.call(Call::warpgroup_multiply, Type(),
               {values, calls.integer(2 * count), calls.integer(flags), words, descriptorA, operands.getDescriptorB()});
    return calls.loadArray(values, number, count);
  });
}

/// Gives a kernel the arguments of a simulated one: table, thread, tensor maps, block.
void rewriteSignature(LLVM::LLVMFuncOp function) {
  MLIRContext *context = function.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context);
  Block &body = function.getBody().front();
  bool hasMaps = function.getNumArguments() == 2;
  for (NamedAttribute attribute : llvm::to_vector(function->getDiscardableAttrs()))
    if (attribute.getName().strref().starts_with("nvvm."))
      function->removeDiscardableAttr(attribute.getName());
  function.removeArgAttrsAttr();
  for (unsigned argument = 0; argument < (hasMaps ? 2u : 3u); ++argument)
    body.insertArgument(argument, pointer, function.getLoc());
  Type none = LLVM::LLVMVoidType::get(context);
  function.setFunctionType(LLVM::LLVMFunctionType::get(none, SmallVector<Type>(4, pointer)));
}

struct NVVMToSimulatorPass final : sparse_attn::impl::NVVMToSimulatorBase<NVVMToSimulatorPass> {
  using Base::Base;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>())
      rewriteSignature(function);
    RewritePatternSet patterns(&getContext());
    PatternList list(patterns);
    addThreadPatterns(list);
    addMathPatterns(list);
    addAmperePatterns(list);
    addHopperPatterns(list);
    addWarpgroupPatterns(list);
    patterns.add<LowerMma>(&getContext());
    if (failed(nvvm::lowerDevice(getOperation(), std::move(patterns), /*keepNVVM=*/false)))
      return signalPassFailure();
  }
};

} // namespace
