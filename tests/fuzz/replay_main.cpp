// SPDX-License-Identifier: MIT
//
// Gives a fuzz target each file of its corpus, and an empty input, where libFuzzer is not linked.
// It searches for nothing: it keeps what the fuzzer once found from coming back, in every build.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_below(const fs::path& place) {
  if (!fs::is_directory(place)) {
    return {place};
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(place)) {
    if (entry.is_regular_file()) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

void replay(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw std::runtime_error("cannot read " + path.string());
  }
  std::vector<char> content((std::istreambuf_iterator<char>(file)), {});
  content.shrink_to_fit();  // reading one octet too far shall meet the sanitizer
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    LLVMFuzzerTestOneInput(nullptr, 0);
    std::size_t replayed = 1;
    for (int i = 1; i < argc; ++i) {
      for (const auto& path : files_below(argv[i])) {
        // Named first, and unbuffered, so that a crash leaves its cause as the last line.
        std::fprintf(stderr, "%s\n", path.c_str());
        replay(path);
        ++replayed;
      }
    }
    std::printf("%zu inputs replayed\n", replayed);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "replay: %s\n", error.what());
    return 1;
  }
}
