#include "tests/bench/packets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <vector>

#include "tests/bench/measure.h"

namespace firewright::bench {
namespace {

constexpr std::array<std::uint8_t, 6> our_mac = {2, 0, 0, 0, 0, 1};
constexpr const char* interface = "bench0";
constexpr const char* our_address = "192.0.2.1";
constexpr std::uint16_t source_port = 16384;

// Places in the frame.
constexpr int at_ip = 14;
constexpr int at_identification = at_ip + 4;
constexpr int at_source = at_ip + 12;
constexpr int at_transport = at_ip + 20;
constexpr int at_port = at_transport + 2;
constexpr int at_sequence = at_transport + 6;  // the lower half of it
constexpr int tcp_frame = at_transport + 20;
constexpr int udp_frame = at_transport + 8 + 18;  // no shorter than Ethernet allows

using Frame = std::vector<std::uint8_t>;

std::uint32_t folded(std::uint32_t sum) {
  while ((sum >> 16U) != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return sum;
}

std::uint32_t sum_of(const Frame& frame, int from, int to) {
  std::uint32_t sum = 0;
  for (auto i = static_cast<std::size_t>(from); i < static_cast<std::size_t>(to); i += 2)
    sum += static_cast<std::uint32_t>(frame[i] << 8U) + frame[i + 1];
  return folded(sum);
}

void put(Frame& frame, int at, std::uint32_t value) {
  frame[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value >> 8U);
  frame[static_cast<std::size_t>(at) + 1] = static_cast<std::uint8_t>(value);
}

// Both checksums are right as long as what the program writes sums up to nothing.
Frame frame_of(const Traffic& traffic) {
  const int size = traffic.udp ? udp_frame : tcp_frame;
  Frame frame(static_cast<std::size_t>(size), 0);
  std::memcpy(frame.data(), our_mac.data(), our_mac.size());
  frame[6] = 2;
  frame[11] = 2;
  put(frame, 12, 0x0800);
  put(frame, at_ip, 0x4500);
  put(frame, at_ip + 2, static_cast<std::uint32_t>(size - at_ip));
  put(frame, at_ip + 8, 0x4000U | (traffic.udp ? IPPROTO_UDP : IPPROTO_TCP));
  const in_addr_t ours = ::inet_addr(our_address);
  std::memcpy(frame.data() + at_ip + 16, &ours, sizeof ours);
  put(frame, at_ip + 10, ~sum_of(frame, at_ip, at_transport));
  put(frame, at_transport, source_port);
  if (traffic.udp) {
    put(frame, at_transport + 4, static_cast<std::uint32_t>(size - at_transport));
    return frame;  // a checksum of 0 is none
  }
  put(frame, at_transport + 12, 0x5002);  // five words; SYN
  put(frame, at_transport + 14, 0xffff);
  const std::uint32_t pseudo = sum_of(frame, at_ip + 16, at_transport) + IPPROTO_TCP + 20;
  put(frame, at_transport + 16, ~folded(pseudo + sum_of(frame, at_transport, size)));
  return frame;
}

// The program, instruction by instruction.
class Program {
 public:
  void alu(int operation, int to, std::int32_t value) {
    add(BPF_ALU64 | operation | BPF_K, to, 0, 0, value);
  }
  void alu32(int operation, int to, std::uint32_t value) {
    add(BPF_ALU | operation | BPF_K, to, 0, 0, static_cast<std::int32_t>(value));
  }
  void with(int operation, int to, int from) { add(BPF_ALU64 | operation | BPF_X, to, from, 0, 0); }
  void move(int to, int from) { with(BPF_MOV, to, from); }
  void call(int function) { add(BPF_JMP | BPF_CALL, 0, 0, 0, function); }
  void load(int to, int from, int offset) { add(BPF_LDX | BPF_MEM | BPF_W, to, from, offset, 0); }
  void store(int size, int to, int offset, int from) {
    add(BPF_STX | BPF_MEM | size, to, from, offset, 0);
  }
  void to_network(int reg, int bits) { add(BPF_ALU | BPF_END | BPF_TO_BE, reg, 0, 0, bits); }
  void fold(int reg, int scratch) {
    for (int i = 0; i < 2; ++i) {
      move(scratch, reg);
      alu(BPF_RSH, scratch, 16);
      alu(BPF_AND, reg, 0xffff);
      with(BPF_ADD, reg, scratch);
    }
  }
  std::size_t jump_if_greater(int left, int right) {
    add(BPF_JMP | BPF_JGT | BPF_X, left, right, 0, 0);
    return code_.size() - 1;
  }
  void land(std::size_t jump) { code_[jump].off = static_cast<__s16>(code_.size() - jump - 1); }
  void end(int result) {
    alu(BPF_MOV, 0, result);
    add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }
  [[nodiscard]] int load_into_kernel() const {
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_XDP;
    attributes.insns = reinterpret_cast<std::uintptr_t>(code_.data());
    attributes.insn_cnt = static_cast<__u32>(code_.size());
    attributes.license = reinterpret_cast<std::uintptr_t>("GPL");
    return static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
  }

 private:
  void add(int code, int to, int from, int offset, std::int32_t value) {
    bpf_insn instruction{};
    instruction.code = static_cast<__u8>(code);
    instruction.dst_reg = static_cast<__u8>(to & 15);
    instruction.src_reg = static_cast<__u8>(from & 15);
    instruction.off = static_cast<__s16>(offset);
    instruction.imm = value;
    code_.push_back(instruction);
  }

  std::vector<bpf_insn> code_;
};

// Writes source and port, and takes back in the identification (and in the sequence number of
// TCP) what that adds to the checksums.
Program program_of(const Traffic& traffic) {
  Program p;
  p.move(6, 1);
  p.call(BPF_FUNC_get_prandom_u32);
  p.move(7, 0);
  p.alu32(BPF_MOD, 7, traffic.sources);
  p.alu32(BPF_ADD, 7, traffic.first);
  p.load(2, 6, 0);
  p.load(3, 6, 4);
  p.move(4, 2);
  p.alu(BPF_ADD, 4, tcp_frame);
  const auto too_short = p.jump_if_greater(4, 3);

  p.move(8, 7);
  p.alu32(BPF_ADD, 8, traffic.first_source);
  p.to_network(8, 32);
  p.store(BPF_W, 2, at_source, 8);
  p.move(9, 7);
  p.alu32(BPF_MUL, 9, traffic.port_step);
  p.alu32(BPF_MOD, 9, traffic.port_count);
  p.alu32(BPF_ADD, 9, traffic.first_port);
  p.to_network(9, 16);
  p.store(BPF_H, 2, at_port, 9);

  p.move(4, 8);
  p.alu(BPF_AND, 4, 0xffff);
  p.alu(BPF_RSH, 8, 16);
  p.with(BPF_ADD, 8, 4);
  p.fold(8, 5);
  p.move(4, 8);
  p.alu(BPF_XOR, 4, 0xffff);
  p.store(BPF_H, 2, at_identification, 4);
  if (!traffic.udp) {
    p.with(BPF_ADD, 8, 9);
    p.fold(8, 5);
    p.alu(BPF_XOR, 8, 0xffff);
    p.store(BPF_H, 2, at_sequence, 8);
  }
  p.land(too_short);
  p.end(XDP_PASS);
  return p;
}

double thread_nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Its address and hardware address, and routes to everywhere. The index, or 0.
int set_up(int device) {
  ifreq request{};
  std::strcpy(request.ifr_name, interface);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(device, TUNSETIFF, &request) != 0) return 0;
  request = {};
  std::strcpy(request.ifr_name, interface);
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::memcpy(request.ifr_hwaddr.sa_data, our_mac.data(), our_mac.size());
  if (::ioctl(device, SIOCSIFHWADDR, &request) != 0) return 0;
  // Packets come from everywhere, whichever way would lead back.
  for (const std::string name : {"all", interface})
    std::ofstream("/proc/sys/net/ipv4/conf/" + name + "/rp_filter") << 0;
  std::ofstream("/proc/sys/net/ipv6/conf/" + std::string(interface) + "/disable_ipv6") << 1;
  for (const std::vector<std::string>& command : {
           std::vector<std::string>{"ip", "link", "set", interface, "up"},
           {"ip", "address", "add", std::string(our_address) + "/24", "dev", interface},
           {"ip", "neighbour", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:02", "dev", interface},
           {"ip", "route", "add", "default", "via", "192.0.2.2"},
       })
    if (!failure({.words = command}).empty()) return 0;
  return static_cast<int>(::if_nametoindex(interface));
}

}  // namespace

std::unique_ptr<PacketBed> PacketBed::make(std::string& why) {
  std::unique_ptr<PacketBed> bed(new PacketBed);
  if (!fresh_network()) {
    why = "no network namespace of its own";
    return nullptr;
  }
  bed->network_ = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  bed->device_ = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (bed->device_ >= 0) bed->index_ = set_up(bed->device_);
  if (bed->index_ == 0) {
    why = std::string("no tap device: ") + std::strerror(errno);
    return nullptr;
  }
  if (bed->cost({}, 64) < 0) {
    why = std::string("the kernel takes no made-up packets: ") + std::strerror(errno);
    return nullptr;
  }
  return bed;
}

PacketBed::~PacketBed() {
  if (device_ >= 0) ::close(device_);
  if (network_ >= 0) ::close(network_);
}

bool PacketBed::enter() const { return ::setns(network_, CLONE_NEWNET) == 0; }

double PacketBed::cost(const Traffic& traffic, unsigned packets) const {
  const int program = program_of(traffic).load_into_kernel();
  if (program < 0) return -1;
  const auto frame = frame_of(traffic);
  xdp_md context{};
  context.data_end = static_cast<__u32>(frame.size());
  context.ingress_ifindex = static_cast<__u32>(index_);
  bpf_attr attributes{};
  attributes.test.prog_fd = static_cast<__u32>(program);
  attributes.test.data_in = reinterpret_cast<std::uintptr_t>(frame.data());
  attributes.test.data_size_in = static_cast<__u32>(frame.size());
  attributes.test.ctx_in = reinterpret_cast<std::uintptr_t>(&context);
  attributes.test.ctx_size_in = sizeof context;
  attributes.test.repeat = packets;
  attributes.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
  attributes.test.batch_size = 64;
  const double before = thread_nanoseconds();
  const auto result = ::syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof attributes);
  const double taken = thread_nanoseconds() - before;
  const int error = errno;
  ::close(program);
  errno = error;
  return result == 0 ? taken / packets : -1;
}

bool PacketBed::open_flows(const Traffic& traffic) const {
  const int file = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (file < 0) return false;
  sockaddr_in ours{};
  ours.sin_family = AF_INET;
  ours.sin_port = htons(traffic.first_port);
  ours.sin_addr.s_addr = ::inet_addr(our_address);
  bool good = ::bind(file, reinterpret_cast<const sockaddr*>(&ours), sizeof ours) == 0;
  for (std::uint32_t i = 0; i < traffic.sources && good; ++i) {
    sockaddr_in theirs{};
    theirs.sin_family = AF_INET;
    theirs.sin_port = htons(source_port);
    theirs.sin_addr.s_addr = htonl(traffic.first_source + traffic.first + i);
    good =
        ::sendto(file, "x", 1, 0, reinterpret_cast<const sockaddr*>(&theirs), sizeof theirs) == 1 ||
        errno == ENOBUFS;  // nobody reads the device
  }
  ::close(file);
  return good;
}

}  // namespace firewright::bench
