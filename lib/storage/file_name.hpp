// SPDX-License-Identifier: MIT
//
// What the files of an output are called. A template is read once; names are then made from a
// moment and a sequence, and sequences are read back from names. No file is touched here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace captured::storage {

/// A file that is whole and closed, where the format has no other ending.
inline constexpr std::string_view final_suffix = ".pcapng";
/// Behind the name of the file being written.
inline constexpr std::string_view open_suffix = ".part";
/// Behind the name of a file that is not whole and was set aside.
inline constexpr std::string_view damaged_suffix = ".damaged";
/// The highest sequence that is read from names and files; 15 digits outlast any recording, and
/// a forged name cannot make the next sequence run over.
inline constexpr std::uint64_t sequence_max = 999'999'999'999'999;

/// Names of one output's files, without suffix. The template consists of
///   {output}, {sequence}  the output's name; the file's number, at least six digits, exactly once
///   %Y %y %m %d %j %H %M %S %F %T %G %V %u %w  as strftime(3) has them, of the moment in UTC
///   %s  seconds since 1970, ten digits;  %%  a percent sign
/// and other characters as they stand, but no '/', no control character, and no '.' at the start.
class file_name {
 public:
  /// Fails with words fit for an operator ("unknown placeholder {host}…") when the template is
  /// wrong or its names would be longer than a file system takes (255 octets with suffix).
  /// `extension`, with its dot, is what finished files are called behind their names.
  [[nodiscard]] static base::result<file_name> parse(std::string_view pattern,
                                                     std::string_view output,
                                                     std::string_view extension = final_suffix);

  [[nodiscard]] const std::string& extension() const noexcept { return extension_; }

  /// The name, without suffix, of the file begun at that moment. Moments before 1970 count as 1970.
  [[nodiscard]] std::string make(base::wall_time begun, std::uint64_t sequence) const;

  /// The sequence in a name that `make` could have given, followed perhaps by the "+N" of one that
  /// had to be another since its name was taken, by the extension and perhaps more (".part");
  /// nothing for other names or above sequence_max.
  [[nodiscard]] std::optional<std::uint64_t> sequence_of(std::string_view name) const;

  /// Do both give the same names for the same moment and sequence?
  friend bool operator==(const file_name&, const file_name&) = default;

 private:
  /// A run of plain text, a conversion, or the sequence.
  struct element {
    char conversion = 0;  ///< 0 for text, '#' for the sequence, else strftime's letter
    std::string text;

    friend bool operator==(const element&, const element&) = default;
  };

  void add_text(std::string_view text);
  base::result<std::size_t> add_conversion(std::string_view rest, const std::string& context);
  base::result<std::size_t> add_placeholder(std::string_view rest, std::string_view output,
                                            const std::string& context);
  /// Octets of a name apart from the sequence; fixed, since all conversions have fixed widths.
  [[nodiscard]] std::size_t fixed_bytes() const;
  [[nodiscard]] std::optional<std::uint64_t> sequence_of_stem(std::string_view stem) const;

  std::vector<element> elements_;
  std::string extension_;
};

/// Fails unless the text can stand for an output: 1 to 64 octets, letters, digits, '.', '-', '_',
/// not beginning with '.'.
[[nodiscard]] base::result<void> check_output_name(std::string_view output);

/// The hidden name of the file that is made ready before it is needed. Such a file holds no
/// packet: what is found of an earlier life may be removed. Where one is left that could not be,
/// another attempt takes another name.
[[nodiscard]] std::string prepared_name(std::string_view output, std::uint64_t sequence,
                                        std::uint32_t attempt = 0);
[[nodiscard]] bool is_prepared_name(std::string_view name, std::string_view output);

}  // namespace captured::storage
