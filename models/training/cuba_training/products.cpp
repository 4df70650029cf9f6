// Matrix products in bfloat16 with sums in float32, by oneDNN, as an XLA custom call: C = op(A) op(B).
// A is [b, m, k] ([b, k, m] when transposed), B [b, k, n] ([b, n, k]), C [b, m, n] in float32 or bfloat16; a primitive is made
// once for each shape.
#include <cstdint>
#include <functional>
#include <map>
#include <tuple>

#include <oneapi/dnnl/dnnl.hpp>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;
using dnnl::memory;

namespace {

memory::desc plain(int64_t batch, int64_t rows, int64_t columns, bool transposed, memory::data_type type) {
  memory::dims strides = transposed ? memory::dims{rows * columns, 1, rows} : memory::dims{rows * columns, columns, 1};
  return memory::desc({batch, rows, columns}, type, strides);
}

struct Product {
  dnnl::matmul call;
  memory a, b, c;
};

// A stream and the primitives of one thread: XLA may run two products at a time.
struct Shapes {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::map<std::tuple<int64_t, int64_t, int64_t, int64_t, bool, bool, bool>, Product> made;

  Product& of(int64_t batch, int64_t m, int64_t n, int64_t k, bool ta, bool tb, bool wide) {
    auto key = std::make_tuple(batch, m, n, k, ta, tb, wide);
    auto found = made.find(key);
    if (found == made.end()) {
      auto a = plain(batch, m, k, ta, memory::data_type::bf16), b = plain(batch, k, n, tb, memory::data_type::bf16);
      auto c = plain(batch, m, n, false, wide ? memory::data_type::f32 : memory::data_type::bf16);
      dnnl::matmul call(dnnl::matmul::primitive_desc({a, b, c}, engine));
      Product made_now{call, memory(a, engine, nullptr), memory(b, engine, nullptr), memory(c, engine, nullptr)};
      found = made.emplace(key, made_now).first;
    }
    return found->second;
  }
};

ffi::Error product(ffi::Buffer<ffi::BF16> a, ffi::Buffer<ffi::BF16> b, ffi::Result<ffi::AnyBuffer> c, bool ta, bool tb) {
  thread_local Shapes shapes;
  auto left = a.dimensions();
  int64_t batch = left[0], m = left[ta ? 2 : 1], k = left[ta ? 1 : 2], n = c->dimensions()[2];
  bool wide = c->element_type() == ffi::F32;
  try {
    Product& p = shapes.of(batch, m, n, k, ta, tb, wide);
    p.a.set_data_handle(a.untyped_data());
    p.b.set_data_handle(b.untyped_data());
    p.c.set_data_handle(c->untyped_data());
    p.call.execute(shapes.stream, {{DNNL_ARG_SRC, p.a}, {DNNL_ARG_WEIGHTS, p.b}, {DNNL_ARG_DST, p.c}});
    shapes.stream.wait();
  } catch (const dnnl::error& e) {
    return ffi::Error::Internal(e.what());
  }
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(cuba_product, product,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::Buffer<ffi::BF16>>()
                                  .Arg<ffi::Buffer<ffi::BF16>>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Attr<bool>("ta")
                                  .Attr<bool>("tb"));
