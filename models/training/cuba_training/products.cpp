// Matrix products on the matrix tiles of x86-64 (AMX), as an XLA custom call: C = op(A) op(B), all float32 in memory, factors
// rounded to bfloat16 while they are packed, sums in float32.
// A is [batch, m, k] ([batch, k, m] with `ta`), B [batch, k, n] ([batch, n, k] with `tb`), C [batch, m, n]; m, n, k multiples of 32.
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

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
void block(const __m512i* a, const __m512i* b, int64_t depth, float* c, int64_t n) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
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
  _tile_stored(0, c, n * 4);
  _tile_stored(1, c + SIDE, n * 4);
  _tile_stored(2, c + SIDE * n, n * 4);
  _tile_stored(3, c + SIDE * n + SIDE, n * 4);
}

void product(const float* a, const float* b, float* c, int64_t m, int64_t n, int64_t k, bool ta, bool tb) {
  thread_local Panel left, right;
  int64_t depth = k / DEPTH, strip = depth * 2 * SIDE;  // registers in 32 rows of A or 32 columns of B
  __m512i *rows = left.of(strip), *columns = right.of(strip * (n / 32));
  for (int64_t j = 0; j < n; j += 32)
    for (int64_t p = 0; p < depth; p++)
      for (int64_t h = 0; h < 2; h++) {
        int64_t column = j + h * SIDE, row = p * DEPTH;
        pack_b(b + (tb ? column * k + row : row * n + column), tb ? k : n, tb, columns + j / 32 * strip + (p * 2 + h) * SIDE);
      }
  for (int64_t i = 0; i < m; i += 32) {
    for (int64_t p = 0; p < depth; p++)
      for (int64_t h = 0; h < 2; h++) {
        int64_t row = i + h * SIDE, column = p * DEPTH;
        pack_a(a + (ta ? column * m + row : row * k + column), ta ? m : k, ta, rows + (p * 2 + h) * SIDE);
      }
    for (int64_t j = 0; j < n; j += 32) block(rows, columns + j / 32 * strip, depth, c + i * n + j, n);
  }
}

ffi::Error run(ffi::Buffer<ffi::F32> a, ffi::Buffer<ffi::F32> b, ffi::ResultBuffer<ffi::F32> c, bool ta, bool tb) {
  auto left = a.dimensions();
  int64_t batch = left[0], m = left[ta ? 2 : 1], k = left[ta ? 1 : 2], n = c->dimensions()[2];
  static const Shape shape;
  _tile_loadconfig(&shape);
  for (int64_t i = 0; i < batch; i++)
    product(a.typed_data() + i * m * k, b.typed_data() + i * k * n, c->typed_data() + i * m * n, m, n, k, ta, tb);
  _tile_release();
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

// The kernel gives a process the tiles only on request; 0 when it does.
extern "C" long cuba_ask_for_tiles() {
  constexpr long REQUEST = 0x1023, TILE_DATA = 18;
  return syscall(SYS_arch_prctl, REQUEST, TILE_DATA);
}
