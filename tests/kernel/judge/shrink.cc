#include <algorithm>

#include "tests/kernel/judge/random_policy.h"

namespace firewright::judge {
namespace {

class Shrinker {
 public:
  Shrinker(RandomPolicy policy, const std::function<bool(const RandomPolicy&)>& still,
           std::size_t questions)
      : policy_(std::move(policy)), still_(still), questions_(questions) {}

  RandomPolicy run() {
    for (auto run = policy_.exceptions.size() / 2; run > 0; run /= 2) drop_exceptions(run);
    for (std::size_t i = policy_.sections.size(); i-- > 0;)
      attempt([&](RandomPolicy& p) { p.sections[i].fields.clear(); });
    for (std::size_t i = policy_.sections.size(); i-- > 0;)
      drop_fields([i](RandomPolicy& p) -> auto& { return p.sections[i].fields; });
    for (std::size_t i = policy_.exceptions.size(); i-- > 0;)
      drop_fields([i](RandomPolicy& p) -> auto& { return p.exceptions[i].fields; });
    attempt([](RandomPolicy& p) { p.in_arrays = false; });
    return std::move(policy_);
  }

 private:
  // The change is kept if the smaller policy still does it.
  template <class Change>
  bool attempt(const Change& change) {
    if (questions_ == 0) return false;
    --questions_;
    RandomPolicy smaller = policy_;
    change(smaller);
    if (!still_(smaller)) return false;
    policy_ = std::move(smaller);
    return true;
  }

  void drop_exceptions(std::size_t run) {
    for (std::size_t at = 0; at + run <= policy_.exceptions.size();) {
      const bool dropped = attempt([&](RandomPolicy& p) {
        const auto first = p.exceptions.begin() + static_cast<std::ptrdiff_t>(at);
        p.exceptions.erase(first, first + static_cast<std::ptrdiff_t>(run));
      });
      if (!dropped) at += run;
    }
  }

  template <class Fields>
  void drop_fields(const Fields& fields) {
    for (std::size_t i = fields(policy_).size(); i-- > 0;) {
      const bool dropped = attempt([&](RandomPolicy& p) {
        fields(p).erase(fields(p).begin() + static_cast<std::ptrdiff_t>(i));
      });
      if (!dropped) drop_items([&](RandomPolicy& p) -> auto& { return fields(p)[i].value; });
    }
  }

  template <class Value>
  void drop_items(const Value& value) {
    for (auto left = items(value(policy_)).size(); left > 1; --left) {
      attempt([&](RandomPolicy& p) {
        auto all = items(value(p));
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(left - 1));
        std::string text;
        for (const auto& item : all) text += (text.empty() ? "[" : ", ") + item;
        value(p) = text + "]";
      });
    }
  }

  // Of an array without arrays, tables or commas in it; of anything else nothing.
  static std::vector<std::string> items(const std::string& value) {
    if (value.size() < 2 || value.front() != '[') return {};
    std::vector<std::string> result;
    std::string item;
    for (const char c : value.substr(1, value.size() - 2)) {
      if (c == ',') {
        result.push_back(item);
        item.clear();
      } else if (c != ' ' || !item.empty()) {
        item += c;
      }
    }
    if (!item.empty()) result.push_back(item);
    return result;
  }

  RandomPolicy policy_;
  const std::function<bool(const RandomPolicy&)>& still_;
  std::size_t questions_;
};

}  // namespace

RandomPolicy shrunk(RandomPolicy policy, const std::function<bool(const RandomPolicy&)>& still,
                    std::size_t questions) {
  return Shrinker(std::move(policy), still, questions).run();
}

}  // namespace firewright::judge
