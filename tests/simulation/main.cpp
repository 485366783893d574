// SPDX-License-Identifier: MIT
//
// Runs simulations: many seeds, or one with all its steps. See docs/testing.md.
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include "simulation.hpp"

namespace {

using captured::simulation::simulation;

struct arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 2000;
  std::uint64_t step = 1;  ///< from one seed to the next: 10 for runs of one kind
  std::uint64_t jobs = 1;
  std::uint64_t failures = 1;  ///< of each process, before it gives up
  std::optional<std::uint64_t> seed;
};

constexpr const char* usage =
    "simulation [--seeds COUNT] [--first SEED] [--step COUNT] [--jobs PROCESSES] [--failures "
    "COUNT]\n"
    "    many runs, 2000 by default; ends with the first that fails, or goes on to so many\n"
    "simulation --seed SEED\n"
    "    one run, with all its steps\n";

std::uint64_t seed_under_way = 0;

/// A check inside the recorder ends the process: which seed was it?
void on_abort(int) {
  char words[64];
  const int count = std::snprintf(words, sizeof words, "aborted in seed %llu\n",
                                  static_cast<unsigned long long>(seed_under_way));
  static_cast<void>(::write(STDERR_FILENO, words, static_cast<std::size_t>(count)));
  ::_exit(3);
}

std::optional<arguments> parse(int count, char** words) {
  arguments given;
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = words[i];
    std::uint64_t value = 0;
    if (i + 1 == count) {
      return std::nullopt;
    }
    const char* const end = words[i + 1] + std::strlen(words[i + 1]);
    if (std::from_chars(words[i + 1], end, value).ptr != end) {
      return std::nullopt;
    }
    if (name == "--seeds") {
      given.seeds = value;
    } else if (name == "--first") {
      given.first = value;
    } else if (name == "--step" && value > 0) {
      given.step = value;
    } else if (name == "--jobs" && value > 0) {
      given.jobs = value;
    } else if (name == "--failures" && value > 0) {
      given.failures = value;
    } else if (name == "--seed") {
      given.seed = value;
    } else {
      return std::nullopt;
    }
  }
  return given;
}

/// The run of one seed with all its steps.
bool show(std::uint64_t seed) {
  seed_under_way = seed;
  simulation one(seed, simulation::trace::on);
  const bool held = one.run();
  std::size_t number = 0;
  for (const std::string& step : one.steps()) {
    std::printf("%4zu  %s\n", ++number, step.c_str());
  }
  for (const std::string& words : one.found().all()) {
    std::printf("BROKEN: %s\n", words.c_str());
  }
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
              held ? "all promises held" : "a promise was broken");
  return held;
}

/// Every `jobs`-th seed from `first` on. The steps are shown of the last one that may fail.
bool run_share(const arguments& given, std::uint64_t job, const char* program) {
  std::uint64_t failures = 0;
  for (std::uint64_t i = job; i < given.seeds; i += given.jobs) {
    seed_under_way = given.first + i * given.step;
    simulation one(seed_under_way);
    if (one.run()) {
      continue;
    }
    const auto number = static_cast<unsigned long long>(seed_under_way);
    if (++failures == given.failures) {
      show(seed_under_way);
      std::printf("again: %s --seed %llu\n", program, number);
      break;
    }
    std::printf("seed %llu: %s\n", number, one.found().all().front().c_str());
    std::fflush(stdout);  // a search of hours is looked at before its end
  }
  return failures == 0;
}

bool run_many(const arguments& given, const char* program) {
  const auto begun = std::chrono::steady_clock::now();

  std::vector<pid_t> children;
  for (std::uint64_t job = 0; job < given.jobs; ++job) {
    const pid_t child = ::fork();
    if (child < 0) {
      std::perror("fork");
      break;
    }
    if (child == 0) {
      const bool held = run_share(given, job, program);
      std::fflush(stdout);
      ::_exit(held ? 0 : 1);
    }
    children.push_back(child);
  }
  bool held = children.size() == given.jobs;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    held &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  const auto seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("%llu seeds from %llu on, %.1f s, %.0f a second: %s\n",
              static_cast<unsigned long long>(given.seeds),
              static_cast<unsigned long long>(given.first), seconds,
              static_cast<double>(given.seeds) / seconds,
              held ? "all promises held" : "a promise was broken");
  return held;
}

}  // namespace

int main(int count, char** words) {
  const auto given = parse(count, words);
  if (!given) {
    std::fputs(usage, stderr);
    return 2;
  }
  // Files of a run come and go by the thousand: giving their memory back each time costs more than
  // all the rest.
  ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
  std::signal(SIGABRT, on_abort);
  std::signal(SIGSEGV, on_abort);
  const bool held = given->seed ? show(*given->seed) : run_many(*given, words[0]);
  return held ? EXIT_SUCCESS : EXIT_FAILURE;
}
