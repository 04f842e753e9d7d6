#include "tests/kernel/judge/mutants.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "tests/backends/iptables/mutate.h"
#include "tests/backends/nftables/text_damage.h"

namespace firewright::judge {
namespace {

using kernel::Random;

// Where words begin and how long they are; a change of one leaves all else as it was.
struct Word {
  std::size_t at, size;
};

std::vector<Word> words_of(const std::string& text) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = text.find_first_not_of(" \n\t", at);
    if (begin == std::string::npos) break;
    const auto end = std::min(text.find_first_of(" \n\t", begin), text.size());
    words.push_back({begin, end - begin});
    at = end;
  }
  return words;
}

constexpr std::string_view letters = "0123456789abcdef-/.:,!+*=\"{}@$";

std::string changed_word(const std::string& text, Random& random) {
  const auto words = words_of(text);
  if (words.empty()) return text;
  const Word word = random.of(words);
  const Word other = random.of(words);
  const std::string other_text = text.substr(other.at, other.size);
  std::string result = text;
  switch (random.below(6)) {
    case 0: return result.erase(word.at, word.size);
    case 1: return result.insert(word.at, text.substr(word.at, word.size) + " ");
    case 2: return result.replace(word.at, word.size, other_text);
    case 3: return result.insert(word.at, other_text + " ");
    case 4: return result.erase(word.at + random.below(word.size), 1);
    default:
      result[word.at + random.below(word.size)] = letters[random.below(letters.size())];
      return result;
  }
}

}  // namespace

std::string changed_iptables(const std::string& text, Random& random) {
  if (random.one_in(3)) return changed_word(text, random);
  const auto lines = iptables::test::lines_of(text);
  const auto& kinds =
      random.one_in(5) ? iptables::test::harmless_changes() : iptables::test::damages();
  // Not every change is possible in every text.
  for (int attempt = 0; attempt < 20; ++attempt) {
    const auto mutants = random.of(kinds).mutants(lines);
    if (!mutants.empty()) return iptables::test::text_of(random.of(mutants));
  }
  return changed_word(text, random);
}

std::string changed_nft(const std::string& text, Random& random) {
  if (random.one_in(3)) return changed_word(text, random);
  const auto& kinds = random.one_in(5) ? test::text_rewordings() : test::text_damages();
  for (int attempt = 0; attempt < 20; ++attempt) {
    const auto mutants = random.of(kinds).apply(text, 6);
    if (!mutants.empty()) return random.of(mutants);
  }
  return changed_word(text, random);
}

}  // namespace firewright::judge
