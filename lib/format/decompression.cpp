// SPDX-License-Identifier: MIT
#include "format/decompression.hpp"

#include <algorithm>
#include <string>

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace captured::format {
namespace {

/// What all have in common: octets from the window until some have come out.
class decompressor : public octet_source {
 public:
  decompressor(const char* name, octet_window& from) : name_(name), from_(from) {}

  base::result<std::size_t> read(std::span<std::byte> room) final {
    if (problem_ != nullptr) {
      return broken(problem_);
    }
    while (true) {
      const bool any = from_.require(1);
      if (!any && from_.failure().code) {
        return from_.failure();
      }
      if (!any && !inside_) {
        return std::size_t{0};
      }
      const auto [taken, given, inside, problem] = step(from_.ahead(), room);
      inside_ = inside;
      from_.skip(taken);
      problem_ = problem;  // told after what came out before it
      if (given != 0) {
        return given;
      }
      if (problem != nullptr) {
        return broken(problem);
      }
      if (!any && inside_) {
        return broken("the compressed data ends early");
      }
      if (taken == 0 && inside_) {
        return broken("the compressed data makes no progress");
      }
    }
  }

 protected:
  struct progress {
    std::size_t taken = 0;
    std::size_t given = 0;
    bool inside = false;            ///< of a member or frame
    const char* problem = nullptr;  ///< with nothing given
  };
  /// Takes some of `in`, which is empty at the end, and puts some into `out`.
  virtual progress step(std::span<const std::byte> in, std::span<std::byte> out) = 0;
  [[nodiscard]] bool inside() const noexcept { return inside_; }

 private:
  [[nodiscard]] base::failure broken(const char* problem) const {
    return base::invalid_input(
        std::string(name_) + " data at offset " + std::to_string(from_.offset()), problem);
  }

  const char* name_;
  octet_window& from_;
  bool inside_ = false;
  const char* problem_ = nullptr;
};

class gzip_decompressor final : public decompressor {
 public:
  explicit gzip_decompressor(octet_window& from) : decompressor("gzip", from) {
    constexpr int gzip_only = 16;
    CAPTURED_CHECK(::inflateInit2(&stream_, MAX_WBITS + gzip_only) == Z_OK);
  }
  ~gzip_decompressor() override { ::inflateEnd(&stream_); }
  gzip_decompressor(const gzip_decompressor&) = delete;
  gzip_decompressor& operator=(const gzip_decompressor&) = delete;

 private:
  progress step(std::span<const std::byte> in, std::span<std::byte> out) override {
    if (any_member_) {
      if (in.empty() || in[0] != std::byte{0x1F}) {
        return between_members(in);
      }
      CAPTURED_CHECK(::inflateReset(&stream_) == Z_OK);
      any_member_ = false;
    }
    constexpr std::size_t part_max = std::size_t{1} << 30;
    const std::size_t in_bytes = std::min(in.size(), part_max);
    const std::size_t out_bytes = std::min(out.size(), part_max);
    // zlib's interface takes no const, and does not write there.
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in_bytes);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out_bytes);
    const int status = ::inflate(&stream_, Z_NO_FLUSH);
    progress made{.taken = in_bytes - stream_.avail_in,
                  .given = out_bytes - stream_.avail_out,
                  .inside = true};
    if (status == Z_STREAM_END) {
      any_member_ = true;
      made.inside = false;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      made.problem = stream_.msg != nullptr ? stream_.msg : "it is damaged";
    }
    return made;
  }

  static progress between_members(std::span<const std::byte> in) {
    const auto padding =
        std::find_if(in.begin(), in.end(), [](std::byte octet) { return octet != std::byte{0}; });
    const auto zeros = static_cast<std::size_t>(padding - in.begin());
    if (zeros != 0 || in.empty()) {
      return {.taken = zeros};
    }
    return {.problem = "something else follows the compressed data"};
  }

  z_stream stream_{};
  bool any_member_ = false;  ///< one has ended, and the next has not begun
};

class zstd_decompressor final : public decompressor {
 public:
  explicit zstd_decompressor(octet_window& from)
      : decompressor("zstd", from), context_(::ZSTD_createDCtx()) {
    CAPTURED_CHECK(context_ != nullptr);
    ::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, zstd_window_log_max);
  }

 private:
  progress step(std::span<const std::byte> in, std::span<std::byte> out) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t left = ::ZSTD_decompressStream(context_.get(), &to, &from);
    if (::ZSTD_isError(left) != 0U) {
      return {
          .taken = from.pos, .given = to.pos, .inside = true, .problem = ::ZSTD_getErrorName(left)};
    }
    return {.taken = from.pos, .given = to.pos, .inside = left != 0};
  }

  struct free_context {
    void operator()(ZSTD_DCtx* context) const noexcept { ::ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_DCtx, free_context> context_;
};

class lz4_decompressor final : public decompressor {
 public:
  explicit lz4_decompressor(octet_window& from) : decompressor("lz4", from) {
    LZ4F_dctx* context = nullptr;
    CAPTURED_CHECK(LZ4F_isError(::LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) == 0U);
    context_.reset(context);
  }

 private:
  progress step(std::span<const std::byte> in, std::span<std::byte> out) override {
    constexpr std::size_t magic_bytes = 4;
    constexpr std::uint32_t legacy_magic = 0x184C2102;
    if (!inside() && in.size() >= magic_bytes &&
        base::load_little<std::uint32_t>(in.data()) == legacy_magic) {
      return {.problem = "it is of lz4's legacy format, which is not read here"};
    }
    std::size_t taken = in.size();
    std::size_t given = out.size();
    const std::size_t left =
        ::LZ4F_decompress(context_.get(), out.data(), &given, in.data(), &taken, nullptr);
    if (LZ4F_isError(left) != 0U) {
      return {.inside = true, .problem = LZ4F_getErrorName(left)};
    }
    return {.taken = taken, .given = given, .inside = left != 0};
  }

  struct free_context {
    void operator()(LZ4F_dctx* context) const noexcept { ::LZ4F_freeDecompressionContext(context); }
  };
  std::unique_ptr<LZ4F_dctx, free_context> context_;
};

}  // namespace

std::unique_ptr<octet_source> make_decompressor(capture_format format, octet_window& from) {
  switch (format) {
    case capture_format::zstd:
      return std::make_unique<zstd_decompressor>(from);
    case capture_format::lz4:
      return std::make_unique<lz4_decompressor>(from);
    default:
      return std::make_unique<gzip_decompressor>(from);
  }
}

}  // namespace captured::format
