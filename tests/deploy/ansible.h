// The collection as a user has it: built and installed by ansible-galaxy, run by ansible-playbook.
#pragma once

#include <string>
#include <vector>

#include "tests/deploy/own_system.h"

namespace firewright::deploy {

class Ansible {
 public:
  // Throws HarnessError when the collection cannot be built.
  explicit Ansible(const Folder& folder);

  // Plays the text on the hosts of the folder's inventory.yml; `options` are for ansible-playbook.
  [[nodiscard]] kernel::CommandResult play(const std::string& playbook,
                                           const std::vector<std::string>& options = {}) const;
  // More in its environment.
  void set(const std::string& name, const std::string& value);
  [[nodiscard]] std::string collections() const { return folder_.path("collections"); }

 private:
  const Folder& folder_;
  std::vector<std::string> environment_;
};

// What the recap says of the one host: "changed=1", "failed=0".
[[nodiscard]] bool recap(const kernel::CommandResult& result, const std::string& what);

}  // namespace firewright::deploy
