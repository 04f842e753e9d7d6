#include "tests/deploy/ansible.h"

#include <filesystem>

namespace firewright::deploy {

Ansible::Ansible(const Folder& folder) : folder_(folder) {
  set("HOME", folder.path("home"));
  set("ANSIBLE_COLLECTIONS_PATH", collections());
  set("ANSIBLE_NOCOLOR", "1");
  set("ANSIBLE_LOCALHOST_WARNING", "0");
  set("ANSIBLE_DEPRECATION_WARNINGS", "0");
  set("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3");
  folder.write("ansible.cfg", "");
  set("ANSIBLE_CONFIG", folder.path("ansible.cfg"));
  set("LC_ALL", "C.UTF-8");
  std::filesystem::create_directories(folder.path("home"));
  for (const auto& command :
       {std::vector<std::string>{"ansible-galaxy", "collection", "build",
                                 FIREWRIGHT_SOURCE_DIR "/deploy/ansible", "--output-path",
                                 folder.path("built")},
        {"ansible-galaxy", "collection", "install", "--offline",
         folder.path("built/firewright-host-0.1.0.tar.gz"), "-p", collections()}})
    if (const auto result = run_with(environment_, command); result.status != 0)
      throw kernel::HarnessError(said(result));
}

void Ansible::set(const std::string& name, const std::string& value) {
  environment_.push_back(name + "=" + value);
}

kernel::CommandResult Ansible::play(const std::string& playbook,
                                    const std::vector<std::string>& options) const {
  folder_.write("play.yml", playbook);
  std::vector<std::string> command{"ansible-playbook", "-i", folder_.path("inventory.yml"),
                                   folder_.path("play.yml")};
  command.insert(command.end(), options.begin(), options.end());
  return run_with(environment_, command);
}

bool recap(const kernel::CommandResult& result, const std::string& what) {
  const auto begin = result.out.find("PLAY RECAP");
  return begin != std::string::npos &&
         result.out.find(" " + what + " ", begin) != std::string::npos;
}

}  // namespace firewright::deploy
