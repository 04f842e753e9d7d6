#include "compiler/cli/metrics.h"

#include <gtest/gtest.h>

namespace firewright::cli {
namespace {

TEST(Metrics, TheTextFormat) {
  Metrics metrics;
  metrics.gauge("loaded", "Whether something is loaded.", true);
  metrics.begin("packets_total", Metrics::Type::counter, "Packets.");
  metrics.add(std::uint64_t{18446744073709551615U}, {{"exception", "ssh"}, {"counter", "ssh"}});
  metrics.add(std::uint64_t{0}, {{"exception", "a \\ \"b\"\nc"}});
  metrics.gauge("days", "Days.", std::int64_t{-3});
  EXPECT_EQ(metrics.text(),
            "# HELP firewright_loaded Whether something is loaded.\n"
            "# TYPE firewright_loaded gauge\n"
            "firewright_loaded 1\n"
            "# HELP firewright_packets_total Packets.\n"
            "# TYPE firewright_packets_total counter\n"
            "firewright_packets_total{exception=\"ssh\",counter=\"ssh\"} 18446744073709551615\n"
            "firewright_packets_total{exception=\"a \\\\ \\\"b\\\"\\nc\"} 0\n"
            "# HELP firewright_days Days.\n"
            "# TYPE firewright_days gauge\n"
            "firewright_days -3\n");
}

}  // namespace
}  // namespace firewright::cli
