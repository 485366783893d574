// SPDX-License-Identifier: MIT
//
// The part of output_directory that tells whose the files in the folder are.
#include <algorithm>
#include <cerrno>

#include "storage/file_operations.hpp"
#include "storage/output_directory.hpp"
#include "storage/paired_file.hpp"

namespace captured::storage {

namespace {

bool is_finished_name(std::string_view name, std::string_view extension) {
  return !name.starts_with('.') &&
         (name.ends_with(extension) ||
          (name.ends_with(damaged_suffix) && name.find(extension) != std::string_view::npos));
}

/// Of what has lost its name and got another one (remove_prepared).
std::optional<std::uint64_t> sequence_of_renamed(std::string_view name, const own_files& own) {
  const auto kept = file_name::parse("{output}-{sequence}", own.output, own.names.extension());
  return kept ? kept->sequence_of(name) : std::nullopt;
}

/// By the template, or as what has lost its name.
bool is_named_as_ours(std::string_view name, const own_files& own) {
  return (own.names_tell_output && own.names.sequence_of(name)) ||
         sequence_of_renamed(name, own).has_value();
}

/// Takes the one with the higher sequence; of two with the same one, that which was not set aside,
/// and then that which says so itself.
void keep_later(std::optional<previous_file>& last, const previous_file& other,
                bool says_so_itself) {
  if (other.sequence > sequence_max) {
    return;
  }
  if (last && other.sequence == last->sequence) {
    const bool is_aside = other.name.ends_with(damaged_suffix);
    const bool last_is_aside = last->name.ends_with(damaged_suffix);
    if (is_aside != last_is_aside ? is_aside : !says_so_itself) {
      return;
    }
  } else if (last && other.sequence < last->sequence) {
    return;
  }
  last = other;
}

}  // namespace

base::result<std::optional<previous_file>> output_directory::find_previous(
    const file_name& names, std::string_view output, const origin_reader& read_origin) const {
  auto all = files(names.extension());
  if (!all) {
    return all.error();
  }
  const std::size_t read_count = std::min(origins_max, all->size());
  const auto newest_end = all->begin() + static_cast<std::ptrdiff_t>(read_count);
  std::ranges::partial_sort(*all, newest_end, std::ranges::greater{}, &directory_file::changed);
  std::optional<previous_file> last;
  for (auto file = all->begin(); file != all->end(); ++file) {
    if (file < newest_end) {
      const auto beginning = read_beginning(file->name);
      const auto origin = beginning ? read_origin(file->name, *beginning) : std::nullopt;
      if (origin) {
        if (origin->output == output) {
          keep_later(last, {origin->sequence, file->name}, true);
        }
        continue;
      }
    }
    // An empty file that was set aside never was one of the series: its number is free.
    if (file->is_known && file->size_bytes == 0 && file->name.ends_with(damaged_suffix)) {
      continue;
    }
    if (const auto sequence = names.sequence_of(file->name)) {
      keep_later(last, {*sequence, file->name}, false);
    }
  }
  return last;
}

base::result<kept_listing> output_directory::find_kept(const own_files& own) const {
  auto all = files(own.names.extension());
  if (!all) {
    return all.error();
  }
  std::ranges::sort(*all, std::ranges::less{}, &directory_file::changed);
  kept_listing kept;
  std::size_t reads_left = unnamed_files_max;
  for (directory_file& file : *all) {
    if (!is_finished_name(file.name, own.names.extension())) {
      continue;
    }
    if (!file.is_known) {
      if (own.names.sequence_of(file.name) || sequence_of_renamed(file.name, own)) {
        kept.unknown.push_back(std::move(file.name));
      }
      continue;
    }
    // Of too many to be read, the name must do: before one is removed it is read all the same.
    auto sequence =
        own.names_tell_output || reads_left == 0 ? own.names.sequence_of(file.name) : std::nullopt;
    if (!sequence && file.name.ends_with(damaged_suffix)) {
      sequence = sequence_of_renamed(file.name, own);  // it may have no beginning to say so
    }
    if (!sequence) {
      if (reads_left == 0) {
        continue;
      }
      --reads_left;
      const auto origin = origin_of(file.name, own);
      if (!origin || !*origin || (*origin)->output != own.output) {
        continue;
      }
      sequence = (*origin)->sequence;
    }
    if (const auto aside = own.with_sidecars ? look_at(sidecar_of(file.name)) : std::nullopt) {
      file.size_bytes += aside->size_bytes;
      file.allocated_bytes += aside->allocated_bytes;
    }
    kept.files.push_back({std::move(file.name), file.size_bytes, file.allocated_bytes, file.changed,
                          false, *sequence});
  }
  return kept;
}

base::result<std::vector<open_part>> output_directory::find_parts(const own_files& own) const {
  auto all = files(own.names.extension());
  if (!all) {
    return all.error();
  }
  std::ranges::sort(*all, std::ranges::less{}, &directory_file::changed);
  std::vector<open_part> parts;
  for (const directory_file& file : *all) {
    if (!file.name.ends_with(own.names.extension() + std::string(open_suffix))) {
      continue;
    }
    const auto origin = origin_of(file.name, own);
    const bool says = origin && origin->has_value();
    if (says ? (*origin)->output == own.output : is_named_as_ours(file.name, own)) {
      parts.push_back({file.name, says, origin ? std::nullopt : std::optional(origin.error())});
    }
  }
  return parts;
}

base::result<std::optional<file_origin>> output_directory::origin_of(const std::string& name,
                                                                     const own_files& own) const {
  const auto beginning = read_beginning(name);
  if (!beginning) {
    return beginning.error();
  }
  return own.read_origin(name, *beginning);
}

base::error_code output_directory::check_removable(const std::string& name,
                                                   const own_files& own) const {
  const auto code = [](int error) {
    return base::error_code(error, boost::system::system_category());
  };
  file_facts facts;
  if (const int looked = look(name, facts); looked != 0) {
    return looked == ENOENT ? base::error_code() : code(looked);
  }
  if (!facts.is_regular || !is_finished_name(name, own.names.extension())) {
    return code(not_ours_error);
  }
  if (!name.ends_with(damaged_suffix) || !is_named_as_ours(name, own)) {
    const auto origin = origin_of(name, own);
    if (!origin) {
      return origin.error().code;
    }
    if (!*origin || (*origin)->output != own.output) {
      return code(not_ours_error);
    }
  }
  const int pin_looked = look(name + std::string(pin_suffix), facts);
  if (pin_looked == 0) {
    return code(pinned_error);
  }
  return pin_looked == ENOENT ? base::error_code() : code(pin_looked);
}

}  // namespace captured::storage
