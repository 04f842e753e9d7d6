#include "backends/netsh/gaps.h"

namespace firewright::netsh {
namespace {

constexpr std::string_view only_on_linux =
    "mark the exception `only-on = [\"iptables\", \"nftables\"]`";

}  // namespace

GapWording wording(Gap gap) {
  switch (gap) {
    case Gap::forwarding:
      return {"Windows Firewall does not filter forwarded packets", only_on_linux};
    case Gap::log:
      return {"Windows Firewall has no log for a single rule",
              "leave `log` out, or mark the exception `only-on = [\"iptables\", \"nftables\"]`"};
    case Gap::default_log:
      return {"Windows Firewall logs all that it drops, without a prefix or a rate",
              "leave `log` out, and turn on the log of a profile by hand"};
    case Gap::count:
      return {"Windows Firewall does not count packets",
              "leave `count` out, or mark the exception `only-on = [\"iptables\", \"nftables\"]`"};
    case Gap::rate_limit:
      return {"Windows Firewall has no limit on the rate of new connections", only_on_linux};
    case Gap::connection_limit:
      return {"Windows Firewall has no limit on open connections", only_on_linux};
    case Gap::opaque_match:
      return {"it holds a match that is known to another firewall only",
              "say it in the policy's own words"};
    case Gap::interface:
      return {"Windows Firewall does not know interfaces by their names",
              "name a zone with `profiles`, or mark the exception `only-on = [\"iptables\", "
              "\"nftables\"]`"};
    case Gap::owner:
      return {"Windows Firewall does not know the owner of a socket",
              "use `program` or `windows-service`, or mark the exception `only-on = "
              "[\"iptables\", \"nftables\"]`"};
    case Gap::state:
      return {"Windows Firewall has no rules on the state of a connection", only_on_linux};
    case Gap::reject:
      return {"Windows Firewall drops without an answer", "use `deny`, or `default = \"drop\"`"};
    case Gap::jump: return {"Windows Firewall has no chains to jump to", "say it in one chain"};
    case Gap::ports: return {"Windows Firewall knows ports of tcp and udp only", only_on_linux};
    case Gap::port_zero: return {"port 0", "leave port 0 out"};
    case Gap::icmp_family:
      return {"ICMP belongs to IPv4, and ICMPv6 to IPv6", "use `protocol = \"icmp\"`"};
    case Gap::one_family:
      return {"Windows Firewall has no word for every address of one family",
              "say it for both families, or name the addresses"};
    case Gap::unspecified_address:
      return {"Windows Firewall does not take `0.0.0.0` and `::`, one of which is in this set",
              "name the addresses without it"};
    case Gap::program:
      return {
          "`program` is not `System` or a path from a drive or a %VARIABLE% on, of at most 259 "
          "printable ASCII characters without any of / * ? \" < > |",
          "write it like `C:\\Program Files\\Example\\example.exe`"};
    case Gap::windows_service:
      return {
          "`windows-service` is not the short name of a service, of at most 259 printable ASCII "
          "characters without any of / \\ | \" *",
          "write it as `sc query` shows it"};
    case Gap::behind_baseline:
      return {"a block rule would also block ICMP that the baseline lets through",
              "say which protocols are denied, for example `protocol = [\"tcp\", \"udp\"]`"};
    case Gap::restricted_loopback:
      return {"Windows Firewall never filters loopback traffic",
              "leave `loopback` of `baseline` at true"};
    case Gap::filtered_replies:
      return {"Windows Firewall lets all replies through",
              "leave `established` of `baseline` at true"};
    case Gap::unmanaged:
      return {
          "the defaults of inbound and outbound are one setting of Windows Firewall, so neither "
          "can be left to others",
          "say `default = \"accept\"` where nothing is to be filtered"};
  }
  return {};
}

}  // namespace firewright::netsh
