#include "tests/faults/registers.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

namespace firewright::faults {
namespace {

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "the registers of this architecture are not known here"
#endif

using Registers = user_regs_struct;

bool get(pid_t process, Registers& registers) {
  iovec where{.iov_base = &registers, .iov_len = sizeof registers};
  return ::ptrace(PTRACE_GETREGSET, process, NT_PRSTATUS, &where) == 0;
}

bool set(pid_t process, Registers& registers) {
  iovec where{.iov_base = &registers, .iov_len = sizeof registers};
  return ::ptrace(PTRACE_SETREGSET, process, NT_PRSTATUS, &where) == 0;
}

}  // namespace

bool skip_call(pid_t process) {
#if defined(__x86_64__)
  Registers registers{};
  if (!get(process, registers)) return false;
  registers.orig_rax = static_cast<decltype(registers.orig_rax)>(-1);
  return set(process, registers);
#else
  constexpr int arm_system_call = 0x404;  // NT_ARM_SYSTEM_CALL
  int number = -1;
  iovec where{.iov_base = &number, .iov_len = sizeof number};
  return ::ptrace(PTRACE_SETREGSET, process, arm_system_call, &where) == 0;
#endif
}

bool set_result(pid_t process, long result) {
  Registers registers{};
  if (!get(process, registers)) return false;
#if defined(__x86_64__)
  registers.rax = static_cast<decltype(registers.rax)>(result);
#else
  registers.regs[0] = static_cast<decltype(registers.regs[0] + 0)>(result);
#endif
  return set(process, registers);
}

}  // namespace firewright::faults
