// Two policies of a host's life: the second opens one service more, and denies some sources.
#pragma once

namespace firewright::kernel {

inline constexpr const char* one =
    "[policy]\nname = \"one\"\n[inbound]\n"
    "allow = [\"ssh\", { service = \"http\", count = true },\n"
    "  { service = \"smtp\", limit = { rate = \"3/hour\", per = \"source\" } }]\n";
inline constexpr const char* two =
    "[policy]\nname = \"two\"\n[inbound]\n"
    "allow = [\"ssh\", \"https\", { service = \"http\", count = true },\n"
    "  { service = \"smtp\", limit = { rate = \"3/hour\", per = \"source\" } }]\n"
    "deny = [{ from = \"192.0.2.0/24\", name = \"bad\" }]\n";

}  // namespace firewright::kernel
