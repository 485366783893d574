// SPDX-License-Identifier: MIT
// provisional
#pragma once
#include <chrono>
#include <string>
#include <vector>
#include "capture/options.hpp"
#include "pipeline/options.hpp"
namespace captured::settings {
struct interface_entry {
  capture::interface_options options;
  bool required = true;
  std::string output;
};
struct thread_options { std::uint32_t threads = 1; std::vector<int> cpus; };
struct log_options { std::string level = "info"; std::string format = "text"; };
struct configuration {
  std::vector<interface_entry> interfaces;
  std::vector<pipeline::output_options> outputs;
  std::chrono::milliseconds stop_timeout{10000};
  thread_options reactor;
  thread_options writer;
  log_options log;
};
}
