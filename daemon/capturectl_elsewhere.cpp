// SPDX-License-Identifier: MIT
#include "capturectl_elsewhere.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <unistd.h>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"

namespace captured::capturectl {

int run_elsewhere(const std::string& name, const std::vector<std::string>& arguments) {
  std::error_code unknown;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", unknown).parent_path();
  if (here.empty()) {
    complain(name.c_str(), "find capturectl-stream: /proc/self/exe: " + unknown.message());
    return exit_trouble;  // not what happens to lie in the current folder
  }
  const std::array places{here / "capturectl-stream",
                          here.parent_path() / "libexec/captured/capturectl-stream"};
  std::vector<std::string> words{"capturectl-stream", name};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> passed;
  for (std::string& word : words) {
    passed.push_back(word.data());
  }
  passed.push_back(nullptr);
  int why = 0;
  std::string tried;
  for (const auto& place : places) {
    ::execv(place.c_str(), passed.data());
    why = errno;
    tried = place.string();
    if (why != ENOENT) {
      break;
    }
  }
  complain(name.c_str(), "run " + tried + ": " + std::strerror(why));
  return exit_trouble;
}

}  // namespace captured::capturectl
