#include "tests/kernel/judge/readers.h"

#include <algorithm>
#include <array>
#include <optional>

#include "backends/iptables/decode.h"
#include "backends/nftables/read_text.h"
#include "compiler/diagnostics/render.h"
#include "tests/kernel/harness/compiled.h"
#include "tests/kernel/judge/differences.h"
#include "tests/kernel/judge/mutants.h"
#include "tests/kernel/judge/packing.h"
#include "tests/kernel/judge/random_policy.h"

namespace firewright::judge {
namespace {

constexpr std::size_t texts_in_a_namespace = 200;
constexpr unsigned patience = 600;
constexpr std::size_t most_findings = 20;
constexpr std::size_t texts_of_a_policy = 10;

Answers ours(Reader reader, Family family, const std::string& text) {
  Sources sources;
  Sink sink;
  bool accepted = false;
  const auto file = sources.add("text", text);
  if (reader == Reader::nft) {
    accepted = nftables::decode_text(sources, file, sink).has_value();
  } else {
    const std::array files{
        backend::ArtifactFile{.file = file, .part = family == Family::ipv4 ? "v4" : "v6"}};
    accepted = iptables::decode(sources, files, sink).has_value();
  }
  Answers answers;
  answers.we_accept = accepted;
  answers.our_words = render_text(sink, sources);
  return answers;
}

Answers both(Reader reader, Family family, const std::string& text) {
  Answers answers = ours(reader, family, text);
  std::optional<std::string> error;
  switch (reader) {
    // A trial run of iptables does not ask the kernel; one of nft does.
    case Reader::nft: error = kernel::try_nft_text(text); break;
    case Reader::iptables_legacy:
      error = kernel::load_iptables_instead(kernel::Loader::iptables_legacy, family, text);
      break;
    case Reader::iptables_nft:
      error = kernel::load_iptables_instead(kernel::Loader::iptables_nft, family, text);
      break;
  }
  answers.they_accept = !error;
  if (error) answers.their_words = *error;
  return answers;
}

void compare(Reader reader, std::uint64_t seed, Family family, const std::string& text,
             Compared& compared) {
  const Answers answers = both(reader, family, text);
  ++compared.texts;
  if (answers.we_accept == answers.they_accept) {
    ++(answers.we_accept ? compared.both_accept : compared.both_refuse);
    return;
  }
  const auto reason = explained(reader, text, answers);
  if (reason) {
    ++compared.explained[*reason];
  } else {
    ++compared.explained["(unexplained)"];
    if (compared.findings.size() < most_findings)
      compared.findings.push_back(
          "seed " + std::to_string(seed) + ", " + std::string(to_string(reader)) + ": " +
          (answers.we_accept ? "we accept what is refused: " + answers.their_words
                             : "we refuse what is accepted: " + answers.our_words) +
          "\n--- text\n" + text + "---\n");
  }
}

// The changed texts of one policy.
void compare_policy(Reader reader, std::uint64_t seed, std::size_t texts, Compared& compared) {
  kernel::Random random(seed);
  const Target target = reader == Reader::nft ? Target::nftables : Target::iptables;
  const auto compiled =
      kernel::compile("policy.toml", target, to_toml(random_policy(seed, Limits::any)));
  if (!compiled.ok()) return;
  // iptables asks for the sets that rules name.
  if (const auto* sets = compiled.artifact.find("sets"); sets != nullptr)
    kernel::must_run({"ipset", "restore"}, sets->bytes);
  for (std::size_t i = 0; i < texts; ++i) {
    const Family family = random.one_in(2) ? Family::ipv4 : Family::ipv6;
    if (reader == Reader::nft) {
      compare(reader, seed, family, changed_nft(compiled.artifact.find("text")->bytes, random),
              compared);
    } else {
      const auto* part = compiled.artifact.find(family == Family::ipv4 ? "v4" : "v6");
      compare(reader, seed, family, changed_iptables(part->bytes, random), compared);
    }
  }
}

std::string pack(const Compared& compared) {
  Writer writer;
  for (const auto number :
       {compared.emitted, compared.texts, compared.both_accept, compared.both_refuse})
    writer.number(number);
  writer.number(compared.explained.size());
  for (const auto& [reason, count] : compared.explained) {
    writer.text(reason);
    writer.number(count);
  }
  writer.number(compared.findings.size());
  for (const auto& finding : compared.findings) writer.text(finding);
  return writer.bytes;
}

Compared unpack(std::string_view bytes) {
  Compared compared;
  Bytes reader{bytes};
  for (auto* number :
       {&compared.emitted, &compared.texts, &compared.both_accept, &compared.both_refuse})
    *number = reader.number();
  for (auto left = reader.number(); left > 0; --left) {
    const auto reason = reader.text();
    compared.explained[reason] = reader.number();
  }
  for (auto left = reader.number(); left > 0; --left) compared.findings.push_back(reader.text());
  return compared;
}

template <class Body>
Compared in_namespace(const Body& body) {
  const auto outcome = kernel::in_namespace([&] { return pack(body()); }, patience);
  if (outcome.done()) return unpack(outcome.text);
  Compared failed;
  failed.findings.push_back(outcome.text);
  return failed;
}

}  // namespace

std::string_view to_string(Reader reader) {
  switch (reader) {
    case Reader::iptables_legacy: return "iptables-legacy";
    case Reader::iptables_nft: return "iptables-nft";
    case Reader::nft: return "nft";
  }
  return "";
}

Compared& Compared::operator+=(const Compared& other) {
  emitted += other.emitted;
  texts += other.texts;
  both_accept += other.both_accept;
  both_refuse += other.both_refuse;
  for (const auto& [reason, count] : other.explained) explained[reason] += count;
  findings.insert(findings.end(), other.findings.begin(), other.findings.end());
  return *this;
}

Compared try_emitted(std::uint64_t seed, std::size_t policies) {
  return in_namespace([&] {
    Compared compared;
    for (auto at = seed; at < seed + policies; ++at) {
      const auto text = to_toml(random_policy(at, Limits::any));
      for (const auto loader : kernel::all_loaders) {
        const auto compiled = kernel::compile("policy.toml", kernel::target_of(loader), text);
        if (!compiled.ok()) continue;
        ++compared.emitted;
        if (const auto error = kernel::only_try(loader, compiled.artifact))
          compared.findings.push_back("seed " + std::to_string(at) + ": " + *error);
      }
    }
    return compared;
  });
}

Compared compare_readers(Reader reader, std::uint64_t seed, std::size_t texts) {
  Compared all;
  // A policy that does not compile gives no text.
  for (std::size_t empty = 0;
       all.texts < texts && empty < 20 && all.findings.size() < most_findings;) {
    const auto some = in_namespace([&] {
      Compared compared;
      for (auto at = seed; at < seed + 100; ++at) {
        const auto left = std::min(texts - all.texts, texts_in_a_namespace) - compared.texts;
        if (left == 0) break;
        compare_policy(reader, at, std::min(texts_of_a_policy, left), compared);
      }
      return compared;
    });
    empty += some.texts == 0 ? 1 : 0;
    seed += 100;
    all += some;
  }
  return all;
}

std::string to_text(const Compared& compared) {
  std::string text;
  if (compared.emitted > 0)
    text += std::to_string(compared.emitted) + " emitted artifacts, all tried\n";
  if (compared.texts > 0) {
    text += std::to_string(compared.texts) +
            " changed texts: " + std::to_string(compared.both_accept) + " accepted by both, " +
            std::to_string(compared.both_refuse) + " refused by both\n";
    for (const auto& [reason, count] : compared.explained)
      text += "  " + std::to_string(count) + " " + reason + "\n";
  }
  return text + "findings: " + std::to_string(compared.findings.size()) + "\n";
}

}  // namespace firewright::judge
