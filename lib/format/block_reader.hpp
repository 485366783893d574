// SPDX-License-Identifier: MIT
//
// Reads pcapng block by block from a source: block_walker with a buffer. Holds one block, or 1 MiB
// of them, at a time; a block's claimed length alone allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "format/block_walker.hpp"
#include "format/octet_source.hpp"

namespace captured::format {

class block_reader {
 public:
  enum class status : std::uint8_t {
    block,      ///< `block` is the next one
    end,        ///< the source ended between two blocks
    truncated,  ///< the source ended inside a block, which begins at offset()
    damaged,    ///< `problem` is what is wrong at offset()
    failed,     ///< the source failed; see failure()
  };
  struct step {
    status what = status::end;
    block_view block;
    block_problem problem = block_problem::none;
  };

  /// The source must outlive the reader.
  explicit block_reader(octet_source& source, std::uint32_t bytes_max = block_bytes_max);

  /// The next block; its octets stay valid until the next call. After anything but a block the
  /// same answer comes again.
  [[nodiscard]] step next();

  /// Where the block after the last one given begins.
  [[nodiscard]] std::uint64_t offset() const noexcept { return walker_.offset(); }
  /// What is buffered from offset() on: after damage or truncation, the octets that are wrong.
  [[nodiscard]] std::span<const std::byte> ahead() const noexcept {
    return std::span(buffer_).subspan(begin_, end_ - begin_);
  }
  [[nodiscard]] const base::failure& failure() const noexcept { return failure_; }

 private:
  [[nodiscard]] bool fill(std::size_t octets_needed);

  octet_source& source_;
  block_walker walker_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool source_ended_ = false;
  base::failure failure_;
};

}  // namespace captured::format
