// SPDX-License-Identifier: MIT
#include "support/tun_device.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include "base/bytes.hpp"
#include "support/catch.hpp"
#include "support/frame_builder.hpp"
#include "support/veth_pair.hpp"

namespace captured::test {

std::optional<tun_device> tun_device::make(const std::string& name,
                                           std::optional<std::uint16_t> hardware_type) {
  base::unique_fd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  ifreq request{};
  std::copy(name.begin(), name.end(), request.ifr_name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (!fd || ::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    std::cout << "SKIPPED: no tun device: " << std::strerror(errno) << '\n';
    return std::nullopt;
  }
  if (hardware_type) {
    REQUIRE(::ioctl(fd.get(), TUNSETLINK, static_cast<unsigned long>(*hardware_type)) == 0);
  }
  run("echo 1 2>&- >/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6 || true");
  run("ip link set " + name + " up");
  return tun_device(std::move(fd));
}

void tun_device::inject(std::span<const std::byte> packet) const {
  if (::write(fd_.get(), packet.data(), packet.size()) != static_cast<ssize_t>(packet.size())) {
    FAIL("inject " << packet.size() << " octets: " << std::strerror(errno));
  }
}

std::vector<std::byte> udp_packet(std::uint16_t source_port, std::size_t bytes,
                                  std::uint32_t number) {
  std::vector<std::uint8_t> made(bytes);
  const std::array<std::uint8_t, 20> ip{0x45, 0, 0,   0, 0, 0, 0x40, 0, 64, 17,
                                        0,    0, 192, 0, 2, 1, 192,  0, 2,  2};
  std::copy(ip.begin(), ip.end(), made.begin());
  traffic::put_16(made.data() + 2, bytes);
  traffic::put_16(made.data() + 10, traffic::internet_checksum(std::span(made).first(20)));
  traffic::put_16(made.data() + 20, source_port);
  traffic::put_16(made.data() + 22, 4000);
  traffic::put_16(made.data() + 24, bytes - 20);
  traffic::put_32(made.data() + bytes - 4, number);
  std::vector<std::byte> packet(bytes);
  std::memcpy(packet.data(), made.data(), bytes);
  return packet;
}

}  // namespace captured::test
