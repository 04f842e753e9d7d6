# What is installed, and the Debian package of it: `cmake --install BUILD --prefix /usr/local`, and
# `cpack` in the build folder.

include(GNUInstallDirs)
install(TARGETS firewright RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})

file(GLOB manuals CONFIGURE_DEPENDS man/*.[1-8])
foreach(manual IN LISTS manuals)
  string(REGEX MATCH "[1-8]$" section ${manual})
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

install(DIRECTORY policies DESTINATION ${CMAKE_INSTALL_DATADIR}/firewright)
install(FILES README.md SECURITY.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
foreach(example ansible puppet review salt)
  if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/deploy/${example})
    install(DIRECTORY deploy/${example} DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
  endif()
endforeach()

install(FILES deploy/completions/firewright.bash RENAME firewright
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES deploy/completions/_firewright
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES deploy/completions/firewright.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# The unit names the command by its full path, and only who installs knows that one.
install(DIRECTORY DESTINATION lib/systemd/system)
install(CODE "
  set(sbin \"${CMAKE_INSTALL_SBINDIR}\")
  cmake_path(ABSOLUTE_PATH sbin BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\")
  set(unit \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/firewright.service\")
  file(READ \"${PROJECT_SOURCE_DIR}/deploy/systemd/firewright.service\" text)
  string(REPLACE \"=/usr/sbin/\" \"=\${sbin}/\" text \"\${text}\")
  message(STATUS \"Installing: \$ENV{DESTDIR}\${unit}\")
  file(WRITE \"\$ENV{DESTDIR}\${unit}\" \"\${text}\")
  file(CHMOD \"\$ENV{DESTDIR}\${unit}\"
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${unit}\")")

# --- Debian

set(CPACK_GENERATOR DEB)
set(CPACK_SOURCE_GENERATOR "")
set(CPACK_PACKAGE_NAME firewright)
set(CPACK_PACKAGE_VENDOR "the Firewright authors")
set(CPACK_PACKAGE_CONTACT "The Firewright authors <firewright@lists.firewright.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "host firewall from one proved policy")
set(CPACK_PACKAGE_DESCRIPTION
"Firewright compiles one policy, deny everything and then exceptions, into the
firewall of a host: iptables-restore files, an nftables batch, or a script for
Windows Firewall. Each output is read back by independent code and proved to
mean what the policy means, for every packet.
.
It loads the firewall of a Linux host in one transaction, undoes it unless the
change is confirmed, restores it at boot, and tells a reviewer in packets what
a change of the policy lets in.")
# With DESTDIR, so that what is installed knows the prefix that it will have.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "git, ipset, iptables, nftables")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${PROJECT_SOURCE_DIR}/deploy/debian/postinst
  ${PROJECT_SOURCE_DIR}/deploy/debian/prerm
  ${PROJECT_SOURCE_DIR}/deploy/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

# The same sources give the same bytes, so the time of all files is that of the release.
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/deploy/debian/release_time.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/deploy/debian/stage.cmake)
set(CPACK_FIREWRIGHT_DEBIAN ${PROJECT_SOURCE_DIR}/deploy/debian)
include(CPack)
