// Matrix products on the matrix tiles of x86-64 (AMX), as an XLA custom call: C = op(A) op(B), all float32 in memory, factors
// rounded to bfloat16 while they are packed, sums in float32.
// A is [batch, m, k] ([batch, k, m] with `ta`), B [batch, k, n] ([batch, n, k] with `tb`), C [batch, m, n]; m, n, k multiples of 32.
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace {

constexpr int64_t SIDE = 16;         // rows of a tile
constexpr int64_t DEPTH = 32;        // bfloat16 numbers of a tile's row
constexpr int64_t TILE = SIDE * SIDE;  // pairs of numbers in a tile

// 32 numbers that follow each other, as 16 pairs.
__m512i pairs_along(const float* x) {
  return (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + 16), _mm512_loadu_ps(x));
}

// 16 numbers of each of two rows, as 16 pairs.
__m512i pairs_across(const float* upper, const float* lower) {
  __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(upper)));
  __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(lower)));
  return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

void transpose(__m512i r[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int half = 0; half < 16; half += 8)
    for (int i = 0; i < 4; i++) {
      t[half + i] = _mm512_shuffle_i32x4(r[half + i], r[half + i + 4], 0x88);
      t[half + i + 4] = _mm512_shuffle_i32x4(r[half + i], r[half + i + 4], 0xdd);
    }
  for (int i = 0; i < 8; i++) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
  }
}

// One tile of A: 16 rows of 32 numbers. `x` points at its first number; `stride` is that of the stored rows.
void pack_a(const float* x, int64_t stride, bool transposed, __m512i* tile) {
  if (!transposed) {
    for (int i = 0; i < SIDE; i++) tile[i] = pairs_along(x + i * stride);
    return;
  }
  __m512i r[16];
  for (int i = 0; i < SIDE; i++) r[i] = pairs_across(x + 2 * i * stride, x + (2 * i + 1) * stride);
  transpose(r);
  std::memcpy(tile, r, sizeof r);
}

// One tile of B: 16 pairs of rows, 16 columns.
void pack_b(const float* x, int64_t stride, bool transposed, __m512i* tile) {
  if (!transposed) {
    for (int i = 0; i < SIDE; i++) tile[i] = pairs_across(x + 2 * i * stride, x + (2 * i + 1) * stride);
    return;
  }
  __m512i r[16];
  for (int i = 0; i < SIDE; i++) r[i] = pairs_along(x + i * stride);
  transpose(r);
  std::memcpy(tile, r, sizeof r);
}

struct alignas(64) Shape {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t bytes[16] = {};
  uint8_t rows[16] = {};
  Shape() {
    for (int i = 0; i < 8; i++) bytes[i] = 64, rows[i] = SIDE;
  }
};

// Memory of one thread that grows to the largest factor it has packed.
struct Panel {
  __m512i* at = nullptr;
  int64_t size = 0;
  __m512i* of(int64_t wanted) {
    if (wanted > size) {
      std::free(at);
      at = static_cast<__m512i*>(std::aligned_alloc(64, wanted * sizeof(__m512i)));
      size = wanted;
    }
    return at;
  }
  ~Panel() { std::free(at); }
};

// Two tiles of A by two of B at a time: 32 x 32 sums stay in the tiles over the whole depth.
struct Sums {
  Sums() {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  void add(const __m512i* a, const __m512i* b, int64_t depth) {
    for (int64_t k = 0; k < depth; k++, a += 2 * SIDE, b += 2 * SIDE) {
      _tile_loadd(4, a, 64);
      _tile_loadd(5, a + SIDE, 64);
      _tile_loadd(6, b, 64);
      _tile_loadd(7, b + SIDE, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  void store(float* c, int64_t n) {
    _tile_stored(0, c, n * 4);
    _tile_stored(1, c + SIDE, n * 4);
    _tile_stored(2, c + SIDE * n, n * 4);
    _tile_stored(3, c + SIDE * n + SIDE, n * 4);
  }
};

// 32 rows of op(A) over the whole depth.
void pack_rows(const float* a, int64_t m, int64_t k, bool ta, int64_t i, __m512i* rows) {
  for (int64_t p = 0; p < k / DEPTH; p++)
    for (int64_t h = 0; h < 2; h++) {
      int64_t row = i + h * SIDE, column = p * DEPTH;
      pack_a(a + (ta ? column * m + row : row * k + column), ta ? m : k, ta, rows + (p * 2 + h) * SIDE);
    }
}

// All of op(B), 32 columns after 32 columns, each over the whole depth.
void pack_columns(const float* b, int64_t n, int64_t k, bool tb, __m512i* columns) {
  for (int64_t j = 0; j < n; j += 32)
    for (int64_t p = 0; p < k / DEPTH; p++)
      for (int64_t h = 0; h < 2; h++) {
        int64_t column = j + h * SIDE, row = p * DEPTH;
        pack_b(b + (tb ? column * k + row : row * n + column), tb ? k : n, tb, columns);
        columns += SIDE;
      }
}

// Registers in 32 packed rows or columns.
int64_t strip(int64_t k) { return k / DEPTH * 2 * SIDE; }

// Columns of which all that is packed stays in the second cache while the rows go by.
int64_t columns_at_once(int64_t k) {
  constexpr int64_t BYTES = 768 << 10;
  int64_t fit = BYTES / (k * 2) / 32 * 32;
  return fit < 32 ? 32 : fit;
}

// A factor pair of low rank beside B: C = A B + (A down) up, and A down itself.
struct LowRank {
  __m512i *down, *up;
  int64_t rank;
  float* between;
};

void times_columns(const float* a, const __m512i* columns, float* c, int64_t m, int64_t n, int64_t k, bool ta, const LowRank* beside = nullptr) {
  thread_local Panel left, low;
  int64_t rank = beside ? beside->rank : 0, size = strip(k), step = columns_at_once(k);
  __m512i *rows = left.of(size * (m / 32)), *between = low.of(strip(rank) * (m / 32));
  for (int64_t j = 0; j < n; j += step)
    for (int64_t i = 0; i < m; i += 32) {
      __m512i *here = rows + i / 32 * size, *here_low = between + i / 32 * strip(rank);
      if (j == 0) {
        pack_rows(a, m, k, ta, i, here);
        for (int64_t r = 0; r < rank; r += 32) {
          Sums sums;
          sums.add(here, beside->down + r / 32 * size, k / DEPTH);
          sums.store(beside->between + i * rank + r, rank);
        }
        if (rank) pack_rows(beside->between, m, rank, false, i, here_low);
      }
      for (int64_t column = j; column < n && column < j + step; column += 32) {
        Sums sums;
        sums.add(here, columns + column / 32 * size, k / DEPTH);
        if (rank) sums.add(here_low, beside->up + column / 32 * strip(rank), rank / DEPTH);
        sums.store(c + i * n + column, n);
      }
    }
}

void product(const float* a, const float* b, float* c, int64_t m, int64_t n, int64_t k, bool ta, bool tb) {
  thread_local Panel right;
  __m512i* columns = right.of(strip(k) * (n / 32));
  pack_columns(b, n, k, tb, columns);
  times_columns(a, columns, c, m, n, k, ta);
}

// The tiles' configuration is a thread's own: it holds for one call.
struct Tiles {
  Tiles() {
    static const Shape shape;
    _tile_loadconfig(&shape);
  }
  ~Tiles() { _tile_release(); }
};

ffi::Error run(ffi::Buffer<ffi::F32> a, ffi::Buffer<ffi::F32> b, ffi::ResultBuffer<ffi::F32> c, bool ta, bool tb) {
  auto left = a.dimensions();
  int64_t batch = left[0], m = left[ta ? 2 : 1], k = left[ta ? 1 : 2], n = c->dimensions()[2];
  Tiles tiles;
  for (int64_t i = 0; i < batch; i++)
    product(a.typed_data() + i * m * k, b.typed_data() + i * k * n, c->typed_data() + i * m * n, m, n, k, ta, tb);
  return ffi::Error::Success();
}

// B packed once for many products: [n / 32, 32 * k] bfloat16 in the order of the tiles.
ffi::Error pack(ffi::Buffer<ffi::F32> b, ffi::ResultBuffer<ffi::BF16> packed, bool tb) {
  auto stored = b.dimensions();
  pack_columns(b.typed_data(), stored[tb ? 0 : 1], stored[tb ? 1 : 0], tb, reinterpret_cast<__m512i*>(packed->typed_data()));
  return ffi::Error::Success();
}

ffi::Error run_adapted(ffi::Buffer<ffi::F32> x, ffi::Buffer<ffi::BF16> packed, ffi::Buffer<ffi::F32> down, ffi::Buffer<ffi::F32> up,
                       ffi::ResultBuffer<ffi::F32> y, ffi::ResultBuffer<ffi::F32> between, bool turned) {
  thread_local Panel first, second;
  int64_t m = x.dimensions()[0], k = x.dimensions()[1], n = y->dimensions()[1], rank = between->dimensions()[1];
  LowRank beside{first.of(strip(k) * (rank / 32)), second.of(strip(rank) * (n / 32)), rank, between->typed_data()};
  pack_columns(down.typed_data(), rank, k, turned, beside.down);
  pack_columns(up.typed_data(), n, rank, turned, beside.up);
  Tiles tiles;
  times_columns(x.typed_data(), reinterpret_cast<const __m512i*>(packed.typed_data()), y->typed_data(), m, n, k, false, &beside);
  return ffi::Error::Success();
}

float dot(const float* a, const float* b, int64_t size) {
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < size; i += 16) sum = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), sum);
  return _mm512_reduce_add_ps(sum);
}

void add_scaled(float* sum, const float* x, float factor, int64_t size) {
  __m512 all = _mm512_set1_ps(factor);
  for (int64_t i = 0; i < size; i += 16) _mm512_storeu_ps(sum + i, _mm512_fmadd_ps(all, _mm512_loadu_ps(x + i), _mm512_loadu_ps(sum + i)));
}

// What one query takes from the values of the columns that it sees.
void attend_one(const float* q, const float* keys, const float* values, float* mixed, float* share, int64_t columns, int64_t head) {
  float top = -INFINITY, total = 0;
  for (int64_t c = 0; c < columns; c++) share[c] = dot(q, keys + c * head, head), top = share[c] > top ? share[c] : top;
  for (int64_t c = 0; c < columns; c++) total += share[c] = std::exp(share[c] - top);
  std::memset(mixed, 0, head * sizeof(float));
  for (int64_t c = 0; c < columns; c++) add_scaled(mixed, values + c * head, share[c] / total, head);
}

// Attention of one new token a row, with its key and value written into column `at` of the caches [rows, key heads, columns, head]
// where they lie; a row sees the columns from its `first` to `at`. A head is a multiple of 16 numbers.
ffi::Error run_attend(ffi::Buffer<ffi::F32> q, ffi::Buffer<ffi::F32> k, ffi::Buffer<ffi::F32> v, ffi::Buffer<ffi::F32> keys, ffi::Buffer<ffi::F32> values,
                      ffi::Buffer<ffi::S32> first, ffi::Buffer<ffi::S32> at, ffi::ResultBuffer<ffi::F32> mixed, ffi::ResultBuffer<ffi::F32> new_keys,
                      ffi::ResultBuffer<ffi::F32> new_values) {
  thread_local std::vector<float> share;
  auto shape = keys.dimensions();
  int64_t groups = shape[1], columns = shape[2], head = shape[3], heads = q.dimensions()[1], last = at.typed_data()[0];
  float *all_keys = new_keys->typed_data(), *all_values = new_values->typed_data();
  if (all_keys != keys.typed_data()) std::memcpy(all_keys, keys.typed_data(), keys.size_bytes());
  if (all_values != values.typed_data()) std::memcpy(all_values, values.typed_data(), values.size_bytes());
  share.resize(columns);
  for (int64_t row = 0; row < shape[0]; row++)
    for (int64_t group = 0; group < groups; group++) {
      int64_t cache = (row * groups + group) * columns * head, begin = cache + first.typed_data()[row] * head;
      std::memcpy(all_keys + cache + last * head, k.typed_data() + (row * groups + group) * head, head * sizeof(float));
      std::memcpy(all_values + cache + last * head, v.typed_data() + (row * groups + group) * head, head * sizeof(float));
      for (int64_t h = group * heads / groups; h < (group + 1) * heads / groups; h++) {
        int64_t here = (row * heads + h) * head;
        attend_one(q.typed_data() + here, all_keys + begin, all_values + begin, mixed->typed_data() + here, share.data(), last + 1 - first.typed_data()[row], head);
      }
    }
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(cuba_product, run,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .Attr<bool>("ta")
                                  .Attr<bool>("tb"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(cuba_pack, pack, ffi::Ffi::Bind().Arg<ffi::Buffer<ffi::F32>>().Ret<ffi::Buffer<ffi::BF16>>().Attr<bool>("tb"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(cuba_adapted, run_adapted,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::BF16>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .Attr<bool>("turned"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(cuba_attend, run_attend,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Arg<ffi::Buffer<ffi::S32>>()
                                  .Arg<ffi::Buffer<ffi::S32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>());

// The kernel gives a process the tiles only on request; 0 when it does.
extern "C" long cuba_ask_for_tiles() {
  constexpr long REQUEST = 0x1023, TILE_DATA = 18;
  return syscall(SYS_arch_prctl, REQUEST, TILE_DATA);
}
