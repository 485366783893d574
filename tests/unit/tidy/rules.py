# SPDX-License-Identifier: MIT
"""The house rules that a text alone can break, as data: who may include what, and what a file may
look like. Which module may include which other is not written here: lib/CMakeLists.txt says it.
"""

import re

LINES_MAX = 400
COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70

# Headers of the libraries that a module's line in the dependency table names.
HEADERS_OF_LIBRARY = {
    "asio": r"boost/(asio|beast)\b",
    "Boost::json": r"boost/json",
    "ZLIB::ZLIB": r"zlib\.h",
    "PkgConfig::zstd": r"zstd",
    "PkgConfig::lz4": r"lz4",
    "PkgConfig::pcap": r"pcap(\.h|/)",
    "PkgConfig::uring": r"liburing",
    "PkgConfig::grpc": r"(grpc|grpcpp|google/protobuf)/",
    "spdlog::spdlog": r"(spdlog|fmt)/",
    "yaml-cpp": r"yaml-cpp/",
}

# In lib and daemon: these headers only in files whose path begins like this.
PLACES = [
    (
        "Asio",
        r"boost/(asio|beast)\b",
        ("lib/asio.cpp", "lib/pipeline/", "daemon/", "lib/storage/file_writer"),
    ),
    ("spdlog", r"(spdlog|fmt)/", ("lib/pipeline/", "daemon/")),
    ("the service manager", r"systemd/", ("daemon/service_notify", "daemon/journal.")),
    # The daemon's command line, and the options of each of capturectl's commands beside it.
    (
        "Program_options",
        r"boost/program_options",
        ("daemon/command_line.cpp", "daemon/capturectl_"),
    ),
]

# In lib and daemon: these headers in so many .cpp files and in no header.
FEW_SOURCES = [
    ("yaml-cpp", r"yaml-cpp/", 1),
    ("libpcap", r"pcap(\.h|/)", 1),
]

# The part that is fuzzed, simulated and tested exhaustively: no Asio, file, clock or log, neither
# in these files nor in what they include.
PURE = (
    "lib/base/",
    "lib/packet/",
    "lib/format/",
    "lib/pipeline/flow",
    "lib/storage/rotation",
    "lib/storage/retention",
)
# RAII owners of what the system gave, and the last words of a failed check.
PURE_EXCEPTIONS = ("lib/base/unique_fd.", "lib/base/mapping.", "lib/base/check.")
IMPURE_HEADERS = [
    ("Asio", r"boost/(asio|beast|process)\b"),
    ("a log", r"(spdlog|fmt)/|iostream$|print$|syslog\.h|sys/syslog\.h|systemd/"),
    ("files", r"fstream$|filesystem$|cstdio$|stdio\.h|unistd\.h|fcntl\.h|dirent\.h|liburing"),
    ("files", r"sys/(stat|statvfs|mman|uio|file|ioctl|sendfile)\.h"),
    ("sockets", r"sys/(socket|epoll|eventfd|signalfd)\.h|netdb\.h"),
    ("a clock", r"sys/(time|timerfd)\.h"),
    ("threads", r"(thread|mutex|shared_mutex|condition_variable|future)$|pthread\.h"),
]
IMPURE_WORDS = [
    ("reads a clock", r"\b\w*_clock::now\b|\bclock_gettime\b|\bgettimeofday\b|\btime\(nullptr\)"),
]

# Nowhere: GCC 12 and clang 14 must both read the code.
UNREADABLE_HEADERS = r"(format|source_location|expected|print|generator|stacktrace)$"
UNREADABLE_WORDS = r"\bstd::(ranges::)?views::|\bstd::source_location\b"

# Spelled so that this line does not match itself.
OPEN_ENDS = r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b"

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
