// Tiles of kernels with block masks on sm_90a, and how many blocks a multiprocessor has.
// RUN: sparse-attn-opt %s --sparse-attn-to-tiles=target=sm_90a --sparse-attn-convert-to-nvvm=chip=sm_90a | FileCheck %s

// Blocks of 64 queries make tiles of a single consumer, and two blocks fit: 64 queries, 4 stages of 64 keys and of
// values, 64 outputs, and barriers, the ring's key tiles and the item.
// CHECK-LABEL: llvm.func @narrow_64x64_0(
// CHECK-SAME:    nvvm.minctasm = 2 : i32, nvvm.reqntid = array<i32: 256>
// CHECK-SAME:    {blocks_per_multiprocessor = 2 : i64,
// CHECK-SAME:    {array = "query", columns = 64 : i64, rows = 64 : i64}, {array = "key", columns = 64 : i64, rows = 64 : i64}
// CHECK-SAME:    shared_bytes = 82104 : i64, threads = 256 : i64
// CHECK:         nvvm.setmaxregister {{ *}}decrease 40
// CHECK:         nvvm.setmaxregister {{ *}}increase 216
func.func @narrow_64x64(%x: tensor<1x1x?x64xbf16>, %mask: !sparse_attn.block_mask<64x64>) -> tensor<1x1x?x64xbf16> {
  %o = sparse_attn.attention %x, %x, %x pattern(@blocks_64x64(%mask) : (!sparse_attn.block_mask<64x64>)) : (tensor<1x1x?x64xbf16>, tensor<1x1x?x64xbf16>, tensor<1x1x?x64xbf16>) -> tensor<1x1x?x64xbf16>
  return %o : tensor<1x1x?x64xbf16>
}

// Longer blocks of keys: 2 stages of 128 keys leave room for two blocks as well.
// CHECK-LABEL: llvm.func @narrow_64x128_0(
// CHECK-SAME:    {blocks_per_multiprocessor = 2 : i64,
// CHECK-SAME:    {array = "query", columns = 64 : i64, rows = 64 : i64}, {array = "key", columns = 64 : i64, rows = 128 : i64}
// CHECK:         nvvm.setmaxregister {{ *}}increase 216
func.func @narrow_64x128(%x: tensor<1x1x?x64xbf16>, %mask: !sparse_attn.block_mask<64x128>) -> tensor<1x1x?x64xbf16> {
  %o = sparse_attn.attention %x, %x, %x pattern(@blocks_64x128(%mask) : (!sparse_attn.block_mask<64x128>)) : (tensor<1x1x?x64xbf16>, tensor<1x1x?x64xbf16>, tensor<1x1x?x64xbf16>) -> tensor<1x1x?x64xbf16>
  return %o : tensor<1x1x?x64xbf16>
}

// Two consumers have each other.
// CHECK-LABEL: llvm.func @narrow_128x128_0(
// CHECK-SAME:    nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 384>
// CHECK-SAME:    {blocks_per_multiprocessor = 1 : i64,
// CHECK-SAME:    {array = "query", columns = 64 : i64, rows = 128 : i64}, {array = "key", columns = 64 : i64, rows = 128 : i64}
// CHECK:         nvvm.setmaxregister {{ *}}increase 232
func.func @narrow_128x128(%x: tensor<1x1x?x64xbf16>, %mask: !sparse_attn.block_mask<128x128>) -> tensor<1x1x?x64xbf16> {
  %o = sparse_attn.attention %x, %x, %x pattern(@blocks_128x128(%mask) : (!sparse_attn.block_mask<128x128>)) : (tensor<1x1x?x64xbf16>, tensor<1x1x?x64xbf16>, tensor<1x1x?x64xbf16>) -> tensor<1x1x?x64xbf16>
  return %o : tensor<1x1x?x64xbf16>
}

// With 128 keys of 128 columns, a block would be alone: so 64.
// CHECK-LABEL: llvm.func @wide_64x128_0(
// CHECK-SAME:    {blocks_per_multiprocessor = 2 : i64,
// CHECK-SAME:    {array = "query", columns = 64 : i64, rows = 64 : i64}, {array = "key", columns = 64 : i64, rows = 64 : i64}
// CHECK:         nvvm.setmaxregister {{ *}}increase 216
func.func @wide_64x128(%x: tensor<1x1x?x128xbf16>, %mask: !sparse_attn.block_mask<64x128>) -> tensor<1x1x?x128xbf16> {
  %o = sparse_attn.attention %x, %x, %x pattern(@blocks_64x128(%mask) : (!sparse_attn.block_mask<64x128>)) : (tensor<1x1x?x128xbf16>, tensor<1x1x?x128xbf16>, tensor<1x1x?x128xbf16>) -> tensor<1x1x?x128xbf16>
  return %o : tensor<1x1x?x128xbf16>
}

// A single consumer that is alone: a thread has all the registers that it can have.
// CHECK-LABEL: llvm.func @widest_64x64_0(
// CHECK-SAME:    nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 256>
// CHECK-SAME:    {blocks_per_multiprocessor = 1 : i64,
// CHECK-NOT:     nvvm.setmaxregister
// CHECK:         llvm.return
func.func @widest_64x64(%x: tensor<1x1x?x256xbf16>, %mask: !sparse_attn.block_mask<64x64>) -> tensor<1x1x?x256xbf16> {
  %o = sparse_attn.attention %x, %x, %x pattern(@blocks_64x64(%mask) : (!sparse_attn.block_mask<64x64>)) : (tensor<1x1x?x256xbf16>, tensor<1x1x?x256xbf16>, tensor<1x1x?x256xbf16>) -> tensor<1x1x?x256xbf16>
  return %o : tensor<1x1x?x256xbf16>
}

// Without room for the output, it takes the place of the queries: its store frees them, and nothing else does.
// CHECK-LABEL: llvm.func @widest_0(
// CHECK-SAME:    {blocks_per_multiprocessor = 1 : i64,
// CHECK-SAME:    shared_bytes = 196{{[0-9]+}} : i64
// CHECK-NOT:     nvvm.cp.async.bulk.wait_group
// CHECK:         nvvm.cp.async.bulk.commit.group
// CHECK-NEXT:    nvvm.cp.async.bulk.wait_group 0 {read}
// CHECK:         nvvm.mbarrier.arrive
// CHECK-NOT:     nvvm.cp.async.bulk.wait_group
// CHECK:         llvm.return
func.func @widest(%x: tensor<1x1x?x256xbf16>) -> tensor<1x1x?x256xbf16> {
  %o = sparse_attn.attention %x, %x, %x pattern(@past) : (tensor<1x1x?x256xbf16>, tensor<1x1x?x256xbf16>, tensor<1x1x?x256xbf16>) -> tensor<1x1x?x256xbf16>
  return %o : tensor<1x1x?x256xbf16>
}

sparse_attn.pattern @blocks_64x64(%mask: !sparse_attn.block_mask<64x64>) {
  %p = sparse_attn.blocks %mask : !sparse_attn.block_mask<64x64>
  sparse_attn.yield %p
}
sparse_attn.pattern @blocks_64x128(%mask: !sparse_attn.block_mask<64x128>) {
  %p = sparse_attn.blocks %mask : !sparse_attn.block_mask<64x128>
  sparse_attn.yield %p
}
sparse_attn.pattern @blocks_128x128(%mask: !sparse_attn.block_mask<128x128>) {
  %p = sparse_attn.blocks %mask : !sparse_attn.block_mask<128x128>
  sparse_attn.yield %p
}
sparse_attn.pattern @past {
  %p = sparse_attn.causal
  sparse_attn.yield %p
}
