/*===- masks.h - C interface of block masks and what serves them -----------===*\
|*
|* Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* A block mask says which blocks of keys each block of queries reads. It is
|* collected by a builder, chosen by scores, made from other masks or loaded
|* from a file, and never changes afterwards. Kernels take tables of masks
|* (SPARSE_ATTN_BLOCK_MASK). What servers need beside them is here too: a cache
|* for what `prepare` finds out, an index of cached prefixes, and the blocks
|* that draw the most attention.
|*
|* What holds for every function:
|*  - Objects that a function makes belong to the caller, who destroys them;
|*    destroying null is allowed. A failing call sets the place of such an
|*    object to null.
|*  - INVALID_ARGUMENT, where a pointer is null that is not said to be allowed
|*    to be; OUT_OF_MEMORY. Only further errors are listed.
|*  - Functions that list things write to memory of the caller, `capacity`
|*    elements at most, and set `*count` to the number of all. With a null list
|*    and a capacity of 0 they only count. INVALID_ARGUMENT: the capacity is too
|*    small; nothing but `*count` is written then.
|*  - Options are plain structures. A field of 0 is the default where the field
|*    says so; null options are all defaults where the function says so.
|*  - Masks, tables, scores and shared blocks are read by any number of threads
|*    at a time; caches and prefix indices may also be changed so. A builder and
|*    heavy hitters belong to one thread at a time.
|*
\*===----------------------------------------------------------------------===*/
#ifndef SPARSE_ATTN_MASKS_H
#define SPARSE_ATTN_MASKS_H

#include "sparse_attn/sparse_attn.h"

#ifdef __cplusplus
extern "C" {
#endif

/*===----------------------------------------------------------------------===*
 * Masks
 *===----------------------------------------------------------------------===*/

/** The sizes of a mask; query block q is tokens [q * query_block_size, (q + 1) * query_block_size). */
typedef struct sparse_attn_mask_grid {
  uint32_t query_blocks;     /**< At most 2^26. */
  uint32_t key_blocks;       /**< At most 2^26. */
  uint32_t query_block_size; /**< In tokens, 1 to 2^16. */
  uint32_t key_block_size;   /**< In tokens, 1 to 2^16. */
} sparse_attn_mask_grid;

/** The blocks [first, past). */
typedef struct sparse_attn_block_range {
  uint32_t first;
  uint32_t past;
} sparse_attn_block_range;

/**
 * A diagonal band within a rectangle: the pairs (q, k) with query_first <= q < query_past, key_first <= k < key_past,
 * lowest <= k - q <= highest and (k - q) mod step = phase, where mod gives values in [0, step). Windows, causal masks,
 * documents and dilated windows are bands, and cost nothing however long the sequence.
 */
typedef struct sparse_attn_mask_band {
  uint32_t query_first;
  uint32_t query_past;
  uint32_t key_first;
  uint32_t key_past;
  int64_t lowest;  /**< At least -2^32, which excludes nothing. */
  int64_t highest; /**< At most 2^32, which excludes nothing. */
  uint32_t step;   /**< At least 1; 1 keeps every k - q. */
  uint32_t phase;  /**< Below `step`. */
} sparse_attn_mask_band;

/** How a mask is kept in memory. */
typedef enum sparse_attn_representation {
  SPARSE_ATTN_AUTOMATIC = 0,      /**< A wish only: the best of the others for the mask at hand. */
  SPARSE_ATTN_TERMS_AND_ROWS = 1, /**< Bands in closed form, and 16-bit lists a row for the rest. */
  SPARSE_ATTN_PACKED_BITS = 2,    /**< One bit a pair: for small or dense masks. */
  SPARSE_ATTN_ROARING = 3         /**< Compressed bitmaps: slow to ask, quick to combine. */
} sparse_attn_representation;

/** How a new mask is made; {0} is the default. */
typedef struct sparse_attn_freeze_options {
  int32_t representation; /**< A sparse_attn_representation. */
  int32_t threads;        /**< At most so many threads; 0: as many as `sparse_attn_set_threads` allows. */
} sparse_attn_freeze_options;

/** What a mask is made of. */
typedef struct sparse_attn_mask_stats {
  int32_t representation; /**< A sparse_attn_representation, never AUTOMATIC. */
  double density;         /**< Pairs in the mask over pairs of the grid; 0 for a grid without pairs. */
  uint64_t terms;         /**< Bands in closed form. */
  uint64_t stored_ranges; /**< Ranges kept row by row. */
  uint64_t stored_blocks; /**< Single key blocks kept row by row. */
  uint64_t slabs;         /**< Stored pieces of at most 65,536 x 65,536 blocks. */
  uint64_t heap_bytes;    /**< All memory of the mask. */
} sparse_attn_mask_stats;

/** Equal masks have equal hashes; others by a chance of 2^-100. Not meant to withstand masks crafted to collide. */
typedef struct sparse_attn_content_hash {
  uint64_t low;
  uint64_t high;
} sparse_attn_content_hash;

/**
 * Destroys a mask. A plan that was prepared with it, and a builder or mask that it went into, do not need it any more.
 */
SPARSE_ATTN_API void sparse_attn_mask_destroy(sparse_attn_block_mask *mask);

SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_get_grid(const sparse_attn_block_mask *mask,
                                                             sparse_attn_mask_grid *grid);

/** Pairs in the mask; 0 for null. O(1). */
SPARSE_ATTN_API uint64_t sparse_attn_mask_count(const sparse_attn_block_mask *mask);

/** 1 where query block q reads key block k, else 0; 0 for null, and for blocks that the grid lacks. */
SPARSE_ATTN_API int32_t sparse_attn_mask_contains(const sparse_attn_block_mask *mask, uint32_t q, uint32_t k);

/** Sets `*count` to the number of key blocks of row q; rows that the grid lacks are empty, here and below. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_row_count(const sparse_attn_block_mask *mask, uint32_t q,
                                                              uint32_t *count);

/** Lists the key blocks of row q, ascending. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_active_blocks(const sparse_attn_block_mask *mask, uint32_t q,
                                                                  uint32_t *blocks, size_t capacity, size_t *count);

/** Lists row q as ascending ranges, as few as there can be. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_ranges(const sparse_attn_block_mask *mask, uint32_t q,
                                                           sparse_attn_block_range *ranges, size_t capacity,
                                                           size_t *count);

/** Lists the key blocks that rows q1 and q2 share, ascending. Quickest where the shorter row would fit. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_intersection(const sparse_attn_block_mask *mask, uint32_t q1,
                                                                 uint32_t q2, uint32_t *blocks, size_t capacity,
                                                                 size_t *count);

/** Lists the key blocks that at least one of the rows [first, past) reads, as ascending ranges. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_union_of_rows(const sparse_attn_block_mask *mask, uint32_t first,
                                                                  uint32_t past, sparse_attn_block_range *ranges,
                                                                  size_t capacity, size_t *count);

/** Lists the bands of a mask, which may overlap; none unless the representation is TERMS_AND_ROWS. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_bands(const sparse_attn_block_mask *mask,
                                                          sparse_attn_mask_band *bands, size_t capacity, size_t *count);

SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_get_stats(const sparse_attn_block_mask *mask,
                                                              sparse_attn_mask_stats *stats);

/** A hash of the grid and the pairs, whatever the representation. Computed once, at the first call. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_content_hash(const sparse_attn_block_mask *mask,
                                                                 sparse_attn_content_hash *hash);

/** Sets `*equal` to 1 where grid and pairs are the same, whatever the representation, else to 0. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_equal(const sparse_attn_block_mask *a,
                                                          const sparse_attn_block_mask *b, int32_t *equal);

/**
 * The pairs that are in both masks, in one of them at least, or in `a` but not in `b`. `options` may be null.
 * SHAPE_MISMATCH: the grids differ. UNSUPPORTED: packed bits of more than 4 GiB were asked for.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_and(const sparse_attn_block_mask *a,
                                                        const sparse_attn_block_mask *b,
                                                        const sparse_attn_freeze_options *options,
                                                        sparse_attn_block_mask **result);
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_or(const sparse_attn_block_mask *a, const sparse_attn_block_mask *b,
                                                       const sparse_attn_freeze_options *options,
                                                       sparse_attn_block_mask **result);
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_and_not(const sparse_attn_block_mask *a,
                                                            const sparse_attn_block_mask *b,
                                                            const sparse_attn_freeze_options *options,
                                                            sparse_attn_block_mask **result);

/** The mask with queries and keys exchanged, in the same representation, on `threads` threads (0: the default). */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_transpose(const sparse_attn_block_mask *mask, int32_t threads,
                                                              sparse_attn_block_mask **result);

/** The same pairs kept in another way. UNSUPPORTED: packed bits of more than 4 GiB. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_convert(const sparse_attn_block_mask *mask,
                                                            const sparse_attn_freeze_options *options,
                                                            sparse_attn_block_mask **result);

/*===----------------------------------------------------------------------===*
 * Building masks
 *===----------------------------------------------------------------------===*/

/** The union of all that was added, in any order and more than once. Everything is copied. */
typedef struct sparse_attn_mask_builder sparse_attn_mask_builder;

/** The element type of an array of indices. */
typedef enum sparse_attn_index_type {
  SPARSE_ATTN_INDEX_U16 = 0,
  SPARSE_ATTN_INDEX_U32 = 1,
  SPARSE_ATTN_INDEX_I32 = 2,
  SPARSE_ATTN_INDEX_U64 = 3,
  SPARSE_ATTN_INDEX_I64 = 4
} sparse_attn_index_type;

/** INVALID_ARGUMENT: a grid that is out of range. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_builder_create(const sparse_attn_mask_grid *grid,
                                                                   sparse_attn_mask_builder **builder);
SPARSE_ATTN_API void sparse_attn_mask_builder_destroy(sparse_attn_mask_builder *builder);

/*
 * Everything that adds fails with INVALID_ARGUMENT for a block that the grid lacks, naming it, and for an array that is
 * null and has elements; nothing of that call is added then.
 */

/** Query block q reads `count` key blocks, in any order. Quickest where they ascend and each row is added once. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_add_attention(sparse_attn_mask_builder *builder, uint32_t q,
                                                                  const uint32_t *key_blocks, size_t count);

/** Query block q reads the key blocks [first, past), which may be empty. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_add_range(sparse_attn_mask_builder *builder, uint32_t q,
                                                              uint32_t first, uint32_t past);

/** Every query block q reads the key blocks from q - left to q + right that exist. In closed form. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_add_window(sparse_attn_mask_builder *builder, uint32_t left,
                                                               uint32_t right);

/** Every query block reads the key blocks [first, past): a prefix where `first` is 0. In closed form. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_add_keys(sparse_attn_mask_builder *builder, uint32_t first,
                                                             uint32_t past);

/** The query blocks [first, past) read every key block. In closed form. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_add_queries(sparse_attn_mask_builder *builder, uint32_t first,
                                                                uint32_t past);

/** Every pair of a band. In closed form. INVALID_ARGUMENT: also a step, a phase or bounds that are out of range. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_add_band(sparse_attn_mask_builder *builder,
                                                             const sparse_attn_mask_band *band);

/**
 * The pairs (queries[i * stride], keys[i * stride]) for i in [0, count), in any order. An array of shape [count, 2] is
 * added by `keys` = `queries` + 1 element and a stride of 2. `index_type` is U32, I32, U64 or I64.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_add_pairs(sparse_attn_mask_builder *builder, const void *queries,
                                                              const void *keys, int32_t index_type, size_t count,
                                                              size_t stride);

/**
 * Compressed rows: row q reads columns[offsets[q]] to columns[offsets[q + 1] - 1]. `offsets` has query_blocks + 1
 * elements, from 0 to `column_count`. `offset_type` is U32, I32, U64 or I64; `column_type` is U16, U32, I32
 * or I64.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_add_csr(sparse_attn_mask_builder *builder, const void *offsets,
                                                            int32_t offset_type, const void *columns,
                                                            int32_t column_type, size_t column_count);

/**
 * One bit a pair: bit k % 8, from the least significant, of byte q * row_bytes + k / 8. Bits behind the last key block
 * are ignored. INVALID_ARGUMENT: also rows of too few bytes.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_add_packed_bits(sparse_attn_mask_builder *builder,
                                                                    const uint8_t *bits, size_t row_bytes);

/** One byte a pair: query block q reads key block k where bytes[q * row_bytes + k] is not 0. Errors: as above. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_add_dense(sparse_attn_mask_builder *builder, const uint8_t *bytes,
                                                              size_t row_bytes);

/** Every pair of a mask. SHAPE_MISMATCH: it has another grid. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_add_mask(sparse_attn_mask_builder *builder,
                                                             const sparse_attn_block_mask *mask);

/**
 * The mask of all that was added; the builder is empty afterwards, and may be used again. `options` may be null.
 * UNSUPPORTED: packed bits of more than 4 GiB were asked for.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_builder_freeze(sparse_attn_mask_builder *builder,
                                                                   const sparse_attn_freeze_options *options,
                                                                   sparse_attn_block_mask **mask);

/*===----------------------------------------------------------------------===*
 * Files
 *===----------------------------------------------------------------------===*/

/** Bytes that the library made. */
typedef struct sparse_attn_bytes sparse_attn_bytes;

/** The first of them; null for null. Valid as long as the object. */
SPARSE_ATTN_API const uint8_t *sparse_attn_bytes_data(const sparse_attn_bytes *bytes);
/** How many there are; 0 for null. */
SPARSE_ATTN_API size_t sparse_attn_bytes_size(const sparse_attn_bytes *bytes);
SPARSE_ATTN_API void sparse_attn_bytes_destroy(sparse_attn_bytes *bytes);

/** How a mask is loaded, and what a file may ask for; {0} is the default. */
typedef struct sparse_attn_load_options {
  sparse_attn_freeze_options freeze; /**< How the mask is kept. */
  uint64_t max_bytes;                /**< Bytes of a file; 0: 4 GiB. */
  uint64_t max_term_work;            /**< Bounds the time to count bands, in units of about 10 ns; 0: 2^28. */
} sparse_attn_load_options;

/**
 * Writes the file of a mask (docs/mask-format.md) at `path`, whole or not at all. INVALID_ARGUMENT: the file cannot be
 * written.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_save(const sparse_attn_block_mask *mask, const char *path);

/** The same into memory. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_save_buffer(const sparse_attn_block_mask *mask,
                                                                sparse_attn_bytes **buffer);

/**
 * Loads a mask file that nobody vouches for. `options` may be null. VERSION_MISMATCH: another version of the format.
 * INVALID_ARGUMENT: it cannot be read, is anything but a whole and consistent file, or exceeds the limits.
 * UNSUPPORTED: packed bits of more than 4 GiB were asked for.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_load(const char *path, const sparse_attn_load_options *options,
                                                         sparse_attn_block_mask **mask);

/** The same from memory, which holds the file and nothing behind it. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_load_buffer(const void *bytes, size_t size,
                                                                const sparse_attn_load_options *options,
                                                                sparse_attn_block_mask **mask);

/*===----------------------------------------------------------------------===*
 * Lists for devices
 *===----------------------------------------------------------------------===*/

typedef enum sparse_attn_list_entry {
  SPARSE_ATTN_LIST_INTERVAL = 0, /**< Two uint32_t: first key block, number of key blocks. */
  SPARSE_ATTN_LIST_BLOCK16 = 1,  /**< One uint16_t a key block; for at most 65,536 key blocks. */
  SPARSE_ATTN_LIST_BLOCK32 = 2   /**< One uint32_t a key block. */
} sparse_attn_list_entry;

typedef enum sparse_attn_list_offset {
  SPARSE_ATTN_OFFSET32 = 0, /**< uint32_t. */
  SPARSE_ATTN_OFFSET64 = 1  /**< int64_t. */
} sparse_attn_list_offset;

/** The form of lists; {0} is the default. */
typedef struct sparse_attn_list_options {
  int32_t entry;   /**< A sparse_attn_list_entry. */
  int32_t offset;  /**< A sparse_attn_list_offset. */
  int32_t threads; /**< At most so many threads; 0: as many as `sparse_attn_set_threads` allows. */
} sparse_attn_list_options;

/** How large the arrays of an export are. */
typedef struct sparse_attn_list_sizes {
  uint64_t offsets;       /**< Elements of each array of offsets: query_blocks + 1. */
  uint64_t full;          /**< Entries without an element mask. */
  uint64_t partial;       /**< Entries with one. */
  uint64_t offset_bytes;  /**< Of each array of offsets. */
  uint64_t full_bytes;    /**< Of all `full` entries. */
  uint64_t partial_bytes; /**< Of all `partial` entries. */
} sparse_attn_list_sizes;

/** Memory of the caller. Row q has the entries [offsets[q], offsets[q + 1]), ascending. */
typedef struct sparse_attn_list_buffers {
  void *full_offsets;
  void *full;
  void *partial_offsets; /**< May be null where no partial mask is given, as may `partial`. */
  void *partial;
} sparse_attn_list_buffers;

/**
 * The sizes of the arrays that `sparse_attn_mask_export_lists` fills. `partial`, or null for none, holds the pairs that
 * need an element mask, a subset of `active`. `options` may be null.
 *
 * SHAPE_MISMATCH: the grids differ. INVALID_ARGUMENT: `partial` has a pair that `active` lacks, as far as that is
 * noticed. UNSUPPORTED: BLOCK16 with more than 65,536 key blocks, OFFSET32 with 2^32 entries or more.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_list_sizes(const sparse_attn_block_mask *active,
                                                               const sparse_attn_block_mask *partial,
                                                               const sparse_attn_list_options *options,
                                                               sparse_attn_list_sizes *sizes);

/**
 * Writes `active` less `partial` to the full arrays, and `partial` to the partial ones; lists by key block are those of
 * the transposed masks. Errors: as `sparse_attn_mask_list_sizes`, and every pair of `partial` that `active` lacks; what
 * was written is undefined then.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_export_lists(const sparse_attn_block_mask *active,
                                                                 const sparse_attn_block_mask *partial,
                                                                 const sparse_attn_list_options *options,
                                                                 const sparse_attn_list_buffers *buffers);

/**
 * Bytes of a blob, a multiple of 16: both masks in one piece to upload, bands in closed form. Its layout is that of
 * BlobHeader, BlobMask and BlobTerm in sparse_attn/MaskLists.h, without padding. `partial` may be null.
 * SHAPE_MISMATCH: the grids differ. UNSUPPORTED: a mask stores 2^32 ranges or blocks or more.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_blob_bytes(const sparse_attn_block_mask *active,
                                                               const sparse_attn_block_mask *partial, size_t *bytes);

/** Writes the blob to `out`, 16-byte aligned and of exactly `bytes` bytes. Errors: as above, and another `out`. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_write_blob(const sparse_attn_block_mask *active,
                                                               const sparse_attn_block_mask *partial, void *out,
                                                               size_t bytes, int32_t threads);

/*===----------------------------------------------------------------------===*
 * Masks from scores
 *===----------------------------------------------------------------------===*/

/** Masks for batches and heads, as kernels take them. */
typedef struct sparse_attn_mask_table sparse_attn_mask_table;

/** An argument of `prepare` and `launch` (SPARSE_ATTN_BLOCK_MASK), valid as long as the table. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_table_value(const sparse_attn_mask_table *table,
                                                                sparse_attn_value *value);

/** The mask of batch `b` and query head `h`, owned by the table. INVALID_ARGUMENT: there is none. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_table_get(const sparse_attn_mask_table *table, int64_t b, int64_t h,
                                                              const sparse_attn_block_mask **mask);
SPARSE_ATTN_API void sparse_attn_mask_table_destroy(sparse_attn_mask_table *table);

/** Two sequences cut into blocks; the last block of each may be shorter. Positions align at the ends. */
typedef struct sparse_attn_sequence_blocks {
  int64_t query_length;
  int64_t key_length;
  int64_t query_block_size; /**< 0: 128. */
  int64_t key_block_size;   /**< 0: 128. */
} sparse_attn_sequence_blocks;

/** See sparse_attn/BlockScores.h for the formulas and their sources. */
typedef enum sparse_attn_score_method {
  SPARSE_ATTN_MEAN_POOLING = 0, /**< The product of the means of both blocks. */
  SPARSE_ATTN_ANTIDIAGONAL = 1  /**< The attention on antidiagonals of squares of `stride` x `stride` pairs. */
} sparse_attn_score_method;

/** {0} is the default. */
typedef struct sparse_attn_score_options {
  int32_t method;           /**< A sparse_attn_score_method. */
  int32_t causal;           /**< Not 0: a block of keys wholly after its block of queries scores -inf. */
  int64_t query_block_size; /**< 0: 128. */
  int64_t key_block_size;   /**< 0: 128. */
  int64_t stride;           /**< Of ANTIDIAGONAL; divides both block sizes. 0: 16. */
  double scale;             /**< 0: 1 / sqrt(head size). */
} sparse_attn_score_options;

/** Scores of all pairs of blocks. */
typedef struct sparse_attn_block_scores sparse_attn_block_scores;

/**
 * Scores each block of `query` against each block of `key`: arrays [batch, heads, length, head size] of one type, f32,
 * f16 or bf16. `options` may be null.
 *
 * INVALID_ARGUMENT: an array that is no such array, options that are out of range. SHAPE_MISMATCH: the arrays disagree,
 * or sizes overflow.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_score_blocks(const sparse_attn_value *query,
                                                            const sparse_attn_value *key,
                                                            const sparse_attn_score_options *options,
                                                            sparse_attn_block_scores **scores);

/** An f32 array [batch, query heads, query blocks, key blocks], and what was cut. Valid as long as the scores. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_block_scores_value(const sparse_attn_block_scores *scores,
                                                                  sparse_attn_value *value,
                                                                  sparse_attn_sequence_blocks *blocks);
SPARSE_ATTN_API void sparse_attn_block_scores_destroy(sparse_attn_block_scores *scores);

/**
 * Which blocks a row keeps: first those that are kept whatever they score, then others, best first, until `count` or
 * `mass` is reached, one of which must be given. Of equal scores the first block is the better one.
 */
typedef struct sparse_attn_top_k_options {
  int64_t count;          /**< So many blocks, all that are kept included; 0: no such limit. */
  double mass;            /**< The fewest blocks whose softmax adds up to so much, in (0, 1]; 0: no such limit. */
  int64_t keep_sinks;     /**< The first n blocks are kept. */
  int64_t keep_diagonal;  /**< The last n blocks up to that of the row's last query are kept. */
  int64_t heads_per_mask; /**< So many successive query heads share a mask, by their mean softmax. 0: 1. */
  int32_t causal;         /**< Not 0: blocks wholly after the last query of a row are never kept. */
  int32_t batches_share;  /**< Not 0: all batches share their masks. */
  sparse_attn_freeze_options freeze; /**< How the masks are kept. */
} sparse_attn_top_k_options;

/**
 * Selects from `scores`, an f32 array [batch, query heads, query blocks, key blocks] from anywhere. The result does not
 * depend on the number of threads.
 *
 * INVALID_ARGUMENT: a score that is NaN or +inf, options that are out of range. SHAPE_MISMATCH: the sizes are not those
 * of `blocks`. UNSUPPORTED: packed bits of more than 4 GiB were asked for.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_select_top_k(const sparse_attn_value *scores,
                                                            const sparse_attn_sequence_blocks *blocks,
                                                            const sparse_attn_top_k_options *options,
                                                            sparse_attn_mask_table **table);

/*===----------------------------------------------------------------------===*
 * The cache
 *===----------------------------------------------------------------------===*/

/**
 * Keeps the lists of tiles that `prepare` makes from captured arrays and masks, by all that they follow from: the
 * opened artifact, the kernel, the shapes, captured numbers, and of each captured array and mask a version or a hash of
 * its contents; never an address. The least recently used go first, and plans keep alive what they use.
 */
typedef struct sparse_attn_mask_cache sparse_attn_mask_cache;

typedef struct sparse_attn_mask_cache_stats {
  uint64_t hits;
  uint64_t misses;
  uint64_t evictions;
  uint64_t entries;
  uint64_t bytes; /**< Of all entries, with their keys. */
  uint64_t max_bytes;
} sparse_attn_mask_cache_stats;

/** What takes more than `max_bytes` alone is not kept. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_cache_create(size_t max_bytes, sparse_attn_mask_cache **cache);
/** Plans may outlive the cache; no `sparse_attn_prepare_cached` may be running with it. */
SPARSE_ATTN_API void sparse_attn_mask_cache_destroy(sparse_attn_mask_cache *cache);
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_cache_get_stats(const sparse_attn_mask_cache *cache,
                                                                    sparse_attn_mask_cache_stats *stats);
/** Forgets all entries; they count as no evictions. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_mask_cache_clear(sparse_attn_mask_cache *cache);

/**
 * As `sparse_attn_prepare`, with a cache. `versions` is null or has `argument_count` elements: that of a captured array
 * or mask is its version, or negative to hash its contents; others are ignored. Who gives a version promises that the
 * same one stands for the same contents as long as the cache lives. A launch never looks into a cache.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prepare_cached(const sparse_attn_artifact *artifact,
                                                              const char *function, const sparse_attn_value *arguments,
                                                              size_t argument_count, sparse_attn_mask_cache *cache,
                                                              const int64_t *versions, sparse_attn_plan **plan);

/*===----------------------------------------------------------------------===*
 * Shared prefixes
 *===----------------------------------------------------------------------===*/

/**
 * Where the blocks of keys and values are that requests with the same first tokens share, on this node and on others;
 * sparse_attn/PrefixIndex.h has the hash and what several nodes promise each other.
 */
typedef struct sparse_attn_prefix_index sparse_attn_prefix_index;

typedef struct sparse_attn_prefix_options {
  uint32_t node;         /**< The number of this node, which no other node has. */
  uint64_t epoch;        /**< Larger each time that this node starts. */
  uint32_t block_tokens; /**< Tokens of a block, the same on all nodes; 0: 16. */
  uint32_t max_blocks;   /**< The numbers of blocks are below this; 0: 2^20. */
  uint32_t max_nodes;    /**< More are refused; 0: 1024. */
  uint64_t key[2];       /**< Secret, the same on all nodes. */
} sparse_attn_prefix_options;

/** The hash of a block of tokens and of all tokens before it. */
typedef struct sparse_attn_prefix_hash {
  uint64_t low;
  uint64_t high;
} sparse_attn_prefix_hash;

/** A physical block, and the node whose memory it is in. */
typedef struct sparse_attn_block_location {
  uint32_t node;
  uint32_t block;
} sparse_attn_block_location;

/** How many of the first blocks of a request one node holds. */
typedef struct sparse_attn_node_prefix {
  uint32_t node;
  uint64_t blocks;
} sparse_attn_node_prefix;

/** A block and what it holds. */
typedef struct sparse_attn_cached_block {
  sparse_attn_block_location location;
  sparse_attn_prefix_hash hash;
} sparse_attn_cached_block;

/** All that a node has said up to a point. */
typedef struct sparse_attn_node_version {
  uint32_t node;
  uint64_t epoch;
  uint64_t sequence;
} sparse_attn_node_version;

/** What became of a delta. */
typedef struct sparse_attn_applied_delta {
  uint64_t changes; /**< Words that were news. */
  int32_t complete; /**< 0 where words before those of the delta are missing; the next delta should bring them. */
} sparse_attn_applied_delta;

/** A request: `count` tokens (null: none) of a domain. Requests of different domains never share a block. */
typedef struct sparse_attn_tokens {
  const int32_t *tokens;
  size_t count;
  uint64_t domain;
} sparse_attn_tokens;

/** `options` may be null. INVALID_ARGUMENT: options that are out of range. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_create(const sparse_attn_prefix_options *options,
                                                                   sparse_attn_prefix_index **index);
SPARSE_ATTN_API void sparse_attn_prefix_index_destroy(sparse_attn_prefix_index *index);

/** Lists the hashes of all full blocks of a request. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_hashes(const sparse_attn_prefix_index *index,
                                                                   const sparse_attn_tokens *request,
                                                                   sparse_attn_prefix_hash *hashes, size_t capacity,
                                                                   size_t *count);

/**
 * This node holds the first `count` full blocks of a request in `blocks`; what a block held before is forgotten.
 * INVALID_ARGUMENT: more blocks than the request fills, a block that is named twice or out of range; nothing is changed
 * then.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_insert(sparse_attn_prefix_index *index,
                                                                   const sparse_attn_tokens *request,
                                                                   const uint32_t *blocks, size_t count);

/**
 * This node holds nothing any more in `blocks`; `*evicted`, if not null, becomes the number of those that held
 * something. INVALID_ARGUMENT: a block that is out of range; nothing is changed then.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_evict(sparse_attn_prefix_index *index,
                                                                  const uint32_t *blocks, size_t count,
                                                                  size_t *evicted);

/** Lists where the first full blocks of a request are, up to the first that no node holds; on this node if possible. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_match(const sparse_attn_prefix_index *index,
                                                                  const sparse_attn_tokens *request,
                                                                  sparse_attn_block_location *locations,
                                                                  size_t capacity, size_t *count);

/** Lists all nodes that hold the first block of a request: the longest prefix first, then the lowest number. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_match_nodes(const sparse_attn_prefix_index *index,
                                                                        const sparse_attn_tokens *request,
                                                                        sparse_attn_node_prefix *nodes, size_t capacity,
                                                                        size_t *count);

/** Lists who holds a block of that hash, ascending. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_holders(const sparse_attn_prefix_index *index,
                                                                    const sparse_attn_prefix_hash *hash,
                                                                    sparse_attn_block_location *locations,
                                                                    size_t capacity, size_t *count);

/** Lists all blocks that hold something, ascending by location. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_blocks(const sparse_attn_prefix_index *index,
                                                                   sparse_attn_cached_block *blocks, size_t capacity,
                                                                   size_t *count);

/** Another node is gone for good, and its blocks with it. INVALID_ARGUMENT: this node, or one nobody has heard of. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_retire_node(sparse_attn_prefix_index *index, uint32_t node);

/** Lists what this index has heard, for the `diff` of another. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_versions(const sparse_attn_prefix_index *index,
                                                                     sparse_attn_node_version *versions,
                                                                     size_t capacity, size_t *count);

/** What an index with these versions has yet to hear; everything where `count` is 0. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_diff(const sparse_attn_prefix_index *index,
                                                                 const sparse_attn_node_version *versions, size_t count,
                                                                 sparse_attn_bytes **delta);

/**
 * Merges a delta, which may come from anybody: all of it is checked before anything is changed. `applied` may be null.
 * INVALID_ARGUMENT: bytes that are no delta, were damaged, or were made with another key. VERSION_MISMATCH: another
 * version of the format, or this node was retired and must start in a later epoch.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_prefix_index_apply(sparse_attn_prefix_index *index, const uint8_t *bytes,
                                                                  size_t size, sparse_attn_applied_delta *applied);

/*===----------------------------------------------------------------------===*
 * Shared blocks
 *===----------------------------------------------------------------------===*/

/** What the requests of a batch share, wherever it lies in them. */
typedef struct sparse_attn_shared_blocks sparse_attn_shared_blocks;

/** A list of blocks of the caller. */
typedef struct sparse_attn_block_list {
  const uint32_t *blocks;
  size_t count;
} sparse_attn_block_list;

typedef struct sparse_attn_sharing {
  uint64_t loads;                /**< Blocks of all requests, one that n requests read counting n times. */
  uint64_t distinct_blocks;      /**< The same, counting once. */
  uint64_t groups;               /**< How many groups there are. */
  sparse_attn_block_list common; /**< Blocks that every request reads, ascending. */
} sparse_attn_sharing;

/** The blocks that exactly these requests read. */
typedef struct sparse_attn_sharing_group {
  sparse_attn_block_list requests; /**< At least two, ascending. */
  sparse_attn_block_list blocks;   /**< Ascending. */
  uint64_t common_prefix;          /**< Blocks that all of them start with, in the same order; 0 if unknown. */
} sparse_attn_sharing_group;

/** Request i reads the blocks requests[i], in the order of its tokens. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_share_blocks(const sparse_attn_block_list *requests, size_t count,
                                                            sparse_attn_shared_blocks **shared);

/** The same where row i of a mask is request i; common prefixes are not known then. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_share_mask_blocks(const sparse_attn_block_mask *requests,
                                                                 sparse_attn_shared_blocks **shared);

/** The lists are valid as long as `shared`. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_shared_blocks_get(const sparse_attn_shared_blocks *shared,
                                                                 sparse_attn_sharing *sharing);

/** The group that saves most is number 0. INVALID_ARGUMENT: there is no such group. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_shared_blocks_group(const sparse_attn_shared_blocks *shared,
                                                                   size_t number, sparse_attn_sharing_group *group);
SPARSE_ATTN_API void sparse_attn_shared_blocks_destroy(sparse_attn_shared_blocks *shared);

/*===----------------------------------------------------------------------===*
 * Heavy hitters
 *===----------------------------------------------------------------------===*/

/** The attention that each block of keys has received, head by head (H2O: arXiv:2306.14048). */
typedef struct sparse_attn_heavy_hitters sparse_attn_heavy_hitters;

typedef struct sparse_attn_heavy_hitter_options {
  int64_t heads;          /**< 0: 1. */
  int64_t key_block_size; /**< In tokens, 1 to 2^16; 0: 16. */
  double decay;           /**< Every addition multiplies what was there by this, in (0, 1]; 0: 1. */
} sparse_attn_heavy_hitter_options;

/** What is kept, for queries at the end of the keys. */
typedef struct sparse_attn_heavy_hitter_selection {
  int64_t count;                     /**< Blocks of a row, all that are kept included. */
  int64_t keep_sinks;                /**< The first n blocks are kept. */
  int64_t keep_recent;               /**< The last n blocks up to that of the row's last query are kept. */
  int64_t key_length;                /**< Keys at the time. */
  int64_t query_length;              /**< Queries, the last of which is at the position of the last key. */
  int64_t query_block_size;          /**< Of the masks; 0: 16. */
  int32_t heads_share;               /**< Not 0: one mask by the sum over all heads. */
  sparse_attn_freeze_options freeze; /**< How the masks are kept. */
} sparse_attn_heavy_hitter_selection;

/** `options` may be null. INVALID_ARGUMENT: options that are out of range. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_heavy_hitters_create(const sparse_attn_heavy_hitter_options *options,
                                                                    sparse_attn_heavy_hitters **hitters);
SPARSE_ATTN_API void sparse_attn_heavy_hitters_destroy(sparse_attn_heavy_hitters *hitters);

/**
 * mass = decay * mass + `added`, an f32 array [heads, key blocks]: the attention of one step, summed over its queries.
 * INVALID_ARGUMENT: an array that is no such array, or a mass that is NaN, negative or infinite. SHAPE_MISMATCH: other
 * heads, or too many blocks. Nothing is changed then.
 */
SPARSE_ATTN_API sparse_attn_status sparse_attn_heavy_hitters_add_block_mass(sparse_attn_heavy_hitters *hitters,
                                                                            const sparse_attn_value *added);

/** The same from sums over the columns of attention weights: an f32 array [heads, keys]. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_heavy_hitters_add_key_mass(sparse_attn_heavy_hitters *hitters,
                                                                          const sparse_attn_value *added);

/** The masses of these blocks become 0, for all heads: they hold other keys now. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_heavy_hitters_forget(sparse_attn_heavy_hitters *hitters,
                                                                    const uint32_t *blocks, size_t count);

/** The mass of a block; 0 for null, and for a block or a head that there is not. */
SPARSE_ATTN_API double sparse_attn_heavy_hitters_mass(const sparse_attn_heavy_hitters *hitters, int64_t head,
                                                      int64_t block);

/** The blocks to keep: a table for 1 batch, and all heads or 1. INVALID_ARGUMENT: numbers that are out of range. */
SPARSE_ATTN_API sparse_attn_status sparse_attn_heavy_hitters_top_blocks(
    const sparse_attn_heavy_hitters *hitters, const sparse_attn_heavy_hitter_selection *selection,
    sparse_attn_mask_table **table);

#ifdef __cplusplus
}
#endif
#endif /* SPARSE_ATTN_MASKS_H */
