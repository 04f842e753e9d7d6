#include "tests/kernel/harness/traffic.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

#include "tests/kernel/harness/namespace.h"

namespace firewright::kernel {
namespace {

constexpr const char* host_v4 = "192.0.2.1";
constexpr const char* host_v6 = "2001:db8::1";
constexpr const char* client_v4 = "192.0.2.2";
constexpr const char* client_v6 = "2001:db8::2";

constexpr std::size_t burst = 64;         // packets a stream may catch up with at once
constexpr std::size_t block_size = 1024;  // bytes of a TCP question
constexpr std::int64_t nanoseconds = 1'000'000'000;
constexpr std::int64_t tick = nanoseconds / 1000;
// After the last packet was sent: one that has not arrived when nothing came for so long will not.
constexpr int settling_ms = 300;

struct Datagram {
  std::uint64_t number = 0;
  std::array<char, 40> filling{};  // about the size of a small query
};

std::string failed(const std::string& what) { return what + ": " + std::strerror(errno); }

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * nanoseconds + now.tv_nsec;
}

void wait_until(std::int64_t deadline) {
  const timespec until{.tv_sec = deadline / nanoseconds, .tv_nsec = deadline % nanoseconds};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

// Connected for the client, bound for the host.
FileDescriptor udp_socket(Family family, const char* address, std::uint16_t port, bool to) {
  FileDescriptor socket(
      ::socket(family == Family::ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.open()) throw HarnessError(failed("UDP socket"));
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (family == Family::ipv4) {
    auto* in = reinterpret_cast<sockaddr_in*>(&storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    ::inet_pton(AF_INET, address, &in->sin_addr);
    size = sizeof *in;
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    ::inet_pton(AF_INET6, address, &in->sin6_addr);
    size = sizeof *in;
  }
  const auto* where = reinterpret_cast<const sockaddr*>(&storage);
  const int result = to ? ::connect(socket.get(), where, size) : ::bind(socket.get(), where, size);
  if (result != 0) throw HarnessError(failed(std::string("UDP to ") + address));
  // Room for seconds of traffic, should this process not be let run for so long.
  const int room = 64 << 20;
  for (const auto& [forced, asked] :
       {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, std::pair{SO_SNDBUFFORCE, SO_SNDBUF}})
    if (::setsockopt(socket.get(), SOL_SOCKET, forced, &room, sizeof room) != 0)
      ::setsockopt(socket.get(), SOL_SOCKET, asked, &room, sizeof room);
  return socket;
}

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The queues of the processors between a cable's two ends.
std::uint64_t queue_drops() {
  std::uint64_t sum = 0;
  std::istringstream lines(file_text("/proc/net/softnet_stat"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string processed;
    std::string dropped;
    words >> processed >> dropped;
    if (!dropped.empty()) sum += std::stoull(dropped, nullptr, 16);
  }
  return sum;
}

// The buffers of this host's UDP sockets.
std::uint64_t buffer_drops() {
  std::uint64_t sum = 0;
  std::istringstream v6(file_text("/proc/thread-self/net/snmp6"));
  for (std::string name, value; v6 >> name >> value;)
    if (name == "Udp6RcvbufErrors") sum += std::stoull(value);
  std::istringstream v4(file_text("/proc/thread-self/net/snmp"));
  std::string heading;
  for (std::string line; std::getline(v4, line); heading = line) {
    if (!line.starts_with("Udp:") || !heading.starts_with("Udp:")) continue;
    std::istringstream names(heading);
    std::istringstream values(line);
    for (std::string name, value; names >> name && values >> value;)
      if (name == "RcvbufErrors") sum += std::stoull(value);
  }
  return sum;
}

// The word at every place of the block under way, so that a byte from elsewhere is seen.
std::string block(std::uint64_t number) {
  std::string bytes(block_size, '\0');
  for (std::size_t at = 0; at < block_size; at += sizeof number) {
    const std::uint64_t word = number * block_size + at;
    std::memcpy(bytes.data() + at, &word, sizeof word);
  }
  return bytes;
}

std::uint64_t retransmissions(const FileDescriptor& socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_total_retrans;
}

std::string hardware_address(const std::string& interface) {
  const auto text = must_run({"ip", "-o", "link", "show", "dev", interface});
  const std::string_view before = "link/ether ";
  const auto at = text.find(before);
  if (at == std::string::npos) throw HarnessError("no hardware address: " + text);
  return text.substr(at + before.size(), 17);
}

}  // namespace

void join_host_and_client(Network& network) {
  for (const char* name : {"host", "client"}) network.add_host(name);
  network.join("host", "eth0", "client", "eth0");
  std::array<std::string, 2> hardware;
  const std::array<std::array<const char*, 3>, 2> sides{
      {{"host", host_v4, host_v6}, {"client", client_v4, client_v6}}};
  for (std::size_t i = 0; i < 2; ++i) {
    network.enter(sides[i][0]);
    must_run({"ip", "addr", "add", std::string(sides[i][1]) + "/24", "dev", "eth0"});
    must_run({"ip", "addr", "add", std::string(sides[i][2]) + "/64", "dev", "eth0", "nodad"});
    hardware[i] = hardware_address("eth0");
  }
  for (std::size_t i = 0; i < 2; ++i) {
    network.enter(sides[i][0]);
    for (std::size_t family = 1; family < 3; ++family)
      must_run({"ip", "neigh", "replace", sides[1 - i][family], "lladdr", hardware[1 - i], "nud",
                "permanent", "dev", "eth0"});
  }
  network.enter("host");
}

std::uint64_t TrafficCount::sent() const {
  std::uint64_t sum = 0;
  for (const auto& kind : {allowed, denied})
    for (const auto& stream : kind) sum += stream.sent;
  return sum;
}

std::uint64_t TrafficCount::lost() const {
  std::uint64_t sum = 0;
  for (const auto& stream : allowed) sum += stream.sent - stream.received;
  return sum;
}

std::uint64_t TrafficCount::let_in() const { return denied[0].received + denied[1].received; }

double TrafficCount::slowest_rate() const {
  double slowest = seconds > 0 ? 1e9 : 0;
  for (const auto& kind : {allowed, denied})
    for (const auto& stream : kind)
      slowest = std::min(slowest, static_cast<double>(stream.sent) / seconds);
  return slowest;
}

Traffic::Traffic(const Network& network, unsigned packets_a_second)
    : network_(network), rate_(packets_a_second) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const std::size_t which = family == Family::ipv4 ? 0 : 1;
    const char* host = which == 0 ? host_v4 : host_v6;
    network_.enter("host");
    const FileDescriptor listener = listen_on(family, echo_port);
    for (std::size_t i = 0; i < 2; ++i)
      streams_[which * 2 + i].to =
          udp_socket(family, host, i == 0 ? allowed_port : denied_port, false);
    network_.enter("client");
    for (std::size_t i = 0; i < 2; ++i)
      streams_[which * 2 + i].from =
          udp_socket(family, host, i == 0 ? allowed_port : denied_port, true);
    auto& connection = connections_[which];
    connection.caller = start_connect(host, echo_port);
    if (!wait_connected(connection.caller, deadline))
      throw HarnessError("no TCP connection before the first reload");
    auto accepted = wait_accepted(listener, deadline);
    if (!accepted) throw HarnessError("a TCP connection that nobody could accept");
    connection.callee = std::move(*accepted);
  }
  network_.enter("host");
  drops_before_ = machine_drops();
  sender_ = std::thread([this] { send(); });
  receiver_ = std::thread([this] { receive(); });
  talker_ = std::thread([this] { talk(); });
}

Traffic::~Traffic() {
  stop_sending_ = true;
  for (auto* thread : {&sender_, &receiver_, &talker_})
    if (thread->joinable()) thread->join();
}

std::uint64_t Traffic::machine_drops() const { return queue_drops() + buffer_drops(); }

void Traffic::let_pass(std::uint64_t packets) const {
  const auto wanted = passed_.load() + packets;
  while (passed_.load() < wanted && !stop_sending_) wait_until(now_ns() + tick);
}

// A few packets at each tick, counted from the start: who comes late catches up.
void Traffic::send() {
  const auto start = now_ns();
  for (auto next = start + tick; !stop_sending_; next = std::max(next + tick, now_ns())) {
    wait_until(next);
    const auto due = static_cast<std::uint64_t>(now_ns() - start) * rate_ / nanoseconds;
    std::uint64_t fewest = due;
    for (auto& stream : streams_) {
      send_burst(stream, due);
      fewest = std::min(fewest, stream.sent);
    }
    passed_ = fewest;
  }
  seconds_ = static_cast<double>(now_ns() - start) / static_cast<double>(nanoseconds);
  all_sent_ = true;
}

void Traffic::send_burst(Stream& stream, std::uint64_t due) {
  const auto count = std::min<std::uint64_t>(burst, due - std::min(due, stream.sent));
  std::array<Datagram, burst> datagrams;
  std::array<iovec, burst> parts;
  std::array<mmsghdr, burst> messages{};
  for (std::size_t i = 0; i < count; ++i) {
    datagrams[i].number = stream.sent + i;
    parts[i] = {.iov_base = &datagrams[i], .iov_len = sizeof(Datagram)};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  if (count == 0) return;
  const int sent = ::sendmmsg(stream.from.get(), messages.data(), static_cast<unsigned>(count), 0);
  // A rejection of an earlier packet is told here, and is none of this one's business.
  if (sent > 0) stream.sent += static_cast<std::uint64_t>(sent);
}

void Traffic::receive() {
  std::array<pollfd, 4> waiting{};
  for (std::size_t i = 0; i < streams_.size(); ++i)
    waiting[i] = {.fd = streams_[i].to.get(), .events = POLLIN, .revents = 0};
  for (;;) {
    const bool last = all_sent_;
    const int ready = ::poll(waiting.data(), waiting.size(), settling_ms);
    if (ready == 0 && last) return;
    for (std::size_t i = 0; i < streams_.size(); ++i)
      if (waiting[i].revents != 0) receive_from(streams_[i]);
  }
}

void Traffic::receive_from(Stream& stream) {
  std::array<Datagram, burst> datagrams;
  std::array<iovec, burst> parts;
  std::array<mmsghdr, burst> messages{};
  for (std::size_t i = 0; i < burst; ++i) {
    parts[i] = {.iov_base = &datagrams[i], .iov_len = sizeof(Datagram)};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int got = ::recvmmsg(stream.to.get(), messages.data(), burst, MSG_DONTWAIT, nullptr);
  for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got); ++i) {
    if (messages[i].msg_len != sizeof(Datagram)) continue;
    const auto number = datagrams[i].number;
    if (number >= stream.seen.size()) stream.seen.resize((number + 1) * 2);
    if (!stream.seen[number]) ++stream.received;
    stream.seen[number] = true;
  }
}

// Questions a millisecond apart, each sent when the last one was answered.
void Traffic::talk() {
  const auto start = now_ns();
  for (auto& connection : connections_) connection.last_ns = connection.next_ns = start;
  std::int64_t give_up = 0;
  for (;;) {
    std::array<pollfd, 4> waiting{};
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      waiting[2 * i] = {.fd = connections_[i].caller.get(), .events = POLLIN, .revents = 0};
      waiting[2 * i + 1] = {.fd = connections_[i].callee.get(), .events = POLLIN, .revents = 0};
    }
    const timespec patience{.tv_sec = 0, .tv_nsec = tick};
    ::ppoll(waiting.data(), waiting.size(), &patience, nullptr);
    const auto now = now_ns();
    const bool may_start = !stop_sending_;
    if (!may_start && give_up == 0) give_up = now + 10 * nanoseconds;
    bool under_way = false;
    for (auto& connection : connections_) {
      answer(connection);
      converse(connection, now, may_start);
      if (connection.next_ns == 0 && connection.count.broken.empty()) {
        under_way = true;
        if (!may_start && now > give_up) connection.count.broken = "no answer any more";
      }
    }
    if (!may_start && !under_way) break;
  }
  for (auto& connection : connections_)
    connection.count.resent =
        retransmissions(connection.caller) + retransmissions(connection.callee);
}

void Traffic::answer(Connection& connection) {
  std::array<char, 4 * block_size> buffer{};
  const ssize_t got = ::recv(connection.callee.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0) connection.to_answer.append(buffer.data(), static_cast<std::size_t>(got));
  if (connection.to_answer.empty()) return;
  const ssize_t sent = ::send(connection.callee.get(), connection.to_answer.data(),
                              connection.to_answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) connection.to_answer.erase(0, static_cast<std::size_t>(sent));
}

// `next_ns` is 0 while an answer is awaited.
void Traffic::converse(Connection& connection, std::int64_t now, bool may_start) {
  if (!connection.count.broken.empty()) return;
  const auto expected = block(connection.number);
  if (connection.next_ns != 0) {
    if (!may_start || now < connection.next_ns) return;
    const ssize_t sent = ::send(connection.caller.get(), expected.data(), expected.size(),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(expected.size())) {
      connection.count.broken = failed("cannot send");
      return;
    }
    connection.next_ns = 0;
    return;
  }
  std::array<char, block_size> buffer{};
  const std::size_t missing = block_size - connection.answered;
  const ssize_t got = ::recv(connection.caller.get(), buffer.data(), missing, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    connection.count.broken = got == 0 ? "closed" : failed("cannot receive");
    return;
  }
  const auto size = static_cast<std::size_t>(got);
  if (expected.compare(connection.answered, size, buffer.data(), size) != 0) {
    connection.count.broken = "the answer is not what was sent";
    return;
  }
  connection.answered += size;
  if (connection.answered < block_size) return;
  connection.count.bytes += 2 * block_size;
  connection.count.longest_pause_ms = std::max(connection.count.longest_pause_ms,
                                               static_cast<double>(now - connection.last_ns) / 1e6);
  connection.last_ns = now;
  connection.next_ns = now + tick;
  connection.answered = 0;
  ++connection.number;
}

TrafficCount Traffic::finish() {
  stop_sending_ = true;
  for (auto* thread : {&sender_, &receiver_, &talker_})
    if (thread->joinable()) thread->join();
  network_.enter("host");
  TrafficCount count;
  for (std::size_t family = 0; family < 2; ++family) {
    const auto& allowed = streams_[family * 2];
    const auto& denied = streams_[family * 2 + 1];
    count.allowed[family] = {.sent = allowed.sent, .received = allowed.received};
    count.denied[family] = {.sent = denied.sent, .received = denied.received};
    count.tcp[family] = connections_[family].count;
  }
  count.seconds = seconds_;
  count.machine_dropped = machine_drops() - drops_before_;
  return count;
}

}  // namespace firewright::kernel
