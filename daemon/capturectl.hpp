// SPDX-License-Identifier: MIT
//
// The subcommands of capturectl, one source file each. Each gets its own arguments, without the
// program's name and its own, speaks on standard output and error, and returns the exit status.
#pragma once

#include <string>
#include <vector>

namespace captured::capturectl {

inline constexpr int exit_well = 0;
inline constexpr int exit_trouble = 1;  ///< the command did its work and found something wrong
inline constexpr int exit_usage = 2;

/// What is in files?
int info(const std::vector<std::string>& arguments);

/// From one format into another, all of it or a part.
int convert(const std::vector<std::string>& arguments);

/// Many files into one, by time.
int merge(const std::vector<std::string>& arguments);

/// A file with its packets in the order of their times.
int sort(const std::vector<std::string>& arguments);

/// What is whole of a file that was cut or damaged.
int repair(const std::vector<std::string>& arguments);

/// Files one behind the other on standard output.
int cat(const std::vector<std::string>& arguments);

/// Are files whole, and is nothing missing between them?
int verify(const std::vector<std::string>& arguments);

/// How does the running service stand?
int status(const std::vector<std::string>& arguments);

/// The running service reads its configuration again.
int reload(const std::vector<std::string>& arguments);

/// The packets that the running service records, as they come.
int live(const std::vector<std::string>& arguments);

/// What Wireshark asks of a program in its extcap folder.
int extcap(const std::vector<std::string>& arguments);

/// A file as a stream of packets to a collector.
int send(const std::vector<std::string>& arguments);

/// Streams of packets from other machines into files.
int receive(const std::vector<std::string>& arguments);

}  // namespace captured::capturectl
