// What the kernel announces of changes to the ruleset of one network, counted by kind. It listens,
// and asks for nothing.
#pragma once

namespace firewright::bench {

class KernelChanges {
 public:
  // Of the network of this thread, from now on.
  KernelChanges();
  KernelChanges(const KernelChanges&) = delete;
  KernelChanges& operator=(const KernelChanges&) = delete;
  ~KernelChanges();

  // So far, the end of a transaction not counted; each element of a set is announced by itself.
  // Less than 0: it could not listen, or more came than it could hold.
  [[nodiscard]] int count() const;

 private:
  int socket_ = -1;
};

}  // namespace firewright::bench
