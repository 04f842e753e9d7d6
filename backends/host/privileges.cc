#include "backends/host/privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

#ifdef FIREWRIGHT_SECCOMP
#include <seccomp.h>
#endif

namespace firewright::host {
namespace {

// Version 3 has two words of 32 capabilities each.
using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

bool failed(const char* what, int error, std::string& text) {
  text = std::string(what) + ": " + std::generic_category().message(error);
  return false;
}

}  // namespace

bool keep_capabilities(std::span<const unsigned> kept, std::string& error) {
  std::array<std::uint32_t, _LINUX_CAPABILITY_U32S_3> mask{};
  for (const auto capability : kept) mask[capability / 32] |= std::uint32_t{1} << capability % 32;
  const auto is_kept = [&](unsigned capability) {
    return (mask[capability / 32] >> capability % 32 & 1U) != 0;
  };
  // Before the sets: it takes CAP_SETPCAP. Numbers past the kernel's last are refused.
  for (unsigned capability = 0; capability < 64; ++capability) {
    if (is_kept(capability) || prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM)
      return failed("cannot shrink the bounding set", errno, error);
  }
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  Sets sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0)
    return failed("cannot read the capabilities", errno, error);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    sets[i].permitted &= mask[i];
    sets[i].effective &= mask[i];
    sets[i].inheritable &= mask[i];
  }
  if (syscall(SYS_capset, &header, sets.data()) != 0)
    return failed("cannot give up capabilities", errno, error);
  return true;
}

#ifdef FIREWRIGHT_SECCOMP

bool refuse_system_calls(bool with_modules, std::string& error) {
  static constexpr std::array refused{SCMP_SYS(acct),
                                      SCMP_SYS(add_key),
                                      SCMP_SYS(adjtimex),
                                      SCMP_SYS(bpf),
                                      SCMP_SYS(chroot),
                                      SCMP_SYS(clock_adjtime),
                                      SCMP_SYS(clock_settime),
                                      SCMP_SYS(fsopen),
                                      SCMP_SYS(ioperm),
                                      SCMP_SYS(iopl),
                                      SCMP_SYS(kexec_file_load),
                                      SCMP_SYS(kexec_load),
                                      SCMP_SYS(keyctl),
                                      SCMP_SYS(mount),
                                      SCMP_SYS(move_mount),
                                      SCMP_SYS(open_tree),
                                      SCMP_SYS(perf_event_open),
                                      SCMP_SYS(pivot_root),
                                      SCMP_SYS(process_vm_readv),
                                      SCMP_SYS(process_vm_writev),
                                      SCMP_SYS(ptrace),
                                      SCMP_SYS(quotactl),
                                      SCMP_SYS(reboot),
                                      SCMP_SYS(request_key),
                                      SCMP_SYS(setdomainname),
                                      SCMP_SYS(sethostname),
                                      SCMP_SYS(setns),
                                      SCMP_SYS(settimeofday),
                                      SCMP_SYS(swapoff),
                                      SCMP_SYS(swapon),
                                      SCMP_SYS(syslog),
                                      SCMP_SYS(umount2),
                                      SCMP_SYS(unshare),
                                      SCMP_SYS(userfaultfd)};
  static constexpr std::array modules{SCMP_SYS(init_module), SCMP_SYS(finit_module),
                                      SCMP_SYS(delete_module)};
  const auto filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr) return failed("cannot make a filter of system calls", ENOMEM, error);
#ifdef __SANITIZE_ADDRESS__
  constexpr int leaks_are_looked_for_with = SCMP_SYS(ptrace);  // at the end, by the sanitizer
#else
  constexpr int leaks_are_looked_for_with = -1;
#endif
  int result = 0;
  const auto refuse = [&](int call) {
    // A call that this machine does not have cannot be made either.
    if (result == 0 && call >= 0 && call != leaks_are_looked_for_with)
      result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
  };
  for (const auto call : refused) refuse(call);
  if (!with_modules)
    for (const auto call : modules) refuse(call);
  if (result == 0) result = seccomp_load(filter);
  seccomp_release(filter);
  return result == 0 || failed("cannot load a filter of system calls", -result, error);
}

#else

bool refuse_system_calls(bool, std::string& error) {
  error = "built without libseccomp";
  return false;
}

#endif

}  // namespace firewright::host
