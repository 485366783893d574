// SPDX-License-Identifier: MIT
//
// The front door to every capture format: tells it from the content, unwraps compression, and gives
// sections, interfaces, packets and the rest one after the other. From mapped octets packets are
// not copied; from a stream at most one record and a buffer are held. Not for files that are still
// being written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "format/capture_model.hpp"
#include "format/octet_source.hpp"
#include "format/octet_window.hpp"
#include "format/packet_run.hpp"

namespace captured::format {

/// Which packets of a file with several link types are wanted.
enum class link_type_choice : std::uint8_t {
  all,
  first_only,      ///< leave out, and count, what is not of the first interface's type
  first_enforced,  ///< fail at the first packet of another type
};

struct read_options {
  /// Go on where the meaning is clear or only one block is lost; formats, "Malformed input".
  bool lenient = false;
  /// pcapng: leave out sections of an unknown version instead of failing.
  bool skip_unknown_versions = false;
  /// Give no more octets of a packet than the snap length of its interface says.
  bool clip_to_snaplen = false;
  link_type_choice link_types = link_type_choice::all;
  /// Longer pcapng blocks are damage.
  std::uint32_t block_bytes_max = format::block_bytes_max;

  /// lpcap: the octets of its sidecar; must outlive the reader. Null: times are inferred.
  octet_source* lpcap_sidecar = nullptr;
  /// lpcap without sidecar: the time of the first packet, or a bound for that of the last, which
  /// needs mapped octets. With neither, times count from the first packet.
  std::optional<time_ns> lpcap_first;
  std::optional<time_ns> lpcap_last_bound;
  /// lpcap: what its link type 0, "reserved", is to be; the first of those for private use.
  packet::link_type lpcap_unknown_link{147};

  /// Called when the next section begins and at the end, not for sections left out.
  std::function<void(const capture_section&, std::span<const capture_interface>)> on_section_end;
  std::function<void(const capture_section&, const interface_statistics_block&)> on_statistics;
};

/// What all readers of one format fill, and what they read from. Owned by the capture_reader.
struct reader_state {
  reader_state(octet_window& window_, const read_options& options_)
      : window(window_), options(options_) {}

  octet_window& window;
  const read_options& options;
  capture_section section;
  std::vector<capture_interface> interfaces;  ///< of the section
  capture_packet packet;
  interface_statistics_block statistics;
  capture_block block;  ///< of the last item, when it is a pcapng block
  read_counts counts;
  base::failure failure;
  std::uint64_t failure_offset = 0;
  bool section_open = false;

  /// Calls options.on_section_end if a section is open; before `section` becomes another one.
  void end_section();
  /// Notes what is wrong where; always capture_item::failed.
  capture_item fail(std::uint64_t offset, std::string what);
  /// The octets ran out: the source's own failure, or that a record is cut.
  capture_item fail_cut(std::uint64_t offset, const std::string& what);
};

/// One format. After `end` or `failed` it is not asked again.
class format_reader {
 public:
  virtual ~format_reader() = default;
  [[nodiscard]] virtual capture_item next(reader_state& state) = 0;

  /// Goes over what plain packets lie ahead and begin before `end`; the reader is behind them.
  virtual std::span<const std::byte> next_run(reader_state& /*state*/, std::uint64_t /*end*/,
                                              packet_totals& /*totals*/) {
    return {};
  }
  /// Goes over one of them.
  [[nodiscard]] virtual bool next_plain(reader_state& /*state*/, plain_packet& /*packet*/) {
    return false;
  }
  /// The same for octets of which the caller knows that they are such packets.
  virtual void skip_run(reader_state& /*state*/, std::uint64_t /*octets*/) {}
  /// For a caller that looks for such packets itself; null when the format has none.
  [[nodiscard]] virtual const packet_run* run() const noexcept { return nullptr; }
};

class capture_reader {
 public:
  /// The octets, or the source, must outlive the reader.
  explicit capture_reader(std::span<const std::byte> mapped, read_options options = {});
  explicit capture_reader(octet_source& source, read_options options = {});
  capture_reader(const capture_reader&) = delete;
  capture_reader& operator=(const capture_reader&) = delete;
  ~capture_reader();

  /// The next thing in the file; the first is a section. After `end` or `failed` the same again.
  [[nodiscard]] capture_item next();

  /// The plain packets (packet_run.hpp) that follow, as far as they lie in memory already and begin
  /// before `end`, all at once: their octets, valid like those of a packet, and what they add up
  /// to. None when what follows is anything else; next() tells. packet() is none of them.
  [[nodiscard]] std::span<const std::byte> next_run(
      packet_totals& totals, std::uint64_t end = std::numeric_limits<std::uint64_t>::max());
  /// One of them; false when what follows is anything else, or not in memory yet.
  [[nodiscard]] bool next_plain(plain_packet& packet) {
    return has_runs() && reader_->next_plain(*state_, packet);
  }
  /// What is plain in this section, for a caller that goes over parts of the file by itself; null
  /// when nothing is, and where octets_read() is not the place in the file.
  [[nodiscard]] const packet_run* run() const noexcept;
  /// Goes on behind so many octets, which the caller saw to be plain packets; behind
  /// octets_read(). With run() only.
  void skip_run(std::uint64_t octets) { reader_->skip_run(*state_, octets); }

  /// Of the item last given; for a packet that of the packet.
  [[nodiscard]] const capture_section& section() const noexcept { return state_->section; }
  [[nodiscard]] std::span<const capture_interface> interfaces() const noexcept {
    return state_->interfaces;
  }
  /// With capture_item::interface the last of interfaces().
  [[nodiscard]] const capture_packet& packet() const noexcept { return state_->packet; }
  [[nodiscard]] const interface_statistics_block& statistics() const noexcept {
    return state_->statistics;
  }
  /// The pcapng block that the last item was read from; an empty one for other formats.
  [[nodiscard]] const capture_block& block() const noexcept { return state_->block; }

  /// With capture_item::failed: the place and what was expected there.
  [[nodiscard]] const base::failure& failure() const noexcept { return state_->failure; }
  [[nodiscard]] std::uint64_t failure_offset() const noexcept { return state_->failure_offset; }
  [[nodiscard]] const read_counts& counts() const noexcept { return state_->counts; }

  /// Known after the first next().
  [[nodiscard]] capture_format format() const noexcept { return format_; }
  /// The outermost compression, or nothing.
  [[nodiscard]] std::optional<capture_format> compression() const noexcept { return compression_; }
  /// Do the octets of packets stay valid after next()?
  [[nodiscard]] bool stable() const noexcept { return state_->window.stable(); }
  /// How far the reader is in its input, compressed octets if it is compressed.
  [[nodiscard]] std::uint64_t octets_read() const noexcept { return outer_.offset(); }

 private:
  [[nodiscard]] capture_item begin();
  /// Not where packets are left out or cut.
  [[nodiscard]] bool has_runs() const noexcept {
    return begun_ && reader_ != nullptr && last_ != capture_item::end &&
           last_ != capture_item::failed && options_.link_types == link_type_choice::all &&
           !options_.clip_to_snaplen;
  }
  [[nodiscard]] bool is_wanted();
  [[nodiscard]] capture_item unwanted();
  void tell(capture_item item);

  read_options options_;
  octet_window outer_;
  struct layer;
  std::vector<std::unique_ptr<layer>> layers_;  ///< of decompression, the innermost last
  std::unique_ptr<reader_state> state_;
  std::unique_ptr<format_reader> reader_;
  capture_format format_ = capture_format::unknown;
  std::optional<capture_format> compression_;
  std::optional<packet::link_type> first_link_;
  capture_item last_ = capture_item::section;
  bool begun_ = false;
};

}  // namespace captured::format
