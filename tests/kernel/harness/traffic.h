// Steady traffic from a client to a host, while something happens to the host's firewall.
//
// Numbered UDP packets to an allowed and to a denied port, by IPv4 and by IPv6, and two TCP
// connections that were there before and must go on. What arrives is counted packet by packet, and
// what the machine itself dropped (a full queue, a full buffer) is counted apart, so that a loss is
// the firewall's and nobody else's.
//
// Only for use inside in_namespace(). Knows nothing of policies; the ports are all it asks for.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/kernel/harness/file_descriptor.h"
#include "tests/kernel/harness/network.h"

namespace firewright::kernel {

inline constexpr std::uint16_t allowed_port = 5001;  // UDP
inline constexpr std::uint16_t denied_port = 5002;   // UDP
inline constexpr std::uint16_t echo_port = 5003;     // TCP; need be open when Traffic is made only

// Two hosts, "host" and "client", and a cable; neighbours are known, so that none need be found.
void join_host_and_client(Network& network);

struct StreamCount {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;  // each number once
};

struct TcpCount {
  std::uint64_t bytes = 0;      // there and back, each found to be what was sent
  std::uint64_t resent = 0;     // segments that a side had to send again
  double longest_pause_ms = 0;  // between two answers
  std::string broken;           // why a connection did not go on; empty: it did
};

struct TrafficCount {
  std::array<StreamCount, 2> allowed;  // IPv4, IPv6
  std::array<StreamCount, 2> denied;
  std::array<TcpCount, 2> tcp;
  double seconds = 0;
  std::uint64_t machine_dropped = 0;  // packets lost to queues and buffers

  [[nodiscard]] std::uint64_t sent() const;
  [[nodiscard]] std::uint64_t lost() const;    // allowed, and did not arrive
  [[nodiscard]] std::uint64_t let_in() const;  // denied, and did arrive
  [[nodiscard]] double slowest_rate() const;   // packets a second of the slowest stream
};

class Traffic {
 public:
  // The caller is on "host", which accepts the allowed and the echo port. Connects TCP and starts;
  // throws HarnessError when there is no connection.
  explicit Traffic(const Network& network, unsigned packets_a_second = 5500);
  ~Traffic();
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;
  Traffic(Traffic&&) = delete;
  Traffic& operator=(Traffic&&) = delete;

  // Waits until each stream has sent so many more.
  void let_pass(std::uint64_t packets) const;
  // Stops sending, waits for what is under way, and counts.
  [[nodiscard]] TrafficCount finish();

 private:
  struct Stream {
    FileDescriptor from;
    FileDescriptor to;
    std::uint64_t sent = 0;
    std::vector<bool> seen;
    std::uint64_t received = 0;
  };
  struct Connection {
    FileDescriptor caller;
    FileDescriptor callee;
    std::uint64_t number = 0;  // of the block under way
    std::size_t answered = 0;  // bytes of it that came back
    std::string to_answer;     // bytes that the callee has yet to send
    std::int64_t next_ns = 0;
    std::int64_t last_ns = 0;
    TcpCount count;
  };

  void send();
  void send_burst(Stream& stream, std::uint64_t due);
  void receive();
  void receive_from(Stream& stream);
  void talk();
  void answer(Connection& connection);
  void converse(Connection& connection, std::int64_t now, bool may_start);
  [[nodiscard]] std::uint64_t machine_drops() const;

  const Network& network_;
  const unsigned rate_;
  std::array<Stream, 4> streams_;  // allowed and denied of IPv4, then of IPv6
  std::array<Connection, 2> connections_;
  std::atomic<std::uint64_t> passed_{0};  // by each stream
  std::atomic<bool> stop_sending_{false};
  std::atomic<bool> all_sent_{false};
  std::uint64_t drops_before_ = 0;
  double seconds_ = 0;
  std::thread sender_;
  std::thread receiver_;
  std::thread talker_;
};

}  // namespace firewright::kernel
