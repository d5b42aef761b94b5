// DEFINE: %{rows} = 64
// DEFINE: %{columns} = 64
// DEFINE: %{options} = ""
// DEFINE: %{blocks} = sed -e s/ROWS/%{rows}/ -e s/COLUMNS/%{columns}/ %s | not sparse-attn-opt --sparse-attn-specialize-blocks=%{options} 2>&1
// DEFINE: %{sizes} = FileCheck %s --check-prefix=SIZES -DSIZES="%{rows} and %{columns}"

// Blocks are tiles, and so have the sizes of one, even where another is asked for.
// SIZES: error: 'sparse_attn.weights' op expects a query tile that is a multiple of 16 in [16, 256] and a key tile that is a multiple of 8 in [8, 512], but got [[SIZES]]
// REDEFINE: %{rows} = 24
// RUN: %{blocks} | %{sizes}
// REDEFINE: %{options} = "tile-q=64 tile-k=64"
// RUN: %{blocks} | %{sizes}
// REDEFINE: %{options} = ""
// REDEFINE: %{rows} = 272
// RUN: %{blocks} | %{sizes}
// REDEFINE: %{rows} = 0
// RUN: %{blocks} | %{sizes}
// REDEFINE: %{rows} = 64
// REDEFINE: %{columns} = 4
// RUN: %{blocks} | %{sizes}
// REDEFINE: %{columns} = 520
// RUN: %{blocks} | %{sizes}

// Those of a captured mask and those of the values lie in each other.
// REDEFINE: %{columns} = 48
// RUN: %{blocks} | FileCheck %s --check-prefix=MASK
// MASK: error: 'sparse_attn.weights' op expects tiles that are multiples or divisors of the blocks of '!sparse_attn.block_mask<64x32>', but got 64 and 48

!t = tensor<1x1x?x16xf32>
!lse = tensor<1x1x?xf32>
!mask = !sparse_attn.block_mask<64x32>

sparse_attn.pattern @masked(%mask: !mask) {
  %p = sparse_attn.blocks %mask : !mask
  sparse_attn.yield %p
}
func.func @weights(%q: !t, %lse: !lse, %mask: !mask) {
  %0:3 = sparse_attn.weights %q, %q, %lse pattern(@masked(%mask) : (!mask))
      : (!t, !t, !lse) -> (tensor<?xi64>, tensor<?x2xi32>, tensor<?xROWSxCOLUMNSxf32>)
  return
}
