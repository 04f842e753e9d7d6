// The names that authors have for sets: groups, zones and services of policies, and the catalogue.
//
// A name that two policies use for different things is no help to a reader and is left out.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/base/target.h"
#include "compiler/ir/program.h"
#include "compiler/policy/policy.h"

namespace firewright::analysis {

class Vocabulary {
 public:
  struct Group {
    std::string name;
    AddressSet set;
    double size = 0;  // its share of both families' addresses
  };
  struct Zone {
    std::string name;
    std::vector<ir::InterfacePattern> interfaces;  // canonical, as an InterfaceSet has them
    ir::ProfileSet profiles;
  };
  // A service that is the same ports of some protocols.
  struct PortService {
    std::string name;
    ProtocolSet protocols;
    PortSet ports;
    bool own = false;  // a policy's, not the catalogue's
  };
  // A service that is ICMP types of one name in both families.
  struct IcmpService {
    std::string name;
    IcmpSet v4, v6;
  };

  // Without a policy there are no names at all, not even the catalogue's. Of the catalogue come the
  // services that the policies use, those of the well-known ports, and of the others those that are
  // risky and alone on their ports.
  void add(const policy::Policy& policy, Target target);

  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }  // the largest first
  [[nodiscard]] const std::vector<Zone>& zones() const { return zones_; }
  // The policies' own first, then the catalogue's.
  [[nodiscard]] const std::vector<PortService>& services() const { return services_; }
  [[nodiscard]] const std::vector<IcmpService>& icmp_services() const { return icmp_services_; }

 private:
  void add_catalogue(const policy::Policy& policy);
  void add_service(const policy::Service& service, bool own);

  std::vector<Group> groups_;
  std::vector<Zone> zones_;
  std::vector<PortService> services_;
  std::vector<IcmpService> icmp_services_;
  std::map<std::string, std::vector<policy::Transport>> own_services_;
  std::set<std::string> ambiguous_groups_, ambiguous_zones_;
  std::set<std::string> catalogued_;
};

}  // namespace firewright::analysis
