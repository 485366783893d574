// SPDX-License-Identifier: MIT
#include "format/compression.hpp"

#include <algorithm>
#include <vector>

#include <zlib.h>
#include <zstd.h>

#include "base/check.hpp"

namespace captured::format {
namespace {

constexpr std::size_t part_bytes = std::size_t{128} << 10;

class gzip_sink final : public compressing_sink {
 public:
  explicit gzip_sink(octet_sink& to) : to_(to), part_(part_bytes) {
    // Captures compress little better, but much slower, above this level.
    constexpr int level = 4;
    constexpr int gzip_header = 16;
    constexpr int memory_level = 8;
    CAPTURED_CHECK(::deflateInit2(&stream_, level, Z_DEFLATED, MAX_WBITS + gzip_header,
                                  memory_level, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~gzip_sink() override { ::deflateEnd(&stream_); }
  gzip_sink(const gzip_sink&) = delete;
  gzip_sink& operator=(const gzip_sink&) = delete;

  base::result<> write(std::span<const std::byte> octets) override {
    while (!octets.empty()) {
      const auto now = octets.first(std::min(octets.size(), std::size_t{1} << 30));
      if (auto done = deflate(now, Z_NO_FLUSH); !done) {
        return done;
      }
      octets = octets.subspan(now.size());
    }
    return {};
  }
  base::result<> finish() override { return deflate({}, Z_FINISH); }

 private:
  base::result<> deflate(std::span<const std::byte> octets, int flush) {
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(octets.data()));
    stream_.avail_in = static_cast<uInt>(octets.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(part_.data());
      stream_.avail_out = static_cast<uInt>(part_.size());
      CAPTURED_CHECK(::deflate(&stream_, flush) != Z_STREAM_ERROR);
      const auto made = std::span(part_).first(part_.size() - stream_.avail_out);
      if (!made.empty()) {
        if (auto done = to_.write(made); !done) {
          return done;
        }
      }
    } while (stream_.avail_out == 0);
    return {};
  }

  octet_sink& to_;
  std::vector<std::byte> part_;
  z_stream stream_{};
};

class zstd_sink final : public compressing_sink {
 public:
  explicit zstd_sink(octet_sink& to)
      : to_(to), part_(::ZSTD_CStreamOutSize()), context_(::ZSTD_createCCtx()) {
    CAPTURED_CHECK(context_ != nullptr);
    ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }

  base::result<> write(std::span<const std::byte> octets) override {
    return compress(octets, ZSTD_e_continue);
  }
  base::result<> finish() override { return compress({}, ZSTD_e_end); }

 private:
  base::result<> compress(std::span<const std::byte> octets, ZSTD_EndDirective directive) {
    ZSTD_inBuffer from{octets.data(), octets.size(), 0};
    std::size_t left = 0;
    do {
      ZSTD_outBuffer to{part_.data(), part_.size(), 0};
      left = ::ZSTD_compressStream2(context_.get(), &to, &from, directive);
      CAPTURED_CHECK(::ZSTD_isError(left) == 0U);  // of memory alone; there is no bad input
      if (to.pos != 0) {
        if (auto done = to_.write(std::span(part_).first(to.pos)); !done) {
          return done;
        }
      }
    } while (from.pos < from.size || (directive == ZSTD_e_end && left != 0));
    return {};
  }

  struct free_context {
    void operator()(ZSTD_CCtx* context) const noexcept { ::ZSTD_freeCCtx(context); }
  };
  octet_sink& to_;
  std::vector<std::byte> part_;
  std::unique_ptr<ZSTD_CCtx, free_context> context_;
};

}  // namespace

std::unique_ptr<compressing_sink> make_compressor(capture_format format, octet_sink& to) {
  if (format == capture_format::zstd) {
    return std::make_unique<zstd_sink>(to);
  }
  CAPTURED_CHECK(format == capture_format::gzip);
  return std::make_unique<gzip_sink>(to);
}

}  // namespace captured::format
