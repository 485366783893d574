// SPDX-License-Identifier: MIT
//
// All that check_frames says about one interface, by name, over all files.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "check/capture_walker.hpp"
#include "check/numbering.hpp"

namespace captured::check {

/// How often each of a few values occurred. Values beyond the limit are counted together.
template <class T>
class tally {
 public:
  void count(const T& value) {
    for (auto& [known, times] : counts_) {
      if (known == value) {
        ++times;
        return;
      }
    }
    if (counts_.size() < values_max) {
      counts_.emplace_back(value, 1);
    } else {
      ++others_;
    }
  }
  [[nodiscard]] const std::vector<std::pair<T, std::uint64_t>>& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t others() const { return others_; }

 private:
  static constexpr std::size_t values_max = 32;
  std::vector<std::pair<T, std::uint64_t>> counts_;
  std::uint64_t others_ = 0;
};

struct account_options {
  number_selection selection;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> expected;  ///< first number, count
  bool check_content = true;
  std::size_t gaps_listed_max = 1000;
};

class interface_account {
 public:
  explicit interface_account(const account_options& options) : options_(&options) {}

  void add(const packet_record& packet, const std::string& file);
  void add(const statistics_record& statistics);

  [[nodiscard]] std::uint64_t packets() const { return packets_; }
  [[nodiscard]] boost::json::object report() const;

 private:
  struct gap {
    std::uint32_t stream;
    std::uint64_t before;  // the number that ended the gap
    std::uint64_t missing;
    std::uint64_t dropcount;
    std::string file;
    std::uint64_t offset;
  };

  void add_number(const packet_record& packet, const std::string& file);
  void compare_place(std::uint64_t missing, std::uint64_t dropcount);
  [[nodiscard]] boost::json::object report_numbers() const;
  [[nodiscard]] boost::json::array report_gaps() const;
  [[nodiscard]] boost::json::object report_statistics() const;

  const account_options* options_;
  std::map<std::uint32_t, numbering> streams_;
  std::uint64_t packets_ = 0;
  std::uint64_t octets_ = 0;
  std::uint64_t foreign_ = 0;
  std::uint64_t content_wrong_ = 0;
  std::uint64_t lengths_wrong_ = 0;
  std::uint64_t last_time_ns_ = 0;
  std::uint64_t first_time_ns_ = 0;
  std::uint64_t steps_back_ = 0;
  std::uint64_t step_back_ns_max_ = 0;
  std::uint64_t dropcount_sum_ = 0;
  std::uint64_t dropcount_at_first_ = 0;  // what was lost before it leaves no gap
  std::uint64_t dropcount_at_gaps_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t gaps_without_dropcount_ = 0;
  std::int64_t missing_minus_dropped_ = 0;
  std::uint64_t place_difference_max_ = 0;
  std::vector<gap> gaps_listed_;
  tally<std::uint32_t> flags_;
  tally<std::uint32_t> captured_lengths_;
  tally<std::uint16_t> ports_;
  tally<std::uint64_t> tags_;
  tally<std::uint32_t> queues_;
  std::uint64_t statistics_blocks_ = 0;
  std::uint64_t statistics_decreasing_ = 0;
  statistics_record last_statistics_;
};

}  // namespace captured::check
