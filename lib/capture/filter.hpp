// SPDX-License-Identifier: MIT
//
// Filter text in libpcap's syntax (pcap-filter(7)) to a program for our own socket. The only place
// that knows libpcap; nothing is captured or filtered with it.
#pragma once

#include <string>

#include "base/error.hpp"
#include "capture/device.hpp"
#include "capture/filter_program.hpp"
#include "capture/options.hpp"

namespace captured::capture {

/// Both texts of the options in one: "not (LEFT_OUT) and (FILTER)". In this order, since after a
/// "vlan" all that follows looks behind a tag.
[[nodiscard]] std::string whole_filter(const interface_options& options);

/// Compiles `whole_filter(options)` for the live device, as `vlan`, `inbound` and others need it,
/// with `options.snaplen` as what it keeps and with the test of `options.which` before it. Empty
/// text takes everything. Without CAP_NET_RAW only texts are taken that do not test for VLANs, and
/// only for devices whose packets are recorded as they are; what else is asked for fails, and says
/// so. Fails with libpcap's own words, when the program is longer than the kernel takes, or tests
/// fields of a cooked header that the kernel does not know. `options.snaplen` counts the cooked
/// header.
[[nodiscard]] base::result<filter_program> compile_filter(const device& from,
                                                          const interface_options& options);

/// Compiles for no device, without rights: for checking a configuration. What passes here can
/// still fail for a device that lacks, say, a network mask.
[[nodiscard]] base::result<> check_filter(const std::string& text);

/// Who compiles: "libpcap version 1.10.3 (…)".
[[nodiscard]] std::string filter_compiler();

/// What `automatic` means on this device.
[[nodiscard]] direction effective_direction(direction which, const device& from) noexcept;

}  // namespace captured::capture
