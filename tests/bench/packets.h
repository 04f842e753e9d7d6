// Packets that the kernel takes for received ones, and what each costs it.
//
// They are made up inside the kernel, by a program of a few instructions that writes a source and
// a port into each frame, and go from there the way of packets that a card received: no system
// call, no sender and no scheduler is in the figure. What is counted is the processor time of the
// thread that does it, so a busy machine makes it noisy, but not wrong.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace firewright::bench {

// Each packet takes a number at random, one of `sources` from `first` on. The nth comes from
// address `first_source` + n, and goes to port `first_port` + n * `port_step` % `port_count` of the
// host.
struct Traffic {
  std::uint32_t first_source = 0;
  std::uint32_t first = 0;
  std::uint32_t sources = 1;
  std::uint16_t first_port = 1;
  std::uint32_t port_step = 0;
  std::uint32_t port_count = 1;
  bool udp = false;
};

// A network namespace of its own with one interface, by which such packets come in. Several can
// be kept, and entered in turn.
class PacketBed {
 public:
  // Null: not possible here; `why` says it.
  [[nodiscard]] static std::unique_ptr<PacketBed> make(std::string& why);
  PacketBed(const PacketBed&) = delete;
  PacketBed& operator=(const PacketBed&) = delete;
  ~PacketBed();

  // For this thread, and what it starts from then on.
  [[nodiscard]] bool enter() const;
  // Nanoseconds a packet, over this many; less than 0 when the kernel refuses.
  [[nodiscard]] double cost(const Traffic& traffic, unsigned packets) const;
  // Opens connections to the sources, so that what comes to `first_port` is an answer. The kernel
  // forgets them after half a minute without one.
  [[nodiscard]] bool open_flows(const Traffic& traffic) const;

 private:
  PacketBed() = default;

  int network_ = -1;
  int device_ = -1;
  int index_ = 0;
};

}  // namespace firewright::bench
