// RUN: sparse-attn-opt %s --pass-pipeline="builtin.module(gpu.module(sparse-attn-nvvm-to-simulator))" > %t
// RUN: FileCheck %s < %t

// Nothing is left but code of the host.
// RUN: not grep -E "sparse_attn|nvvm|arith[.]|scf[.]| cf[.]" %t

// Numbers in brackets are places in runtime/include/sparse_attn/SimulatorCalls.def.

// CHECK-LABEL: gpu.module @device {
gpu.module @device {

// A kernel gets the table of calls, its thread, the tensor maps and the argument block; nothing of a GPU kernel is left
// in its attributes.
// CHECK-LABEL: llvm.func @signature(
// CHECK-SAME:    %[[CALLS:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: !llvm.ptr, %[[MAPS:[a-z0-9]+]]: !llvm.ptr, %[[BLOCK:[a-z0-9]+]]: !llvm.ptr) {
// CHECK:         %[[ENTRY:.*]] = llvm.getelementptr %[[CALLS]][1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
// CHECK-NEXT:    %[[CALL:.*]] = llvm.load %[[ENTRY]] : !llvm.ptr -> !llvm.ptr
// CHECK-NEXT:    %[[X:.*]] = llvm.call %[[CALL]](%[[THREAD]]) : !llvm.ptr, (!llvm.ptr) -> i32
// CHECK-NEXT:    llvm.store %[[X]], %[[MAPS]]
// CHECK-NEXT:    llvm.store %[[X]], %[[BLOCK]]
llvm.func @signature(%maps: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<64 x i64>, nvvm.grid_constant},
                     %block: !llvm.ptr {llvm.align = 8 : i64, llvm.byval = !llvm.array<40 x i64>, nvvm.grid_constant})
    attributes {nvvm.kernel, nvvm.reqntid = array<i32: 384>} {
  %x = nvvm.read.ptx.sreg.tid.x : i32
  llvm.store %x, %maps : i32, !llvm.ptr
  llvm.store %x, %block : i32, !llvm.ptr
  llvm.return
}

// Without tensor maps there is a parameter for them too.
// CHECK-LABEL: llvm.func @signature_without_maps(
// CHECK-SAME:    %{{[a-z0-9]+}}: !llvm.ptr, %{{[a-z0-9]+}}: !llvm.ptr, %{{[a-z0-9]+}}: !llvm.ptr, %[[BLOCK:[a-z0-9]+]]: !llvm.ptr) {
// CHECK:         llvm.load %[[BLOCK]]
llvm.func @signature_without_maps(%block: !llvm.ptr) {
  %x = llvm.load %block : !llvm.ptr -> i32
  llvm.store %x, %block : i32, !llvm.ptr
  llvm.return
}

// CHECK-LABEL: llvm.func @threads(
// CHECK-SAME:    %[[CALLS:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: !llvm.ptr
// CHECK:         llvm.getelementptr %[[CALLS]][0]
// CHECK:         llvm.call {{.*}}(%[[THREAD]]) : !llvm.ptr, (!llvm.ptr) -> !llvm.ptr<3>
// CHECK:         llvm.getelementptr %[[CALLS]][2]
// CHECK:         %[[NUMBER:.*]] = llvm.call {{.*}}(%[[THREAD]]) : !llvm.ptr, (!llvm.ptr) -> i32
// CHECK:         llvm.getelementptr %[[CALLS]][3]
// CHECK:         %[[GRID:.*]] = llvm.call {{.*}}(%[[THREAD]]) : !llvm.ptr, (!llvm.ptr) -> i32
// A barrier of all threads has the number 0 and counts all.
// CHECK:         %[[ID:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:         %[[ALL:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][4]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[ID]], %[[ALL]]) : !llvm.ptr, (!llvm.ptr, i32, i32) -> ()
// CHECK:         llvm.getelementptr %[[CALLS]][4]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[NUMBER]], %[[GRID]]) : !llvm.ptr, (!llvm.ptr, i32, i32) -> ()
// CHECK:         llvm.getelementptr %[[CALLS]][5]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[NUMBER]], %[[GRID]]) : !llvm.ptr, (!llvm.ptr, i32, i32) -> ()
// A warp that synchronises meets in a shuffle.
// CHECK:         %[[ZERO:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][7]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[ZERO]], %[[ZERO]]) : !llvm.ptr, (!llvm.ptr, i32, i32) -> i32
llvm.func @threads(%block: !llvm.ptr) {
  %shared = sparse_attn_nvvm.shared_memory : <3>
  %number = nvvm.read.ptx.sreg.ctaid.x : i32
  %grid = nvvm.read.ptx.sreg.nctaid.x : i32
  nvvm.barrier
  nvvm.barrier id = %number number_of_threads = %grid
  nvvm.barrier.arrive id = %number number_of_threads = %grid
  nvvm.bar.warp.sync %grid : i32
  llvm.store %number, %shared : i32, !llvm.ptr<3>
  llvm.return
}

// CHECK-LABEL: llvm.func @shuffles(
// CHECK-SAME:    %[[CALLS:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: !llvm.ptr
// CHECK:         %[[X:.*]] = llvm.load %{{.*}} -> f32
// CHECK:         %[[N:.*]] = llvm.load %{{.*}} -> i32
// CHECK:         llvm.getelementptr %[[CALLS]][6]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[X]], %[[N]]) : !llvm.ptr, (!llvm.ptr, f32, i32) -> f32
// CHECK:         llvm.getelementptr %[[CALLS]][7]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[N]], %[[N]]) : !llvm.ptr, (!llvm.ptr, i32, i32) -> i32
llvm.func @shuffles(%block: !llvm.ptr) {
  %x = llvm.load %block : !llvm.ptr -> f32
  %n = llvm.load %block : !llvm.ptr -> i32
  %neighbour = nvvm.shfl.sync bfly %n, %x, %n, %n : f32 -> f32
  %first = nvvm.shfl.sync idx %n, %n, %n, %n : i32 -> i32
  llvm.store %neighbour, %block : f32, !llvm.ptr
  llvm.store %first, %block : i32, !llvm.ptr
  llvm.return
}

// CHECK-LABEL: llvm.func @numbers(
// CHECK-SAME:    %[[CALLS:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: !llvm.ptr
// CHECK:         %[[X:.*]] = llvm.load %{{.*}} -> f32
// CHECK:         llvm.getelementptr %[[CALLS]][9]
// CHECK:         %[[POWER:.*]] = llvm.call {{.*}}(%[[THREAD]], %[[X]]) : !llvm.ptr, (!llvm.ptr, f32) -> f32
// CHECK:         llvm.getelementptr %[[CALLS]][10]
// CHECK:         %[[LOG:.*]] = llvm.call {{.*}}(%[[THREAD]], %[[X]]) : !llvm.ptr, (!llvm.ptr, f32) -> f32
// CHECK:         %[[BFLOAT:.*]] = llvm.mlir.constant(1 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][11]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[POWER]], %[[LOG]], %[[BFLOAT]]) : !llvm.ptr, (!llvm.ptr, f32, f32, i32) -> i32
// CHECK:         %[[HALF:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[POWER]], %[[LOG]], %[[HALF]])
// CHECK:         llvm.getelementptr %[[CALLS]][32]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[LOG]]) : !llvm.ptr, (!llvm.ptr, f32) -> f32
llvm.func @numbers(%block: !llvm.ptr) {
  %x = llvm.load %block : !llvm.ptr -> f32
  %power = sparse_attn_nvvm.exp2 %x
  %log = sparse_attn_nvvm.log2 %x
  %brains = sparse_attn_nvvm.pack_halves %power, %log to bf16
  %halves = sparse_attn_nvvm.pack_halves %power, %log to f16
  %inverse = sparse_attn_nvvm.reciprocal %log
  llvm.store %brains, %block : i32, !llvm.ptr
  llvm.store %halves, %block : i32, !llvm.ptr
  llvm.store %inverse, %block : f32, !llvm.ptr
  llvm.return
}

// CHECK-LABEL: llvm.func @copies(
// CHECK-SAME:    %[[CALLS:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: !llvm.ptr
// CHECK:         %[[SHARED:.*]] = llvm.call {{.*}} -> !llvm.ptr<3>
// CHECK:         %[[FROM:.*]] = llvm.load %{{.*}} -> !llvm.ptr<1>
// CHECK:         %[[BYTES:.*]] = llvm.load %{{.*}} -> i32
// CHECK:         llvm.getelementptr %[[CALLS]][12]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[SHARED]], %[[FROM]], %[[BYTES]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr<3>, !llvm.ptr<1>, i32) -> ()
// Without a number of bytes, all.
// CHECK:         %[[ALL:.*]] = llvm.mlir.constant(16 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][12]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[SHARED]], %[[FROM]], %[[ALL]])
// CHECK:         llvm.getelementptr %[[CALLS]][13]
// CHECK:         llvm.call {{.*}}(%[[THREAD]]) : !llvm.ptr, (!llvm.ptr) -> ()
// CHECK:         %[[PENDING:.*]] = llvm.mlir.constant(3 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][14]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[PENDING]]) : !llvm.ptr, (!llvm.ptr, i32) -> ()
llvm.func @copies(%block: !llvm.ptr) {
  %shared = sparse_attn_nvvm.shared_memory : <3>
  %from = llvm.load %block : !llvm.ptr -> !llvm.ptr<1>
  %bytes = llvm.load %block : !llvm.ptr -> i32
  nvvm.cp.async.shared.global %shared, %from, 16, cache = cg, %bytes : !llvm.ptr<3>, !llvm.ptr<1>, i32
  nvvm.cp.async.shared.global %shared, %from, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
  nvvm.cp.async.commit.group
  nvvm.cp.async.wait.group 3
  llvm.return
}

// The matrices come through memory, as does the accumulator of a product.
// CHECK-LABEL: llvm.func @matrices(
// CHECK-SAME:    %[[CALLS:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: !llvm.ptr
// CHECK:         %[[SHARED:.*]] = llvm.call {{.*}} -> !llvm.ptr<3>
// CHECK:         %[[ROW:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][15]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[WORDS:.*]], %[[SHARED]], %[[ROW]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr<3>, i32) -> ()
// CHECK-NEXT:    llvm.load %[[WORDS]] : !llvm.ptr -> !llvm.struct<(i32, i32, i32, i32)>
// CHECK:         %[[TRANSPOSED:.*]] = llvm.mlir.constant(1 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][15]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %{{.*}}, %[[SHARED]], %[[TRANSPOSED]])
// CHECK:         %[[W:.*]] = llvm.extractvalue
// CHECK:         %[[BFLOAT:.*]] = llvm.mlir.constant(1 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][16]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[SUM:.*]], %[[W]], %[[W]], %[[W]], %[[W]], %[[W]], %[[W]], %[[BFLOAT]]) : !llvm.ptr,
// CHECK-SAME:      (!llvm.ptr, !llvm.ptr, i32, i32, i32, i32, i32, i32, i32) -> ()
// CHECK-NEXT:    llvm.load %[[SUM]] : !llvm.ptr -> !llvm.struct<(f32, f32, f32, f32)>
// CHECK:         %[[HALF:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][16]
// CHECK:         llvm.call {{.*}} %[[HALF]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, i32, i32, i32, i32, i32, i32, i32) -> ()
llvm.func @matrices(%block: !llvm.ptr) {
  %shared = sparse_attn_nvvm.shared_memory : <3>
  %rows = nvvm.ldmatrix %shared {num = 4 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
  %columns = nvvm.ldmatrix %shared {num = 4 : i32, layout = #nvvm.mma_layout<col>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
  %w = llvm.extractvalue %rows[0] : !llvm.struct<(i32, i32, i32, i32)>
  %other = llvm.extractvalue %columns[0] : !llvm.struct<(i32, i32, i32, i32)>
  %x = llvm.load %block : !llvm.ptr -> f32
  %sum = nvvm.mma.sync A[%w, %w, %w, %w] B[%w, %w] C[%x, %x, %x, %x] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>, shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
  %h = llvm.bitcast %other : i32 to vector<2xf16>
  %next = nvvm.mma.sync A[%h, %h, %h, %h] B[%h, %h] C[%x, %x, %x, %x] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (vector<2xf16>, vector<2xf16>, f32) -> !llvm.struct<(f32, f32, f32, f32)>
  llvm.store %sum, %block : !llvm.struct<(f32, f32, f32, f32)>, !llvm.ptr
  llvm.store %next, %block : !llvm.struct<(f32, f32, f32, f32)>, !llvm.ptr
  llvm.return
}

// CHECK-LABEL: llvm.func @barriers(
// CHECK-SAME:    %[[CALLS:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: !llvm.ptr
// CHECK:         %[[BARRIER:.*]] = llvm.call {{.*}} -> !llvm.ptr<3>
// CHECK:         %[[N:.*]] = llvm.load %{{.*}} -> i32
// CHECK:         llvm.getelementptr %[[CALLS]][17]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[BARRIER]], %[[N]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr<3>, i32) -> ()
// CHECK:         llvm.getelementptr %[[CALLS]][26]
// CHECK:         llvm.call {{.*}}(%[[THREAD]]) : !llvm.ptr, (!llvm.ptr) -> ()
// CHECK:         llvm.getelementptr %[[CALLS]][18]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[BARRIER]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr<3>) -> ()
// CHECK:         llvm.getelementptr %[[CALLS]][19]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[BARRIER]], %[[N]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr<3>, i32) -> ()
// The hint how long to sleep is dropped.
// CHECK:         llvm.getelementptr %[[CALLS]][20]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[BARRIER]], %[[N]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr<3>, i32) -> ()
llvm.func @barriers(%block: !llvm.ptr) {
  %barrier = sparse_attn_nvvm.shared_memory : <3>
  %n = llvm.load %block : !llvm.ptr -> i32
  %hint = llvm.load %block : !llvm.ptr -> i32
  nvvm.mbarrier.init %barrier, %n : !llvm.ptr<3>, i32
  nvvm.fence.mbarrier.init
  nvvm.mbarrier.arrive %barrier : !llvm.ptr<3>
  nvvm.mbarrier.arrive.expect_tx %barrier, %n : !llvm.ptr<3>, i32
  nvvm.mbarrier.try_wait.parity %barrier, %n, %hint : !llvm.ptr<3>, i32, i32
  llvm.return
}

// CHECK-LABEL: llvm.func @tensor_maps(
// CHECK-SAME:    %[[CALLS:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: !llvm.ptr, %[[MAPS:[a-z0-9]+]]: !llvm.ptr
// CHECK:         %[[TILE:.*]] = llvm.call {{.*}} -> !llvm.ptr<3>
// CHECK:         %[[N:.*]] = llvm.load %{{.*}} -> i32
// CHECK:         %[[ROW:.*]] = llvm.load %{{.*}} -> i32
// CHECK:         llvm.getelementptr %[[CALLS]][21]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[TILE]], %[[MAPS]], %[[TILE]], %[[N]], %[[ROW]], %[[N]], %[[N]], %{{.*}}) : !llvm.ptr,
// CHECK-SAME:      (!llvm.ptr, !llvm.ptr<3>, !llvm.ptr, !llvm.ptr<3>, i32, i32, i32, i32, i32) -> ()
// CHECK:         llvm.getelementptr %[[CALLS]][25]
// CHECK:         llvm.call {{.*}}(%[[THREAD]]) : !llvm.ptr, (!llvm.ptr) -> ()
// CHECK:         llvm.getelementptr %[[CALLS]][22]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[MAPS]], %[[TILE]], %[[N]], %[[ROW]], %[[N]], %[[N]], %{{.*}}) : !llvm.ptr,
// CHECK-SAME:      (!llvm.ptr, !llvm.ptr, !llvm.ptr<3>, i32, i32, i32, i32, i32) -> ()
// CHECK:         llvm.getelementptr %[[CALLS]][23]
// CHECK:         llvm.call {{.*}}(%[[THREAD]]) : !llvm.ptr, (!llvm.ptr) -> ()
// CHECK:         %[[PENDING:.*]] = llvm.mlir.constant(2 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][24]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[PENDING]]) : !llvm.ptr, (!llvm.ptr, i32) -> ()
llvm.func @tensor_maps(%maps: !llvm.ptr, %block: !llvm.ptr) {
  %tile = sparse_attn_nvvm.shared_memory : <3>
  %n = llvm.load %block : !llvm.ptr -> i32
  %row = llvm.load %block : !llvm.ptr -> i32
  nvvm.cp.async.bulk.tensor.shared.cluster.global %tile, %maps, %tile, box[%n, %row, %n, %n] {isCTAOnly = true} : !llvm.ptr<3>, !llvm.ptr
  nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
  nvvm.cp.async.bulk.tensor.global.shared.cta %maps, %tile, box[%n, %row, %n, %n] : !llvm.ptr, <3>
  nvvm.cp.async.bulk.commit.group
  nvvm.cp.async.bulk.wait_group 2 {read}
  llvm.return
}

// A product of 64 x 8: 4 numbers a thread, N 8. Flags: 1 adds, 2 is transposed, 4 is bf16.
// CHECK-LABEL: llvm.func @products(
// CHECK-SAME:    %[[CALLS:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: !llvm.ptr
// CHECK:         %[[BARRIER:.*]] = llvm.call {{.*}} -> !llvm.ptr<3>
// CHECK:         %[[B:.*]] = llvm.load %{{.*}} -> i64
// CHECK:         llvm.getelementptr %[[CALLS]][28]
// CHECK:         llvm.call {{.*}}(%[[THREAD]]) : !llvm.ptr, (!llvm.ptr) -> ()
// With a descriptor of A there are no words, and there is nothing to add to.
// CHECK-DAG:     %[[COLUMNS:.*]] = llvm.mlir.constant(8 : i32)
// CHECK-DAG:     %[[BFLOAT:.*]] = llvm.mlir.constant(4 : i32)
// CHECK-DAG:     %[[NULL:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK:         llvm.getelementptr %[[CALLS]][27]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[PRODUCT:.*]], %[[COLUMNS]], %[[BFLOAT]], %[[NULL]], %[[B]], %[[B]]) : !llvm.ptr,
// CHECK-SAME:      (!llvm.ptr, !llvm.ptr, i32, i32, !llvm.ptr, i64, i64) -> ()
// CHECK:         llvm.getelementptr %[[PRODUCT]][0, 3] : (!llvm.ptr) -> !llvm.ptr, !llvm.array<4 x f32>
// CHECK:         llvm.getelementptr %[[CALLS]][29]
// CHECK:         llvm.call {{.*}}(%[[THREAD]]) : !llvm.ptr, (!llvm.ptr) -> ()
// CHECK:         llvm.getelementptr %[[CALLS]][28]
// Words of A, an accumulator and a transposed B, in f16.
// CHECK-COUNT-4: llvm.store %{{.*}} : f32, !llvm.ptr
// CHECK:         %[[W:.*]] = llvm.getelementptr %[[WORDS:.*]][0, 0] : (!llvm.ptr) -> !llvm.ptr, !llvm.array<4 x i32>
// CHECK:         %[[NONE:.*]] = llvm.mlir.constant(0 : i64)
// CHECK-DAG:     %[[COLUMNS:.*]] = llvm.mlir.constant(8 : i32)
// CHECK-DAG:     %[[FLAGS:.*]] = llvm.mlir.constant(3 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][27]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %{{.*}}, %[[COLUMNS]], %[[FLAGS]], %[[WORDS]], %[[NONE]], %[[B]])
// CHECK:         llvm.getelementptr %[[CALLS]][29]
// The wait gets the values that it makes numbers, how many, and how many groups may stay pending.
// CHECK:         %[[VALUE:.*]] = llvm.getelementptr %[[VALUES:.*]][0, 0] : (!llvm.ptr) -> !llvm.ptr, !llvm.array<2 x f32>
// CHECK:         llvm.store %{{.*}}, %[[VALUE]] : f32, !llvm.ptr
// CHECK:         %[[COUNT:.*]] = llvm.mlir.constant(2 : i32)
// CHECK:         %[[PENDING:.*]] = llvm.mlir.constant(1 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][30]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[VALUES]], %[[COUNT]], %[[PENDING]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, i32, i32) -> ()
// A release is an arrival.
// CHECK:         llvm.getelementptr %[[CALLS]][18]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[BARRIER]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr<3>) -> ()
llvm.func @products(%block: !llvm.ptr) {
  %barrier = sparse_attn_nvvm.shared_memory : <3>
  %b = llvm.load %block : !llvm.ptr -> i64
  %w = llvm.load %block : !llvm.ptr -> i32
  %x = llvm.load %block : !llvm.ptr -> f32
  nvvm.wgmma.fence.aligned
  %scores:4 = sparse_attn_nvvm.wgmma descriptor(%b), %b of bf16 : () -> (f32, f32, f32, f32)
  nvvm.wgmma.commit.group.sync.aligned
  nvvm.wgmma.fence.aligned
  %sums:4 = sparse_attn_nvvm.wgmma a(%w, %w, %w, %w), %b transposed to(%x, %x, %x, %x) of f16
      : (f32, f32, f32, f32) -> (f32, f32, f32, f32)
  nvvm.wgmma.commit.group.sync.aligned
  %done:2 = sparse_attn_nvvm.wgmma_wait 1 for %scores#0, %scores#1 : f32, f32
  sparse_attn_nvvm.release %barrier after %done#0 : <3>
  llvm.return
}

// CHECK-LABEL: llvm.func @registers(
// CHECK-SAME:    %[[CALLS:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: !llvm.ptr
// CHECK-DAG:     %[[MORE:.*]] = llvm.mlir.constant(1 : i32)
// CHECK-DAG:     %[[MANY:.*]] = llvm.mlir.constant(240 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][31]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[MANY]], %[[MORE]]) : !llvm.ptr, (!llvm.ptr, i32, i32) -> ()
// CHECK-DAG:     %[[LESS:.*]] = llvm.mlir.constant(0 : i32)
// CHECK-DAG:     %[[FEW:.*]] = llvm.mlir.constant(24 : i32)
// CHECK:         llvm.getelementptr %[[CALLS]][31]
// CHECK:         llvm.call {{.*}}(%[[THREAD]], %[[FEW]], %[[LESS]]) : !llvm.ptr, (!llvm.ptr, i32, i32) -> ()
llvm.func @registers(%block: !llvm.ptr) {
  nvvm.setmaxregister increase 240
  nvvm.setmaxregister decrease 24
  llvm.return
}

}
