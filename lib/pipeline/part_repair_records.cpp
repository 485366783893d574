// SPDX-License-Identifier: MIT
//
// The part of part_repair for files of records, pcap and lpcap: cut after the last whole record.
// They cannot say that they were recovered; the log does.
#include <utility>

#include "format/record_scan.hpp"
#include "pipeline/part_repair_steps.hpp"
#include "storage/paired_file.hpp"

namespace captured::pipeline {

namespace {

using storage::part_file;
using storage::sidecar_of;

/// A stem with which neither the file nor its sidecar replaces another one.
base::result<std::string> free_stem(const storage::output_directory& folder,
                                    const std::string& part,
                                    const std::optional<std::string>& sidecar) {
  const std::string extension = extension_of_part(part);
  for (std::string stem = stem_of(part);; stem += "+r") {
    const std::string whole = stem + extension;
    auto is_taken = folder.exists(whole);
    if (is_taken && !*is_taken && sidecar != sidecar_of(whole)) {
      is_taken = folder.exists(sidecar_of(whole));
    }
    if (!is_taken) {
      return is_taken.error();
    }
    if (!*is_taken) {
      return stem;
    }
  }
}

/// Cuts the sidecar behind what it says of so many records. Nothing when it does not know their
/// times, without which the file is worth little.
base::result<std::optional<part_file>> cut_sidecar(const storage::output_directory& folder,
                                                   int folder_fd, const std::string& name,
                                                   std::uint64_t records,
                                                   const std::atomic<bool>& stop) {
  auto file = part_file::open(folder.calls(), folder_fd, name);
  if (!file) {
    return file.error();
  }
  part_source source(*file, stop);
  const format::whole_entries entries = format::scan_lpcap_entries(source, records);
  if (source.failure()) {
    return *source.failure();
  }
  if (entries.octets == 0 || (records > 0 && !entries.knows_times)) {
    return std::optional<part_file>();
  }
  if (const auto cut = file->close_at(entries.octets, {}); !cut) {
    return cut.error();
  }
  return std::optional(std::move(*file));
}

}  // namespace

base::result<std::optional<std::string>> find_sidecar(const storage::output_directory& folder,
                                                      const std::string& part) {
  for (const std::string& name :
       {sidecar_of(part), sidecar_of(without(part, storage::open_suffix))}) {
    const auto is_there = folder.exists(name);
    if (!is_there) {
      return is_there.error();
    }
    if (*is_there) {
      return std::optional(name);
    }
  }
  return std::optional<std::string>();
}

base::result<repaired_part> repair_records(const storage::output_directory& folder,
                                           const std::string& name, const std::atomic<bool>& stop) {
  const auto fd = folder.duplicate();
  if (!fd) {
    return fd.error();
  }
  auto file = part_file::open(folder.calls(), fd->get(), name);
  if (!file) {
    return file.error();
  }
  part_source source(*file, stop);
  const format::whole_records whole = format::scan_records(source);
  if (source.was_stopped()) {
    return *source.failure();
  }
  if (source.failure()) {
    return set_aside(folder, *file, source.failure()->message());
  }
  if (whole.octets == 0) {
    return set_aside(folder, *file, "its beginning is not that of a recording");
  }
  const auto used = file->used_bytes(whole.octets);
  if (!used) {
    return set_aside(folder, *file, used.error().message());
  }
  std::optional<part_file> sidecar;
  const auto found_sidecar = find_sidecar(folder, name);
  if (!found_sidecar) {
    return found_sidecar.error();
  }
  const std::optional<std::string>& sidecar_name = *found_sidecar;
  if (extension_of_part(name) == ".lpcap") {
    auto cut = sidecar_name ? cut_sidecar(folder, fd->get(), *sidecar_name, whole.packets, stop)
                            : base::result<std::optional<part_file>>(std::nullopt);
    if (!cut) {
      return cut.error();
    }
    if (!*cut) {
      return set_aside(folder, *file, "there is no sidecar that has its times");
    }
    sidecar = std::move(*cut);
  }
  if (const auto closed = file->close_at(whole.octets, {}); !closed) {
    return leave_unclosed(folder, *file, closed.error());
  }
  const std::string extension = extension_of_part(name);
  const auto stem = free_stem(folder, name, sidecar_name);
  if (!stem) {
    return stem.error();
  }
  // The sidecar first: whoever sees the finished file finds it.
  if (sidecar && sidecar->name() != sidecar_of(*stem + extension)) {
    if (const auto named = sidecar->rename_to(*stem, sidecar_of(extension)); !named) {
      return named.error();
    }
  }
  if (const auto named = file->rename_to(*stem, extension); !named) {
    return named.error();
  }
  repaired_part done = describe_part(name, *file);
  done.file.size_bytes += sidecar ? sidecar->size() : 0;
  done.file.allocated_bytes = done.file.size_bytes;
  done.packets = whole.packets;
  done.octets_lost = *used - whole.octets;
  return done;
}

}  // namespace captured::pipeline
