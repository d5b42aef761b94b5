// RUN: sparse-attn-opt %s --sparse-attn-to-tiles="target=sm_80 tile-q=64 tile-k=16" \
// RUN:   --sparse-attn-convert-to-nvvm=chip=sm_80 --cse > %t.ampere
// RUN: FileCheck %s --check-prefixes=CHECK,AMPERE < %t.ampere
// RUN: sparse-attn-opt %s --sparse-attn-to-tiles="target=sm_90a tile-q=128 tile-k=16" \
// RUN:   --sparse-attn-convert-to-nvvm=chip=sm_90a --cse > %t.hopper
// RUN: FileCheck %s --check-prefixes=CHECK,HOPPER < %t.hopper

// sm_86 and sm_89 have the kernels of sm_80.
// RUN: sparse-attn-opt %s --sparse-attn-to-tiles="target=sm_86 tile-q=64 tile-k=16" \
// RUN:   --sparse-attn-convert-to-nvvm=chip=sm_86 --cse | diff %t.ampere -
// RUN: sparse-attn-opt %s --sparse-attn-to-tiles="target=sm_89 tile-q=64 tile-k=16" \
// RUN:   --sparse-attn-convert-to-nvvm=chip=sm_89 --cse | diff %t.ampere -

// The default is sm_80.
// RUN: sparse-attn-opt %s --sparse-attn-to-tiles="target=sm_80 tile-q=64 tile-k=16" --sparse-attn-convert-to-nvvm --cse \
// RUN:   | diff %t.ampere -

// Of the dialect of patterns and tiles nothing is left.
// RUN: not grep "sparse_attn[.]" %t.ampere %t.hopper

!t = tensor<1x2x?x16xbf16>
!h = tensor<1x2x?x32xf16>

// Host functions answer what `prepare` asks. A kernel with lists has a plan, one with a score
// region says what it makes; none computes on the host.
// CHECK-NOT:   func.func
// CHECK-LABEL: func.func @causal_0_work(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr) -> i32
// CHECK-LABEL: func.func @causal_0_predicate(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr) -> i32
// CHECK-LABEL: func.func @causal_0_tiles(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr) -> i32
// CHECK-LABEL: func.func @listed_0_work(
// CHECK-LABEL: func.func @listed_0_predicate(
// CHECK-LABEL: func.func @listed_0_tiles(
// CHECK-LABEL: func.func @listed_0_plan(
// CHECK-LABEL: func.func @scored_0_score(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr) -> i32
// CHECK-NOT:   func.func @causal
// CHECK-NOT:   func.func @listed
// CHECK:       func.func @unrelated
// CHECK:       gpu.module @device {

// A warp of sm_80 owns 16 queries; the grid has a block an item. Shared memory: queries of 64
// rows of 128 bytes, keys and values of 16 rows each, and two ranges of 12 bytes.
// AMPERE-LABEL: llvm.func @causal_0(
// AMPERE-SAME:    %{{[a-z0-9]*}}: !llvm.ptr {llvm.align = 8 : i64, llvm.byval = !llvm.array<{{[0-9]*}} x i64>, nvvm.grid_constant})
// AMPERE-SAME:    nvvm.kernel, nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 128>
// AMPERE-SAME:    sparse_attn_nvvm.launch = {blocks_per_multiprocessor = 1 : i64, maps = [], persistent = false, shared_bytes = 12312 : i64, threads = 128 : i64}
// AMPERE:         sparse_attn_nvvm.shared_memory
// The queries and the first keys; the queries' fragments stay in registers.
// AMPERE:         nvvm.cp.async.shared.global
// AMPERE:         nvvm.cp.async.commit.group
// AMPERE:         nvvm.cp.async.wait.group 0
// AMPERE-NEXT:    nvvm.barrier
// AMPERE:         nvvm.ldmatrix
// AMPERE-NOT:     nvvm.ldmatrix
// AMPERE:         scf.for
// Values arrive while the scores are computed.
// AMPERE-NEXT:      nvvm.cp.async.wait.group 0
// AMPERE-NEXT:      nvvm.barrier
// AMPERE:           nvvm.cp.async.shared.global
// AMPERE:           nvvm.cp.async.commit.group
// AMPERE-NOT:       nvvm.cp.async
// AMPERE-COUNT-2:   nvvm.mma.sync
// AMPERE-NOT:       nvvm.mma.sync
// AMPERE:           nvvm.cp.async.wait.group 0
// AMPERE-NEXT:      nvvm.barrier
// The next keys arrive from here on.
// AMPERE:           scf.if
// AMPERE:             nvvm.cp.async.shared.global
// AMPERE:           nvvm.cp.async.commit.group
// The branch encloses the mask alone: no instruction of the GPU, no exponential.
// AMPERE:           %[[MASKED:[0-9]+]]:8 = scf.if %{{[0-9]+}} -> (f32, f32, f32, f32, f32, f32, f32, f32) {
// AMPERE-NOT:         nvvm
// AMPERE-COUNT-8:     arith.select {{.*}} : f32
// AMPERE-NOT:         nvvm
// AMPERE:           } else {
// AMPERE-NEXT:        scf.yield
// AMPERE-NEXT:      }
// The maximum over the row of four lanes, the weights, and the second product.
// AMPERE:           arith.maxnumf %[[MASKED]]#0
// AMPERE-COUNT-2:   nvvm.shfl.sync bfly
// AMPERE:           sparse_attn_nvvm.exp2
// AMPERE-COUNT-4:   sparse_attn_nvvm.pack_halves {{.*}} to bf16
// AMPERE-COUNT-2:   nvvm.mma.sync
// AMPERE-NOT:       nvvm.mma.sync
// AMPERE:           scf.yield
// AMPERE-NEXT:    }
// AMPERE:         arith.divf
// AMPERE:         llvm.store {{.*}} : i32, !llvm.ptr<1>
// AMPERE:         nvvm.cp.async.wait.group 0
// AMPERE-NEXT:    llvm.return

// sm_90a: a warpgroup loads, two compute. Blocks are persistent, and tiles come through tensor maps.
// HOPPER-LABEL: llvm.func @causal_0(
// HOPPER-SAME:    %[[MAPS:[a-z0-9]*]]: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<64 x i64>, nvvm.grid_constant},
// HOPPER-SAME:    nvvm.kernel, nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 384>
// HOPPER-SAME:    blocks_per_multiprocessor = 1
// HOPPER-SAME:    maps = [{array = "query", columns = [[#COLUMNS:]] : i64, rows = 128 : i64},
// HOPPER-SAME:            {array = "key", columns = [[#COLUMNS]] : i64, rows = 16 : i64},
// HOPPER-SAME:            {array = "value", columns = [[#COLUMNS]] : i64, rows = 16 : i64},
// HOPPER-SAME:            {array = "output", columns = [[#COLUMNS]] : i64, rows = 64 : i64}]
// HOPPER-SAME:    persistent = true
// HOPPER-SAME:    threads = 384 : i64
// Queries and items have two barriers each, keys and values two a stage, of which there are two or more.
// HOPPER:         scf.if
// HOPPER-COUNT-12:  nvvm.mbarrier.init
// HOPPER:           nvvm.fence.mbarrier.init
// HOPPER-NEXT:    }
// HOPPER-NEXT:    nvvm.barrier{{$}}

// The producer: it gives up registers, and one of its threads works.
// HOPPER:         scf.if
// HOPPER-NEXT:      nvvm.setmaxregister {{ *}}decrease
// HOPPER-NEXT:      scf.if
// HOPPER:             scf.while
// The item is posted as soon as the last one was taken.
// HOPPER:             nvvm.mbarrier.try_wait.parity
// HOPPER-COUNT-2:     llvm.store {{.*}} : i32, !llvm.ptr<3>
// HOPPER:             nvvm.mbarrier.arrive
// Keys of the first tile, where there is one; then the queries.
// HOPPER:             scf.if
// HOPPER:               nvvm.mbarrier.try_wait.parity
// HOPPER:               llvm.store {{.*}} : i32, !llvm.ptr<3>
// HOPPER:               nvvm.mbarrier.arrive.expect_tx {{.*}}, %[[STAGE_BYTES:[a-z0-9_]+]] :
// HOPPER:               nvvm.cp.async.bulk.tensor.shared.cluster.global
// HOPPER:             }
// HOPPER:             nvvm.mbarrier.try_wait.parity
// HOPPER:             nvvm.mbarrier.arrive.expect_tx
// HOPPER:             nvvm.cp.async.bulk.tensor.shared.cluster.global {{.*}}, %[[MAPS]], {{.*}} {isCTAOnly = true}
// For each tile, the next keys where there are, then its values.
// HOPPER:             scf.for
// HOPPER:               scf.if
// HOPPER:                 nvvm.mbarrier.try_wait.parity
// HOPPER:                 nvvm.mbarrier.arrive.expect_tx
// HOPPER:                 nvvm.cp.async.bulk.tensor.shared.cluster.global
// HOPPER:               }
// HOPPER:               nvvm.mbarrier.try_wait.parity
// HOPPER:               nvvm.mbarrier.arrive.expect_tx
// HOPPER:               nvvm.cp.async.bulk.tensor.shared.cluster.global
// HOPPER:               scf.yield
// Who comes last sets the counter back.
// HOPPER:             llvm.atomicrmw add
// HOPPER-NOT:     wgmma
// HOPPER:         } else {

// The consumers: the scores of the first tile alone.
// HOPPER-NEXT:      nvvm.setmaxregister {{ *}}increase
// HOPPER:           scf.while
// HOPPER:             scf.condition
// HOPPER:             nvvm.wgmma.fence.aligned
// HOPPER:             sparse_attn_nvvm.wgmma descriptor({{.*}} of bf16 : () -> (f32, f32, f32, f32, f32, f32, f32, f32)
// HOPPER-NEXT:        nvvm.wgmma.commit.group.sync.aligned
// HOPPER-NEXT:        %[[FIRST:[0-9]+]]:8 = sparse_attn_nvvm.wgmma_wait 0
// HOPPER:             sparse_attn_nvvm.release %{{.*}} after %[[FIRST]]#0
// HOPPER:             %{{[0-9]+}}:8 = scf.if %{{[0-9]+}} -> (f32, f32, f32, f32, f32, f32, f32, f32) {
// HOPPER-NOT:           nvvm
// HOPPER-COUNT-8:       arith.select {{.*}} : f32
// HOPPER-NOT:           nvvm
// HOPPER:             } else {
// HOPPER-NEXT:          scf.yield %[[FIRST]]#0, %[[FIRST]]#1
// HOPPER-NEXT:        }
// Then, tile by tile, its keys and the values of the last, in turns with the other warpgroup.
// HOPPER:             scf.for
// HOPPER:               nvvm.mbarrier.try_wait.parity
// HOPPER:               nvvm.barrier id =
// HOPPER:               nvvm.wgmma.fence.aligned
// HOPPER:               %[[PRODUCT:[0-9]+]]:8 = sparse_attn_nvvm.wgmma descriptor(
// HOPPER-NEXT:          nvvm.wgmma.commit.group.sync.aligned
// HOPPER-NEXT:          nvvm.wgmma.fence.aligned
// HOPPER:               %[[VALUES:[0-9]+]]:16 = sparse_attn_nvvm.wgmma a({{.*}} transposed to(
// HOPPER-NEXT:          nvvm.wgmma.commit.group.sync.aligned
// HOPPER:               nvvm.barrier.arrive id =
// The scores are waited for, the values not yet.
// HOPPER:               %[[SCORES:[0-9]+]]:8 = sparse_attn_nvvm.wgmma_wait 1 for %[[PRODUCT]]#0,
// HOPPER:               scf.if
// HOPPER-NEXT:            sparse_attn_nvvm.release %{{.*}} after %[[SCORES]]#0
// HOPPER:               %[[MASKED:[0-9]+]]:8 = scf.if %{{[0-9]+}} -> (f32, f32, f32, f32, f32, f32, f32, f32) {
// HOPPER-NOT:             nvvm
// HOPPER-COUNT-8:         arith.select {{.*}} : f32
// HOPPER-NOT:             nvvm
// HOPPER:               } else {
// HOPPER-NEXT:            scf.yield %[[SCORES]]#0, %[[SCORES]]#1
// HOPPER-NEXT:          }
// The exponentials of 8 scores and 2 corrections come before the second wait; whatever needs the accumulator, after it.
// HOPPER:               arith.maxnumf %[[MASKED]]#0
// HOPPER-COUNT-10:      sparse_attn_nvvm.exp2
// HOPPER-NOT:           sparse_attn_nvvm.exp2
// HOPPER:               nvvm.mbarrier.try_wait.parity
// HOPPER:               %[[SUM:[0-9]+]]:16 = sparse_attn_nvvm.wgmma_wait 0 for %[[VALUES]]#0,
// HOPPER:               sparse_attn_nvvm.release %{{.*}} after %[[SUM]]#0
// HOPPER:               sparse_attn_nvvm.pack_halves {{.*}} to bf16
// HOPPER:               arith.mulf %[[SUM]]#0
// HOPPER:               scf.yield
// The queries have been read. The values of the last tile.
// HOPPER:             }
// HOPPER:             nvvm.bar.warp.sync
// HOPPER-NEXT:        scf.if
// HOPPER-NEXT:          nvvm.mbarrier.arrive
// HOPPER-NEXT:        }
// HOPPER:             nvvm.wgmma.fence.aligned
// HOPPER:             sparse_attn_nvvm.wgmma a({{.*}} transposed to(
// HOPPER-NEXT:        nvvm.wgmma.commit.group.sync.aligned
// HOPPER-NEXT:        sparse_attn_nvvm.wgmma_wait 0
// An item without tiles yields zeros.
// HOPPER:           } else {
// HOPPER-NOT:         wgmma
// HOPPER:             nvvm.bar.warp.sync
// HOPPER:             scf.if
// HOPPER-NEXT:          nvvm.mbarrier.arrive
// HOPPER-NEXT:        }
// HOPPER-NEXT:        scf.yield
// HOPPER-NEXT:      }
// The output goes through a place of its own, which the store of the last item has to have read.
// HOPPER:           scf.if
// HOPPER-NEXT:        nvvm.cp.async.bulk.wait_group 0 {read}
// HOPPER:           nvvm.barrier id =
// HOPPER:           llvm.store {{.*}} : i32, !llvm.ptr<3>
// HOPPER:           nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
// HOPPER:           nvvm.barrier id =
// HOPPER:           nvvm.cp.async.bulk.tensor.global.shared.cta
// HOPPER:           nvvm.cp.async.bulk.commit.group
// HOPPER-NOT:       nvvm.mbarrier.arrive
// HOPPER-NOT:       nvvm.cp.async.bulk.wait_group
// HOPPER:           scf.yield
// HOPPER:         nvvm.cp.async.bulk.wait_group 0 {read}
// HOPPER-NOT:     nvvm.setmaxregister
// HOPPER:         llvm.return
sparse_attn.pattern @past {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}
func.func @causal(%q: !t) -> !t {
  %o = sparse_attn.attention %q, %q, %q pattern(@past) : (!t, !t, !t) -> !t
  return %o : !t
}

// Products in f16, by steps of 16 of the head, and the log-sum-exp of existing rows.
// CHECK-LABEL:    llvm.func @listed_0(
// AMPERE-COUNT-4:   nvvm.mma.sync {{.*}} : (vector<2xf16>, vector<2xf16>, f32)
// AMPERE-COUNT-4:   sparse_attn_nvvm.pack_halves {{.*}} to f16
// HOPPER-COUNT-2:   sparse_attn_nvvm.wgmma descriptor({{.*}} of f16
// CHECK:            sparse_attn_nvvm.log2
// CHECK:            llvm.store {{.*}} : f32, !llvm.ptr<1>
// CHECK:            llvm.return
sparse_attn.pattern @packed(%ids: memref<?xi32>) {
  %random = sparse_attn.random blocks(3) size(64) seed(7)
  %same = sparse_attn.predicate (%b, %h, %q, %k) {
    %dq = sparse_attn.read %ids[%q] : memref<?xi32>
    %dk = sparse_attn.read %ids[%k] : memref<?xi32>
    %equal = arith.cmpi eq, %dq, %dk : i32
    sparse_attn.yield %equal : i1
  }
  %p = sparse_attn.union %random, %same
  sparse_attn.yield %p
}
func.func @listed(%q: !h, %ids: memref<?xi32>) -> (!h, tensor<1x2x?xf32>) {
  %o, %lse = sparse_attn.attention %q, %q, %q pattern(@packed(%ids) : (memref<?xi32>)) : (!h, !h, !h)
      -> (!h, tensor<1x2x?xf32>)
  return %o, %lse : !h, tensor<1x2x?xf32>
}

// A score region stands between product and softmax: tanh by the instructions of the device.
// CHECK-LABEL:    llvm.func @scored_0(
// AMPERE:           nvvm.mma.sync
// HOPPER:           sparse_attn_nvvm.wgmma_wait
// CHECK:            sparse_attn_nvvm.exp2
// CHECK:            sparse_attn_nvvm.reciprocal
// CHECK-NOT:        math.
// CHECK:            llvm.return
sparse_attn.pattern @dense {
  %p = sparse_attn.dense
  sparse_attn.yield %p
}
func.func @scored(%q: !h, %table: memref<?x?xf32>) -> !h {
  %o = sparse_attn.attention %q, %q, %q pattern(@dense) score (%s, %b, %h, %i, %j) {
    %bias = sparse_attn.read %table[%h, %i] : memref<?x?xf32>
    %biased = arith.addf %s, %bias : f32
    %new = math.tanh %biased : f32
    sparse_attn.yield %new : f32
  } : (!h, !h, !h) -> !h
  return %o : !h
}

// Functions that launch nothing stay as they are.
func.func @unrelated(%x: i32) -> i32 {
  return %x : i32
}
