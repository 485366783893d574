// SPDX-License-Identifier: MIT
#include "settings/checks.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "settings/near_miss.hpp"
#include "settings/problem.hpp"
#include "settings/units.hpp"
#include "storage/file_name.hpp"

namespace captured::settings {

namespace {

using contradictions = std::vector<contradiction>;

std::string item(const char* list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

/// Like the text of a path with "." and double slashes taken out, so that one folder has one name
/// as far as can be told without looking at the disk.
std::string normal_directory(const std::string& directory) {
  auto path = std::filesystem::path(directory + "/.").lexically_normal();
  return path.string();
}

void check_ring(const interface_settings& settings, const std::string& path,
                contradictions& found) {
  const auto& ring = settings.device.ring;
  if (ring.size_bytes % ring.block_bytes != 0) {
    found.push_back({path + ".ring.size",
                     size_text(ring.size_bytes) + " is not a multiple of the block, " +
                         size_text(ring.block_bytes),
                     path + ".ring.block"});
  } else if (ring.size_bytes / ring.block_bytes < 2) {
    found.push_back({path + ".ring.size",
                     "it must hold at least two blocks of " + size_text(ring.block_bytes),
                     path + ".ring.block"});
  }
}

void check_interfaces(const configuration& settings, contradictions& found) {
  if (settings.interfaces.empty()) {
    found.push_back({"interfaces", "at least one interface must be given"});
  }
  std::vector<std::string> outputs;
  for (const auto& each : settings.outputs) {
    outputs.push_back(each.files.name);
  }
  std::map<std::pair<std::string, std::string>, std::size_t> seen;
  for (std::size_t i = 0; i < settings.interfaces.size(); ++i) {
    const auto& each = settings.interfaces[i];
    const std::string path = item("interfaces", i);
    check_ring(each, path, found);
    if (!each.output.empty() && std::ranges::find(outputs, each.output) == outputs.end()) {
      found.push_back(
          {path + ".output",
           "no output is called " + quoted(each.output) + suggestion(each.output, outputs),
           "outputs"});
    }
    const std::string output =
        each.output.empty() && !outputs.empty() ? outputs.front() : each.output;
    const auto [first, is_new] = seen.try_emplace({each.device.name, output}, i);
    if (!is_new && !each.device.name.empty()) {
      found.push_back({path + ".name",
                       quoted(each.device.name) + " stands already in " +
                           item("interfaces", first->second) + " for the output " + quoted(output),
                       path + ".output"});
    }
  }
}

void check_retention(const storage::output_options& files, const std::string& path,
                     contradictions& found) {
  const auto kept = files.retain.size_bytes;
  const auto one = files.rotate.size_bytes;
  if (kept != 0 && one != 0 && kept < one) {
    found.push_back({path + ".retain.size",
                     size_text(kept) + " is less than rotate.size, " + size_text(one) +
                         ": a file would be removed as soon as it is finished",
                     path + ".rotate.size"});
  }
}

void check_places(const storage::output_options& files, const std::string& path,
                  contradictions& found) {
  if (!files.fallback.empty() &&
      normal_directory(files.fallback) == normal_directory(files.directory)) {
    found.push_back({path + ".fallback", "it is the directory itself", path + ".directory"});
  }
  constexpr std::uint32_t owner_reads_and_writes = 0600;
  constexpr std::uint32_t anybody_executes = 0111;
  if ((files.mode & owner_reads_and_writes) != owner_reads_and_writes) {
    found.push_back({path + ".mode", "its owner, the recorder, must be able to read and to write"});
  } else if ((files.mode & anybody_executes) != 0) {
    found.push_back({path + ".mode", "recordings are no programs: 0640 lets a group read"});
  }
}

/// Other formats than pcapng hold packets alone, and their series are called after interfaces.
void check_format(const pipeline::output_options& output, const std::string& path,
                  contradictions& found) {
  const auto& files = output.files;
  if (output.format == pipeline::file_format::pcapng) {
    return;
  }
  if (files.file_name.find("{output}") == std::string::npos) {
    found.push_back({path + ".file_name",
                     "files of this format do not say whose they are, so their names must: put "
                     "{output} into it",
                     path + ".format"});
  } else {
    const std::string longest = files.name + "-" + std::string(15, 'x') + "-link65535";
    const auto name = storage::file_name::parse(files.file_name, longest, ".lpcap.damaged.meta");
    if (storage::file_name::parse(files.file_name, files.name) && !name) {
      found.push_back(
          {path + ".name",
           "with the name of an interface behind it, as this format has it: " + name.error().detail,
           path + ".format"});
    }
  }
  if (files.direct == storage::direct_mode::on) {
    found.push_back({path + ".direct", "direct writes need pages that only pcapng can fill up",
                     path + ".format"});
  }
  if (output.encoding == pipeline::encoding::in_place) {
    found.push_back(
        {path + ".encoding", "in-place makes blocks of pcapng alone", path + ".format"});
  }
}

void check_outputs(const configuration& settings, contradictions& found) {
  if (settings.outputs.empty()) {
    found.push_back({"outputs", "at least one output must be given"});
  }
  std::map<std::string, std::size_t> names;
  struct series {
    std::string directory;
    storage::file_name name;
    std::size_t output;
  };
  std::vector<series> all;
  for (std::size_t i = 0; i < settings.outputs.size(); ++i) {
    const auto& files = settings.outputs[i].files;
    const std::string path = item("outputs", i);
    check_retention(files, path, found);
    check_places(files, path, found);
    check_format(settings.outputs[i], path, found);
    const auto [first, is_new] = names.try_emplace(files.name, i);
    if (!is_new) {
      found.push_back({path + ".name", "another output is called " + quoted(files.name) + " too",
                       item("outputs", first->second) + ".name"});
      continue;
    }
    auto name = storage::file_name::parse(files.file_name, files.name);
    if (!name) {
      found.push_back({path + ".file_name", name.error().detail});
      continue;
    }
    const std::size_t others = all.size();
    for (const std::string& directory : {files.directory, files.fallback}) {
      if (directory.empty()) {
        continue;
      }
      series made{normal_directory(directory), *name, i};
      const auto end = all.begin() + static_cast<std::ptrdiff_t>(others);
      const auto same = std::find_if(all.begin(), end, [&made](const series& other) {
        return other.directory == made.directory && other.name == made.name;
      });
      if (same != end) {
        found.push_back({path + ".file_name",
                         "it gives the same names in the same directory as " +
                             item("outputs", same->output) + "; put {output} into it",
                         path + (directory == files.directory ? ".directory" : ".fallback")});
      }
      all.push_back(std::move(made));
    }
  }
}

void check_streams(const configuration& settings, contradictions& found) {
  std::map<std::string, std::size_t> names;
  for (std::size_t i = 0; i < settings.streams.size(); ++i) {
    const stream_settings& each = settings.streams[i];
    const std::string path = item("streams", i);
    const auto [first, is_new] = names.try_emplace(each.name, i);
    if (!is_new) {
      found.push_back({path + ".name", "another stream is called " + quoted(each.name) + " too",
                       item("streams", first->second) + ".name"});
    }
    if (const auto to = stream::parse_collector(each.to); !to) {
      found.push_back({path + ".to", to.error().message()});
    }
    if (const auto method = stream::parse_path(each.service); !method) {
      found.push_back({path + ".service", method.error().message()});
    }
    if (each.tls.certificate.empty() != each.tls.key.empty()) {
      found.push_back({path + ".tls", "certificate and key are needed, not one of them"});
    }
    if (const auto to = stream::parse_collector(each.to);
        to && !to->is_encrypted && !(each.tls == stream::tls_options{})) {
      found.push_back({path + ".tls", "without https:// the packets would go in the clear"});
    }
  }
}

}  // namespace

std::vector<contradiction> check(const configuration& settings) {
  contradictions found;
  check_interfaces(settings, found);
  check_outputs(settings, found);
  check_streams(settings, found);
  return found;
}

}  // namespace captured::settings
