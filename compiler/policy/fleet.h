// Reading policies for many hosts: what they have in common is read once.
//
// First every host is prepared, by one thread. What comes of it says what the host's policy can ask
// for, and hosts of one `key` have one policy. Then policies are read, by any number of threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/policy/facts.h"
#include "compiler/policy/shared.h"

namespace firewright::policy {

struct Document;

// A host as far as its policy is concerned.
struct Subject {
  std::string policy;       // the path
  std::vector<Fact> facts;  // those that the policy may use; all, where a variable is missing
  std::string key;          // the same for the same policy
};

class FleetReader {
 public:
  // `options` says what holds for all hosts, and `files` should remember what it was asked. All
  // must outlive this.
  FleetReader(const ReadOptions& options, Sources& sources)
      : options_(options), sources_(sources) {}

  // `text`, if set, is read in place of the file. `facts`: a later one wins.
  [[nodiscard]] Subject prepare(std::string path, std::optional<std::string> text,
                                std::vector<Fact> facts);
  // As read_policy would. `layer` lies on the sources that were given to the constructor.
  [[nodiscard]] Policy read(const Subject& subject, Sources& layer, Sink& sink) const;

 private:
  void share(Context& context, Document& document);
  static void share_groups(Context& context, const Value& groups, SharedDocument& shared);
  static void share_exceptions(const Context& context, const Value& table, Direction direction,
                               SharedDocument& shared);

  ReadOptions options_;
  Sources& sources_;
  Shared shared_;
  std::size_t unshared_ = 0;  // hosts that miss a variable
};

}  // namespace firewright::policy
