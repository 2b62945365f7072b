/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/kernel_error.cuh"
#include "kernels/cuda/vector_load.cuh"
#include "kernels/cuda/warp.cuh"
#include "ops/gpu_scratch.h"

#include <math.h>

/* Patches are cut in tiles of at most TILE x TILE pixels of one patch, whose levels pass through shared memory. */
enum { TILE = 16, LEVELS = 3 * TILE * TILE, WARPS = 8 };

/* What is cut from each image. */
typedef struct {
    Places places;
    int keep, cut; /* visible patches, and all that are cut */
    int size, patch, across;
    int batch;
} Cut;

/* How levels become values. */
typedef struct {
    float scale[3], shift[3];
} Levels;

/* Of the pixel in that row and column of the resized image. `look` may be NULL. */
__device__ __forceinline__ float value_of(const Levels &levels, const Look *look, const uint8_t *pixel, int channel,
                                          int row, int column) {
    const float scale = channel == 0 ? levels.scale[0] : channel == 1 ? levels.scale[1] : levels.scale[2];
    const float shift = channel == 0 ? levels.shift[0] : channel == 1 ? levels.shift[1] : levels.shift[2];
    if (!look)
        return (float)pixel[channel] * scale + shift;
    const float *m = look->colour[channel];
    const bool erased =
        row >= look->top && row - look->top < look->height && column >= look->left && column - look->left < look->width;
    return erased ? 0.0f : (m[0] * pixel[0] + m[1] * pixel[1] + m[2] * pixel[2] + m[3]) * scale + shift;
}

typedef struct {
    int j;             /* its patch in the order of ids */
    int y, x;          /* in the patch */
    int top, left;     /* in the image */
    int rows, columns; /* its own */
} Tile;

static inline int tiles_of(const Cut &cut) {
    const int side = (cut.patch + TILE - 1) / TILE;
    return cut.cut * side * side;
}

/* The `index`-th tile of a sample; that of a patch which no image has shows the first one. */
__device__ __forceinline__ Tile tile_at(const Cut &cut, int sample, int index) {
    const int side = (cut.patch + TILE - 1) / TILE, within = index % (side * side);
    Tile tile;
    tile.j = index / (side * side);
    tile.y = within / side * TILE;
    tile.x = within % side * TILE;
    const int place = max(place_at(cut.places, sample, tile.j), 0);
    tile.top = place / cut.across * cut.patch + tile.y;
    tile.left = place % cut.across * cut.patch + tile.x;
    tile.rows = min((int)TILE, cut.patch - tile.y);
    tile.columns = min((int)TILE, cut.patch - tile.x);
    return tile;
}

/* A tile's levels, in the order of an image whose first pixel and row length (bytes) are given; mirrored: in an image
 * of `size` columns. `me` is one of `threads`. */
__device__ __forceinline__ void load_levels(const uint8_t *image, size_t row, bool mirrored, int size, const Tile &tile,
                                            uint8_t *levels, int me, int threads) {
    const int bytes = 3 * tile.columns;
    const uint8_t *from = image + tile.top * row + (size_t)tile.left * 3;
    if (!mirrored && ((uintptr_t)from | row | (unsigned)bytes) % sizeof(uint4) == 0) {
        const int packs = bytes / (int)sizeof(uint4);
        for (int i = me; i < tile.rows * packs; i += threads)
            reinterpret_cast<uint4 *>(levels)[i] = reinterpret_cast<const uint4 *>(from + i / packs * row)[i % packs];
        return;
    }
    for (int i = me; i < tile.rows * bytes; i += threads) {
        const int y = i / bytes, x = i % bytes / 3, channel = i % 3;
        const int column = mirrored ? size - 1 - tile.left - x : tile.left + x;
        levels[i] = image[(tile.top + y) * row + (size_t)column * 3 + channel];
    }
}

/* Channel slowest: each channel's rows are runs of the patch's length. */
template <int N, typename T>
__device__ __forceinline__ void write_visible(const uint8_t *image, const Tile &tile, const Levels &levels,
                                              const Look *look, int patch, T *out, int me, int threads) {
    const int groups = tile.columns / N;
    for (int i = me; i < 3 * tile.rows * groups; i += threads) {
        const int run = i / groups, x = i % groups * N, channel = run / tile.rows, y = run % tile.rows;
        float values[N];
#pragma unroll
        for (int k = 0; k < N; k++)
            values[k] = value_of(levels, look, image + (y * tile.columns + x + k) * 3, channel, tile.top + y,
                                 tile.left + x + k);
        store_vector(out + ((size_t)channel * patch + tile.y + y) * patch + tile.x + x, values);
    }
}

/* Channel fastest, as in the image. */
template <int N>
__device__ __forceinline__ void write_target(const uint8_t *image, const Tile &tile, const Levels &levels,
                                             const Look *look, int patch, float *out, int me, int threads) {
    const int length = 3 * tile.columns, groups = length / N;
    for (int i = me; i < tile.rows * groups; i += threads) {
        const int y = i / groups, x = i % groups * N;
        float *const to = out + ((size_t)(tile.y + y) * patch + tile.x) * 3 + x;
        Pack<float> pack;
#pragma unroll
        for (int k = 0; k < N; k++)
            pack.values[k] = value_of(levels, look, image + y * length + (x + k) / 3 * 3, (x + k) % 3, tile.top + y,
                                      tile.left + (x + k) / 3);
        if constexpr (N == Pack<float>::COUNT)
            store_pack_whole(to, pack);
        else
            *to = pack.values[0];
    }
}

template <typename T>
__device__ __forceinline__ void write_tile(const Cut &cut, const Levels &levels, const Look *looks,
                                           const uint8_t *image, int sample, const Tile &tile, T *visible,
                                           float *target, int me, int threads) {
    const Look *look = looks ? looks + sample : NULL;
    const size_t values = 3 * (size_t)cut.patch * cut.patch;
    if (tile.j < cut.keep) {
        T *out = visible + ((size_t)sample * cut.keep + tile.j) * values;
        if (cut.patch % Pack<T>::COUNT == 0)
            write_visible<Pack<T>::COUNT>(image, tile, levels, look, cut.patch, out, me, threads);
        else
            write_visible<1>(image, tile, levels, look, cut.patch, out, me, threads);
    } else {
        float *out = target + ((size_t)sample * (cut.places.patches - cut.keep) + tile.j - cut.keep) * values;
        if (cut.patch % Pack<float>::COUNT == 0)
            write_target<Pack<float>::COUNT>(image, tile, levels, look, cut.patch, out, me, threads);
        else
            write_target<1>(image, tile, levels, look, cut.patch, out, me, threads);
    }
}

/* The image a sample sees: the first one, after reporting it, for one that does not exist. */
__device__ __forceinline__ const uint8_t *image_at(const Cut &cut, const ImageSet &images, int sample) {
    int which = sample;
    if (images.which) {
        which = images.which[sample];
        if (which < 0 || which >= images.count) {
            report_error(cut.places.error, KERNEL_ERROR_IMAGE, cut.places.operation, sample, 0, which, images.count);
            which = 0;
        }
    }
    return images.pixels + (size_t)which * images.height * images.width * 3;
}

/* Images of the right size: one warp a tile. Reads the cut pixels (3 bytes each) and writes their values, so with a
 * target, for each sample, 3 size^2 + 3 patch^2 (keep sizeof(T) + 4 (patches - keep)) bytes; at 224 pixels, patches of
 * 16, 49 of 196 kept and BF16 0.68 MB, or 0.22 us a sample (computed). */
template <typename T>
__global__ void __launch_bounds__(WARPS *WARP, 4)
    cut_pixels(Cut cut, Levels levels, const Look *looks, ImageSet images, int tiles, T *visible, float *target) {
    SHARED(uint8_t, shared, [WARPS][LEVELS]);
    const int lane = threadIdx.x % WARP, tile_index = blockIdx.x * WARPS + threadIdx.x / WARP;
    uint8_t *image = shared[threadIdx.x / WARP];
    if (tile_index >= tiles)
        return;
    const size_t row = (size_t)cut.size * 3;
    for (int sample = blockIdx.y; sample < cut.batch; sample += gridDim.y) {
        const Tile tile = tile_at(cut, sample, tile_index);
        load_levels(image_at(cut, images, sample), row, false, cut.size, tile, image, lane, WARP);
        __syncwarp();
        write_tile(cut, levels, looks, image, sample, tile, visible, target, lane, WARP);
        __syncwarp();
    }
}

/* Resizing as kernels/cpu/resize.c does it, to the last bit: weights in double, rounded to Pillow's 22 bits of
 * fraction, then integers. */
enum { FRACTION = 22, HALF = 1 << (FRACTION - 1), CHUNK = 32 /* rows between the passes at a time */ };

/* How a sample's two axes are resampled: output i sums `y` inputs from `x` on. Weights are [tap][size], first those
 * across. */
typedef struct {
    int2 *spans;      /* [batch][2][size] */
    int32_t *weights; /* [batch][taps across + taps down][size] */
    int across, down; /* taps */
} Axes;

__device__ __forceinline__ bool crop_is_inside(const Crop &crop, int height, int width) {
    return crop.height >= 1 && crop.width >= 1 && crop.top >= 0 && crop.left >= 0 && crop.height <= height - crop.top &&
           crop.width <= width - crop.left;
}

/* What a sample sees: the whole image instead of a crop that is not inside it. */
__device__ __forceinline__ Crop crop_at(const ImageSet &images, int sample) {
    Crop whole;
    whole.top = whole.left = 0;
    whole.height = images.height;
    whole.width = images.width;
    whole.flip = false;
    if (!images.crops || !crop_is_inside(images.crops[sample], images.height, images.width))
        return whole;
    return images.crops[sample];
}

__device__ __forceinline__ bool keeps_size(const Crop &crop, int size) {
    return crop.height == size && crop.width == size;
}

/* Keys' cubic convolution with a = -0.5. */
__device__ __forceinline__ double bicubic(double x) {
    x = fabs(x);
    if (x < 1.0)
        return (1.5 * x - 2.5) * x * x + 1.0;
    return x < 2.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : 0.0;
}

/* The weights of every sample's axes: one thread for each output of an axis. Writes up to size (16 + 4 taps) bytes a
 * sample, 16 KB from 256 pixels to 224: a fortieth of what cut_resized moves. */
__global__ void weigh_axes(Cut cut, ImageSet images, Axes axes) {
    const int index = blockIdx.x * blockDim.x + threadIdx.x, size = cut.size;
    if (index >= 2 * size)
        return;
    const bool down = index >= size;
    const int i = down ? index - size : index;
    for (int sample = blockIdx.y; sample < cut.batch; sample += gridDim.y) {
        if (index == 0 && images.crops && !crop_is_inside(images.crops[sample], images.height, images.width) &&
            report_error(cut.places.error, KERNEL_ERROR_CROP, cut.places.operation, sample, size, images.height,
                         images.width))
            cut.places.error->crop = images.crops[sample];
        const Crop crop = crop_at(images, sample);
        if (keeps_size(crop, size))
            continue;
        const int from = down ? crop.height : crop.width;
        const double scale = (double)from / size, widened = scale < 1.0 ? 1.0 : scale, support = 2.0 * widened;
        const double centre = (i + 0.5) * scale;
        const int first = max((int)(centre - support + 0.5), 0), end = min((int)(centre + support + 0.5), from);
        double total = 0;
        for (int k = 0; k < end - first; k++)
            total += bicubic((k + first - centre + 0.5) / widened);
        const int place = crop.flip && !down ? size - 1 - i : i;
        axes.spans[((size_t)sample * 2 + down) * size + place] = make_int2(first, end - first);
        int32_t *weights =
            axes.weights + ((size_t)sample * (axes.across + axes.down) + (down ? axes.across : 0)) * size + place;
        for (int k = 0; k < end - first; k++) {
            const double fixed = bicubic((k + first - centre + 0.5) / widened) / total * (1 << FRACTION);
            weights[(size_t)k * size] = (int32_t)(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
        }
    }
}

__device__ __forceinline__ uint8_t level_of(int sum) {
    return (uint8_t)min(max(sum >> FRACTION, 0), 255);
}

/* Both passes for a tile by a block with at least a thread a pixel: rows across into `between`, CHUNK at a time, which
 * each thread then adds to its pixel. The first row of `image` is the crop's. */
__device__ __forceinline__ void resize_tile(const uint8_t *image, size_t row, const Axes &axes, int sample, int size,
                                            const Tile &tile, uint8_t *between, uint8_t *levels) {
    const int2 *across = axes.spans + (size_t)sample * 2 * size + tile.left,
               *down = across - tile.left + size + tile.top;
    const int32_t *across_weights = axes.weights + (size_t)sample * (axes.across + axes.down) * size + tile.left;
    const int32_t *down_weights = across_weights - tile.left + (size_t)axes.across * size + tile.top;
    const int me = threadIdx.x, pixel_y = me / tile.columns, pixel_x = me % tile.columns;
    const bool active = me < tile.rows * tile.columns;
    const int2 span = down[active ? pixel_y : 0], last = down[tile.rows - 1];
    int red = HALF, green = HALF, blue = HALF;
    for (int start = down[0].x; start < last.x + last.y; start += CHUNK) {
        const int rows = min((int)CHUNK, last.x + last.y - start);
        for (int i = me; i < rows * tile.columns; i += blockDim.x) {
            const int x = i % tile.columns;
            const int2 taps = across[x];
            const uint8_t *from = image + (start + i / tile.columns) * row + (size_t)taps.x * 3;
            const int32_t *weights = across_weights + x;
            int r = HALF, g = HALF, b = HALF;
            for (int k = 0; k < taps.y; k++, from += 3, weights += size) {
                r += *weights * from[0];
                g += *weights * from[1];
                b += *weights * from[2];
            }
            between[i * 3] = level_of(r);
            between[i * 3 + 1] = level_of(g);
            between[i * 3 + 2] = level_of(b);
        }
        __syncthreads();
        if (active)
            for (int y = max(span.x, start); y < min(span.x + span.y, start + rows); y++) {
                const int32_t weight = down_weights[(size_t)(y - span.x) * size + pixel_y];
                const uint8_t *from = between + ((y - start) * tile.columns + pixel_x) * 3;
                red += weight * from[0];
                green += weight * from[1];
                blue += weight * from[2];
            }
        __syncthreads();
    }
    if (active) {
        levels[me * 3] = level_of(red);
        levels[me * 3 + 1] = level_of(green);
        levels[me * 3 + 2] = level_of(blue);
    }
}

/* Crops and images of any size: one block a tile. The crop is read from memory once, what tiles share of it again
 * from the caches; nothing between the passes leaves the block. So for each sample 3 crop pixels + 3 patch^2 (keep
 * sizeof(T) + 4 (patches - keep)) bytes, as cut_pixels. A tile of 16 rows needs those of up to 20 outputs across, or
 * 1.3 times the first pass: about as many instructions as the bytes leave time for. */
template <typename T>
__global__ void __launch_bounds__(TILE *TILE, 4)
    cut_resized(Cut cut, Levels levels, const Look *looks, ImageSet images, Axes axes, T *visible, float *target) {
    SHARED(uint8_t, between, [3 * CHUNK * TILE]);
    SHARED(uint8_t, image, [LEVELS]);
    const size_t row = (size_t)images.width * 3;
    for (int sample = blockIdx.y; sample < cut.batch; sample += gridDim.y) {
        const Tile tile = tile_at(cut, sample, blockIdx.x);
        const Crop crop = crop_at(images, sample);
        const uint8_t *from = image_at(cut, images, sample) + crop.top * row + (size_t)crop.left * 3;
        if (keeps_size(crop, cut.size))
            load_levels(from, row, crop.flip, cut.size, tile, image, threadIdx.x, blockDim.x);
        else
            resize_tile(from, row, axes, sample, cut.size, tile, between, image);
        __syncthreads();
        write_tile(cut, levels, looks, image, sample, tile, visible, target, threadIdx.x, blockDim.x);
        __syncthreads();
    }
}

/* Images of floats: one thread for N neighbours of a row, three planes read and three runs (visible) or one (target)
 * written. Reads 12 bytes and writes 3 sizeof(T) or 12 for each pixel cut; at 224 pixels with all patches visible in
 * BF16 0.90 MB, or 0.29 us a sample (computed). */
template <typename T, int N> __global__ void cut_image(Cut cut, const float *image, T *visible, float *target) {
    const int groups = cut.patch / N, count = cut.cut * cut.patch * groups, patch = cut.patch;
    const int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count)
        return;
    const int x = index % groups * N, y = index / groups % patch, j = index / groups / patch;
    const size_t plane = (size_t)cut.size * cut.size, area = (size_t)patch * patch;
    for (int sample = blockIdx.y; sample < cut.batch; sample += gridDim.y) {
        const int place = max(place_at(cut.places, sample, j), 0);
        const float *from = image + (size_t)sample * 3 * plane + (size_t)(place / cut.across * patch + y) * cut.size +
                            place % cut.across * patch + x;
        float red[N], green[N], blue[N];
        load_vector(from, red);
        load_vector(from + plane, green);
        load_vector(from + 2 * plane, blue);
        if (j < cut.keep) {
            T *to = visible + ((size_t)sample * cut.keep + j) * 3 * area + (size_t)y * patch + x;
            store_vector(to, red);
            store_vector(to + area, green);
            store_vector(to + 2 * area, blue);
        } else {
            float pixels[3 * N];
#pragma unroll
            for (int k = 0; k < N; k++) {
                pixels[3 * k] = red[k];
                pixels[3 * k + 1] = green[k];
                pixels[3 * k + 2] = blue[k];
            }
            float *to = target + ((size_t)sample * (cut.places.patches - cut.keep) + j - cut.keep) * 3 * area;
            store_vector(to + ((size_t)y * patch + x) * 3, pixels);
        }
    }
}

static bool cut_open(Cut *cut, Ops *ops, const char *operation, const int32_t *ids, int keep, int size, int patch,
                     bool target, int batch) {
    if (size < 1 || patch < 1 || size % patch) {
        cuda_fail(ops, status_error(EXIT_INTERNAL, "%s: images of %d pixels cannot be cut into patches of %d",
                                    operation, size, patch));
        return false;
    }
    const int across = size / patch, patches = across * across;
    if (!check_keep(ops, operation, patches, keep))
        return false;
    cut->places = places_of(ops, operation, ids, patches);
    cut->keep = keep;
    cut->cut = target ? patches : keep;
    cut->size = size;
    cut->patch = patch;
    cut->across = across;
    cut->batch = batch;
    return true;
}

/* Blocks for each sample, and samples; a block continues with another sample where gridDim.y cannot count them all. */
static dim3 sample_grid(int blocks, int batch) {
    return dim3((unsigned)blocks, min((unsigned)batch, most_blocks(MAX_GRID_Y)));
}

template <typename T>
static void cut_and_resize(Ops *ops, const Cut &cut, const Levels &levels, const Look *looks, const ImageSet &images,
                           T *visible, float *target) {
    Axes axes;
    axes.across = gpu_resize_taps(images.width, cut.size);
    axes.down = gpu_resize_taps(images.height, cut.size);
    const size_t outputs = (size_t)cut.batch * cut.size;
    axes.spans = (int2 *)cuda_scratch(ops, "pixels_to_patches",
                                      gpu_resize_scratch(cut.batch, images.height, images.width, cut.size));
    if (!axes.spans)
        return;
    axes.weights = (int32_t *)(axes.spans + 2 * outputs);
    enum { THREADS = 128 };
    LAUNCH(ops, "pixels_to_patches", (weigh_axes), sample_grid((2 * cut.size + THREADS - 1) / THREADS, cut.batch),
           THREADS, 0, cut, images, axes);
    const int side = cut.patch < TILE ? cut.patch : TILE;
    LAUNCH(ops, "pixels_to_patches", (cut_resized<T>), sample_grid(tiles_of(cut), cut.batch),
           (side * side + WARP - 1) / WARP * WARP, 0, cut, levels, looks, images, axes, visible, target);
}

void cuda_pixels_to_patches(Ops *ops, const PixelsToPatches *a) {
    if (ops->error)
        return;
    Cut cut;
    if (!cut_open(&cut, ops, "pixels_to_patches", a->ids, a->keep, a->size, a->patch, a->target, a->batch) ||
        a->batch == 0)
        return;
    Levels levels;
    for (int c = 0; c < 3; c++) {
        levels.scale[c] = 1.0f / (255.0f * a->std[c]);
        levels.shift[c] = -a->mean[c] / a->std[c];
    }
    if (a->images->crops || a->images->height != a->size || a->images->width != a->size) {
        WITH_REAL(ops->type, T, cut_and_resize(ops, cut, levels, a->looks, *a->images, (T *)a->visible, a->target));
    } else {
        const int tiles = tiles_of(cut);
        WITH_REAL(ops->type, T,
                  LAUNCH(ops, "pixels_to_patches", (cut_pixels<T>), sample_grid((tiles + WARPS - 1) / WARPS, a->batch),
                         WARPS * WARP, 0, cut, levels, a->looks, *a->images, tiles, (T *)a->visible, a->target));
    }
}

void cuda_image_to_patches(Ops *ops, const ImageToPatches *a) {
    if (ops->error)
        return;
    Cut cut;
    if (!cut_open(&cut, ops, "image_to_patches", a->ids, a->keep, a->size, a->patch, a->target, a->batch) ||
        a->batch == 0)
        return;
    enum { THREADS = 128 };
    WITH_REAL(ops->type, T,
              WITH_VECTOR(a->patch, T, N,
                          LAUNCH(ops, "image_to_patches", (cut_image<T, N>),
                                 sample_grid((cut.cut * a->patch * (a->patch / N) + THREADS - 1) / THREADS, a->batch),
                                 THREADS, 0, cut, a->image, (T *)a->visible, a->target)));
}
