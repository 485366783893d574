// SPDX-License-Identifier: MIT
//
// Carries items from a reader to a writer: whose interface becomes which, and one section out of
// many where that is wanted. What is left out, and in which order things come, is for the caller.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "format/capture_reader.hpp"
#include "format/capture_writer.hpp"

namespace captured::format {

/// Interfaces of an output with one section for several inputs: descriptions that are the same
/// become one interface, unless one section has them side by side: its n-th of a kind becomes the
/// n-th of that kind in the output.
class shared_interfaces {
 public:
  /// How often an input's section has each kind; begin each section with an empty one.
  using uses = std::unordered_map<std::uint32_t, std::uint32_t>;

  /// The number in the output; nothing when there are more than readers take.
  std::optional<std::uint32_t> add(capture_writer& to, const capture_interface& interface,
                                   uses& of_section);
  /// Interfaces for which there was no room.
  [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }

 private:
  static constexpr std::uint32_t interfaces_max = 65536;
  static constexpr std::size_t octets_max = std::size_t{16} << 20;

  struct kind {
    std::uint32_t number = 0;
    std::vector<std::uint32_t> ids;  ///< in the output, of those that are alike
  };
  std::unordered_map<std::string, kind> kinds_;  ///< by the octets of the description
  std::uint32_t count_ = 0;
  std::size_t octets_ = 0;
  std::uint64_t left_out_ = 0;
};

/// Are interfaces of this type described as cooked where that is wanted? capture_copier.
[[nodiscard]] constexpr bool is_relabelled(packet::link_type link) noexcept {
  return link == packet::link_type::ethernet || link == packet::link_type::linux_sll ||
         link == packet::link_type::linux_sll2;
}

class capture_copier {
 public:
  /// Which interfaces to take; all when empty. `id` counts in the section.
  using selection = std::function<bool(const interface_description_block&, std::uint32_t id)>;

  explicit capture_copier(capture_writer& to, selection wanted = {})
      : to_(to), wanted_(std::move(wanted)) {}
  /// All sections of the input go into the one that the caller began, with interfaces shared with
  /// other copiers. Both must outlive it.
  capture_copier(capture_writer& to, shared_interfaces& shared, selection wanted = {})
      : to_(to), shared_(&shared), wanted_(std::move(wanted)) {}

  /// Ethernet and Linux cooked interfaces are described as of this type from now on, for a caller
  /// that converts their packets.
  void relabel_cooked(packet::link_type link) { cooked_ = link; }
  /// Catches up with a reader that is within a section: its header and interfaces so far.
  void catch_up(const capture_reader& from);

  /// For a caller that wrote the header of the reader's latest section itself.
  void restart() {
    ids_.clear();
    same_ids_ = true;
    uses_.clear();
  }

  /// Anything but a packet, of the reader's latest item.
  void copy(const capture_reader& from, capture_item item);
  /// A packet of the section whose items were copied last. False when its interface is not wanted.
  bool copy_packet(const capture_packet& packet, bool stable) {
    const auto& id = ids_[packet.interface_id];
    if (id) {
      to_.add_packet(packet, *id, stable);
    }
    return id.has_value();
  }
  /// Would plain packets (packet_run.hpp) of this section be copied as they lie?
  [[nodiscard]] bool takes_runs() const noexcept { return same_ids_ && to_.takes_runs(); }
  /// Of capture_reader::next_run(), where it takes_runs().
  void copy_run(std::span<const std::byte> octets, std::uint64_t packets, bool stable) {
    to_.add_run(octets, packets, stable);
  }
  /// Would plain packets be taken one by one?
  [[nodiscard]] bool takes_plain() const noexcept { return to_.takes_runs(); }
  /// Of capture_reader::next_plain(), where it takes_plain().
  void copy_plain(const plain_packet& packet, bool stable) {
    if (const auto& id = ids_[packet.interface_id]) {
      to_.add_plain(packet, *id, stable);
    }
  }
  /// The interface in the output; nothing when it is not wanted.
  [[nodiscard]] const std::optional<std::uint32_t>& id_of(std::uint32_t interface_id) const {
    return ids_[interface_id];
  }
  /// Section headers that had something to say and are not in the output.
  [[nodiscard]] std::uint64_t sections_merged() const noexcept { return sections_merged_; }

 private:
  void add_interface(const capture_interface& interface, capture_format format);
  void note_id(std::optional<std::uint32_t> id);

  capture_writer& to_;
  shared_interfaces* shared_ = nullptr;
  shared_interfaces::uses uses_;
  selection wanted_;
  std::optional<packet::link_type> cooked_;
  std::vector<std::optional<std::uint32_t>> ids_;  ///< by the id in the input's section
  bool same_ids_ = true;                           ///< every id is the one it has in the input
  std::uint64_t sections_merged_ = 0;
};

}  // namespace captured::format
