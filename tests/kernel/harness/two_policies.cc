#include "tests/kernel/harness/two_policies.h"

#include "tests/kernel/harness/traffic.h"

namespace firewright::kernel {
namespace {

constexpr int exceptions = 50;

std::string allow(const std::string& name, const std::string& protocol, const std::string& port,
                  const std::string& more = {}) {
  return "[[inbound.allow]]\nname = \"" + name + "\"\nprotocol = \"" + protocol +
         "\"\nport = " + port + "\n" + more + "\n";
}

}  // namespace

std::string policy_of_sources() {
  std::string text;
  for (int i = 0; i < exceptions; ++i) {
    const auto number = std::to_string(i);
    text += allow("source " + number, "tcp", std::to_string(10000 + 7 * i),
                  "from = \"10.1." + number + ".0/24\"\n");
  }
  return text + allow("echo", "tcp", std::to_string(echo_port)) +
         allow("allowed", "udp", std::to_string(allowed_port));
}

std::string policy_of_sets() {
  std::string text =
      "[inbound]\nlog = true\n"
      "deny = [{ name = \"bad networks\", from = [\"198.51.100.0/24\", \"2001:db8:bad::/48\"] "
      "}]\n\n"
      "[outbound]\ndefault = \"drop\"\nallow = [\"dns\", \"https\"]\n\n" +
      allow("allowed among others", "udp",
            "[4000, " + std::to_string(allowed_port) + ", \"6000-6100\"]") +
      "[[inbound.allow]]\nservice = \"ssh\"\nfamily = \"ipv4\"\nlimit = \"10/minute\"\n\n";
  for (int i = 0; i < exceptions; ++i) {
    const auto port = std::to_string(20000 + 16 * i);
    const auto last = std::to_string(20000 + 16 * i + 9);
    text += allow("set " + std::to_string(i), i % 2 == 0 ? "udp" : "tcp",
                  "[" + std::to_string(7000 + i) + ", \"" + port + "-" + last + "\"]",
                  i % 3 == 0 ? "from = \"2001:db8:" + std::to_string(i) + "::/48\"\n" : "");
  }
  return text;
}

}  // namespace firewright::kernel
