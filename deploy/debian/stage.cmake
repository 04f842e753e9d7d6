# What a Debian package has beyond `cmake --install`; runs on the staged files before they are packed.
set(share ${CPACK_TEMPORARY_DIRECTORY}/usr/share)
set(documents ${share}/doc/firewright)

file(COPY_FILE ${CPACK_FIREWRIGHT_DEBIAN}/copyright ${documents}/copyright)
file(COPY_FILE ${CPACK_FIREWRIGHT_DEBIAN}/changelog ${documents}/changelog.Debian)
file(RENAME ${documents}/CHANGELOG.md ${documents}/changelog)
file(CHMOD ${documents}/copyright ${documents}/changelog.Debian
  PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
file(RENAME ${share}/zsh/site-functions ${share}/zsh/vendor-completions)

file(GLOB compressed ${share}/man/man*/*.[1-8] ${documents}/changelog ${documents}/changelog.Debian)
execute_process(COMMAND gzip --best --no-name ${compressed} COMMAND_ERROR_IS_FATAL ANY)

# Whatever the mask and the time of who packs.
execute_process(COMMAND find ${CPACK_TEMPORARY_DIRECTORY} -type d -exec chmod 755 {} +
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(
  COMMAND find ${CPACK_TEMPORARY_DIRECTORY} -exec
          touch --no-dereference --date=@$ENV{SOURCE_DATE_EPOCH} {} +
  COMMAND_ERROR_IS_FATAL ANY)
