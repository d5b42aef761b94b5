/*===- sparse_attn.h - C interface of the sparse-attn runtime --------------===*\
|*
|* Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* An artifact made by `sparse-attn-compile` holds fused attention kernels. It
|* is used in two calls, so that no analysis or allocation hides in the hot
|* path:
|*
|*   prepare  looks at shapes and captured arrays once and makes a plan;
|*   launch   runs the plan on buffers, and allocates nothing.
|*
|* Kernels for a GPU run on the GPU of the current CUDA context; without one, on
|* the primary context of device 0. Where the environment variable
|* SPARSE_ATTN_DEVICE is `sim`, they run on a simulated device instead, whose
|* memory is the host's. A GPU is opened once for each context, the simulated
|* device once, by the first plan.
|*
|* Every call returns a status; `sparse_attn_last_error()` words the last
|* failure of the calling thread. No call aborts on bad input.
|*
\*===----------------------------------------------------------------------===*/
#ifndef SPARSE_ATTN_SPARSE_ATTN_H
#define SPARSE_ATTN_SPARSE_ATTN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(SPARSE_ATTN_BUILDING_RUNTIME)
#define SPARSE_ATTN_API __attribute__((visibility("default")))
#else
#define SPARSE_ATTN_API
#endif

typedef enum sparse_attn_status {
  SPARSE_ATTN_OK = 0,
  SPARSE_ATTN_INVALID_ARGUMENT = 1,
  SPARSE_ATTN_SHAPE_MISMATCH = 2,
  SPARSE_ATTN_UNSUPPORTED = 3,
  SPARSE_ATTN_VERSION_MISMATCH = 4,
  SPARSE_ATTN_OUT_OF_MEMORY = 5,
  SPARSE_ATTN_DEVICE_ERROR = 6
} sparse_attn_status;

typedef enum sparse_attn_dtype {
  SPARSE_ATTN_F32 = 0,
  SPARSE_ATTN_F16 = 1,
  SPARSE_ATTN_BF16 = 2,
  SPARSE_ATTN_I32 = 3,
  /**
   * The value is a table of pointers to block masks (`const sparse_attn_block_mask *`) of rank 2: one for each batch
   * and head, or a size of 1 where all batches or all heads share one.
   */
  SPARSE_ATTN_BLOCK_MASK = 4,
  SPARSE_ATTN_I64 = 5 /**< Of results only. */
} sparse_attn_dtype;

/** A set of blocks of pairs, chosen at run time; sparse_attn/masks.h makes them. */
typedef struct sparse_attn_block_mask sparse_attn_block_mask;

/** A strided view of caller-owned memory, or one captured scalar. */
typedef struct sparse_attn_value {
  void *data;        /**< First element; may be null for `prepare` unless captured. */
  int32_t dtype;     /**< A sparse_attn_dtype. Ignored for scalars. */
  int32_t rank;      /**< 1 to 4; 0 makes this value a scalar. */
  int64_t size[4];   /**< In elements, outermost first. */
  int64_t stride[4]; /**< In elements; the innermost must be 1. */
  int64_t scalar;    /**< The value of a scalar (rank 0). */
} sparse_attn_value;

typedef struct sparse_attn_artifact sparse_attn_artifact;
typedef struct sparse_attn_plan sparse_attn_plan;

/** Bytes that an artifact holds for a GPU: a cubin, or PTX with a zero at its end. */
typedef struct sparse_attn_blob {
  const void *data;
  uint64_t bytes;
} sparse_attn_blob;

/** What an artifact exports as `<module>_sparse_attn_image`; see docs/artifact.md. */
typedef struct sparse_attn_image {
  const void *manifest;         /**< Section `.sparse_attn.manifest`, header included. */
  uint64_t manifest_bytes;      /**< Bytes of that section. */
  void (*const *entries)(void); /**< Functions, indexed by the manifest. */
  uint64_t entry_count;
  const sparse_attn_blob *blobs; /**< Images of GPU kernels, indexed by the manifest; null where there are none. */
  uint64_t blob_count;
} sparse_attn_image;

/** "major.minor.patch" of this runtime; static storage. */
SPARSE_ATTN_API const char *sparse_attn_version(void);

/** The message of this thread's last failed call; "" if none. Valid until its next failing call. */
SPARSE_ATTN_API const char *sparse_attn_last_error(void);

/**
 * Number of threads that `prepare` and launches use, at most 1024; 0 restores the default (all cores). A launch never
 * uses more threads than were set when its plan was made, since its workspace has scratch memory for so many. Results
 * do not depend on it.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_set_threads(int32_t threads);

/**
 * Opens a shared library. The manifest is read and checked before any of its code can run. The file must not be
 * overwritten in place while an artifact or a plan of it lives (replacing it by a rename is fine).
 *
 * VERSION_MISMATCH: the file has another format version. UNSUPPORTED: it is for another machine or target.
 * INVALID_ARGUMENT: it is missing, truncated or no artifact.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_artifact_open(const char *path, sparse_attn_artifact **artifact);

/** Wraps an artifact that is linked into this program. `image` must outlive it. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_artifact_from_image(const sparse_attn_image *image,
                                                                   sparse_attn_artifact **artifact);

/** Closes an artifact; plans keep what they need of it alive. Null is allowed. */
SPARSE_ATTN_API void sparse_attn_artifact_close(sparse_attn_artifact *artifact);

/**
 * Makes a plan for one function and the shapes of `arguments` (in the order of its declaration; data of arrays that
 * are not captured by a pattern may be null). Captured arrays, masks and scalars are read here. Captured arrays must
 * stay valid and unchanged while the plan lives; masks and their tables are not needed any more. Lengths, batches and
 * heads of 0 are allowed.
 *
 * The environment variable SPARSE_ATTN_CPU_LEVEL forces one of the levels that kernels for the CPU were compiled for.
 *
 * For a GPU, captured arrays are in host memory too: what kernels need of them is copied to the device here. This may
 * wait for the device.
 *
 * INVALID_ARGUMENT: unknown function, level or device, wrong number or kind of arguments. SHAPE_MISMATCH: sizes
 * disagree, are out of range or overflow, or a mask has other blocks or lengths. UNSUPPORTED: this CPU lacks a feature,
 * there is no GPU, or it runs none of the artifact's images. OUT_OF_MEMORY, DEVICE_ERROR: of the GPU.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prepare(const sparse_attn_artifact *artifact, const char *function,
                                                       const sparse_attn_value *arguments, size_t argument_count,
                                                       sparse_attn_plan **plan);

/**
 * Chooses captured numbers by the work that they make: sets the scalars `arguments[chosen[i]]` to the largest value,
 * one for all of them, with which a plan visits at most `share` (above 0, at most 1) of the tiles that there are. What
 * is captured so must be a size of the pattern, as the left bound of a window: a larger value is taken to visit no
 * fewer tiles. `chosen` may be null with a count of 0, which means every number that a pattern captures. Makes and
 * drops at most 2 log2(length) plans.
 *
 * INVALID_ARGUMENT: the share is out of range, there is no number to choose or an argument is none, or the least value
 * (0, or what the pattern needs) visits more; and the failures of `prepare`. Then no argument is changed.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_fit_sparsity(const sparse_attn_artifact *artifact, const char *function,
                                                            sparse_attn_value *arguments, size_t argument_count,
                                                            const size_t *chosen, size_t chosen_count, double share);

/** Releases a plan; null is allowed. No launch may be running, nor be on its way on a GPU. */
SPARSE_ATTN_API void sparse_attn_plan_destroy(sparse_attn_plan *plan);

/** Bytes of workspace that each concurrent launch needs (64-byte aligned; on a GPU, of its memory); may be 0. */
SPARSE_ATTN_API size_t sparse_attn_workspace_bytes(const sparse_attn_plan *plan);

/**
 * Bytes of result number `result` as a contiguous array; 0 for a null plan and a number that no result has. Where the
 * function returns attention weights, this is the memory of the visited blocks, which only a plan knows.
 */
SPARSE_ATTN_API size_t sparse_attn_result_bytes(const sparse_attn_plan *plan, size_t result);
/**
 * The sizes that result number `result` must have: writes `rank` and the first `rank` of `sizes`, which has room for 4.
 * INVALID_ARGUMENT: there is no such result.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_result_sizes(const sparse_attn_plan *plan, size_t result, int32_t *rank,
                                                            int64_t *sizes);

/** Bytes that `prepare` uploaded to a device: lists, orders, captured arrays. 0 on the CPU. */
SPARSE_ATTN_API size_t sparse_attn_plan_device_bytes(const sparse_attn_plan *plan);
/**
 * Sums over all work items: key tiles visited with mask code (partial), without (full), and all there are (total). Any
 * of the three may be null.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_plan_tiles(const sparse_attn_plan *plan, int64_t *partial, int64_t *full,
                                                          int64_t *total);
/**
 * Queries and keys of a tile in attention number `step` of the function, counted from 0. Where the artifact has kernels
 * for tiles of several sizes, those of the kernel that `prepare` chose. Either of the two may be null.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_plan_tile_sizes(const sparse_attn_plan *plan, size_t step,
                                                               int64_t *queries, int64_t *keys);

/**
 * Runs a plan: reads `arguments`, writes `results`. Shapes must be those of the plan; strides may differ, and elements
 * of a result must not overlap. Captured scalars must have the values, and captured arrays the address (or null) and
 * strides, that `prepare` saw. `stream` must be null on the CPU. Allocates nothing; several threads may launch one plan
 * at a time, each with its own workspace and results.
 *
 * On a GPU, all arrays but captured ones, and the workspace, are in device memory. Addresses of queries, keys, values
 * and outputs are multiples of 16 bytes, and so are their strides but the innermost, where the size is above 1. The
 * kernels are started on `stream` (a CUstream or cudaStream_t; null: the default stream), in order, and nothing else is
 * done with the device: the launch can be captured into a CUDA graph. It returns before the kernels have ended;
 * workspace, arrays and plan must live until then; a plan must live until the last replay of a graph that holds a
 * launch of it. Launches in one stream may queue without limit; where launches of one plan are spread over several
 * streams, at most 64 of them may be unfinished, and a captured graph must not run beside other launches of the plan.
 * `stream` must be null on the simulated device, which has ended when this returns.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_launch(const sparse_attn_plan *plan, const sparse_attn_value *arguments,
                                                      size_t argument_count, const sparse_attn_value *results,
                                                      size_t result_count, void *workspace, size_t workspace_bytes,
                                                      void *stream);

/** Which way `sparse_attn_reorder_rows` moves rows. */
typedef enum sparse_attn_order_direction {
  SPARSE_ATTN_INTO_ORDER = 0,  /**< Row p of the result is row order[p]. */
  SPARSE_ATTN_OUT_OF_ORDER = 1 /**< Row order[p] of the result is row p. */
} sparse_attn_order_direction;

/**
 * The order of tokens that the pattern `neighborhood` has with a tile: sets `order[p]`, for each position p, to the
 * row-major number of the token that is stored there. Tiles follow in row-major order, and so do the tokens of each.
 * `shape` and `tile` have `rank` numbers, 1 to 3; without a tile (null) tokens are in row-major order. `count` is the
 * number of tokens, the product of the shape, which is what `order` has room for.
 *
 * INVALID_ARGUMENT: another rank or count, sizes below 1, a tile that does not divide the shape, 2^30 tokens or more.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_order_tokens(int32_t rank, const int64_t *shape, const int64_t *tile,
                                                            int32_t *order, size_t count);

/**
 * Moves the rows of an array [batch, heads, rows, row size] in host memory by an order, into it (queries, keys and
 * values before a launch) or out of it (outputs after one); `direction` is a sparse_attn_order_direction. `order` has
 * each number below `count`, the number of rows, once. Both arrays have the same sizes and one element type, any but
 * BLOCK_MASK, strides of their own, and no memory in common. An array without rows of elements, as a log-sum-exp, is
 * one of row size 1.
 *
 * INVALID_ARGUMENT: an unknown direction, an order with other numbers, one array as both, arrays of other ranks or
 * types. SHAPE_MISMATCH: sizes or strides do not fit.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_reorder_rows(const sparse_attn_value *source, const int32_t *order,
                                                            size_t count, int32_t direction,
                                                            const sparse_attn_value *result);

#ifdef __cplusplus
}
#endif
#endif /* SPARSE_ATTN_SPARSE_ATTN_H */
