// The groups of the bench, a file each (group_NAME.cc), and what they all are given.
#pragma once

#include <filesystem>
#include <string>

#include "tests/bench/report.h"

namespace firewright::bench {

struct Bench {
  std::string firewright;         // a copy: the one that was given may be built anew meanwhile
  std::filesystem::path folder;   // for what lies about; gone at the end
  std::filesystem::path sources;  // this folder, for what is recorded
  std::string corpus;             // folder of *.ipv4.txt, or empty: lists are made up
  std::string classbench;         // folder of filter sets, or empty
  std::string peers;              // folder of unpacked packages, or empty: what is installed
  bool quick = false;             // smaller sizes, fewer rounds
  bool record = false;            // write what was counted as what is expected
};

void bench_packet(const Bench& bench, Report& report);
void bench_load(const Bench& bench, Report& report);
void bench_compile(const Bench& bench, Report& report);
void bench_growth(const Bench& bench, Report& report);
void bench_delta(const Bench& bench, Report& report);
void bench_fleet(const Bench& bench, Report& report);
void bench_startup(const Bench& bench, Report& report);
void bench_instructions(const Bench& bench, Report& report);
void bench_profile(const Bench& bench, Report& report);

}  // namespace firewright::bench
