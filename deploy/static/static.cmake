# FIREWRIGHT_STATIC: a command that needs nothing of its host but the kernel, for hosts with older
# libraries. fmt and toml++ come from their headers (FIREWRIGHT_FMT), the others and the C library from
# the archives of Debian, and libmnl, of which there is none, from mnl.cc.

set_target_properties(PkgConfig::tomlplusplus PROPERTIES
  INTERFACE_COMPILE_OPTIONS "" INTERFACE_COMPILE_DEFINITIONS TOML_HEADER_ONLY=1
  INTERFACE_LINK_LIBRARIES "")

add_library(fw_mnl STATIC deploy/static/mnl.cc)
target_link_libraries(fw_mnl PRIVATE firewright_options firewright_hardening)
set_target_properties(PkgConfig::libmnl PROPERTIES INTERFACE_LINK_LIBRARIES fw_mnl)
foreach(library nettle libnftnl libseccomp)
  string(REGEX REPLACE "^lib" "" name ${library})
  find_library(FIREWRIGHT_${library} NAMES lib${name}.a REQUIRED)
  set_target_properties(PkgConfig::${library} PROPERTIES
    INTERFACE_LINK_LIBRARIES "${FIREWRIGHT_${library}};fw_mnl")
endforeach()

# Users and groups are those of /etc: the name services of a host belong to its own C library.
set_source_files_properties(compiler/policy/owners.cc PROPERTIES
  COMPILE_DEFINITIONS FIREWRIGHT_STATIC)
set(CMAKE_CXX_LINK_OPTIONS_PIE -static-pie)
