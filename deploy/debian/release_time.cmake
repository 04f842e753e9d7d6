# Read by cpack before it begins: the time of the release is that of the newest entry in the changelog,
# unless the environment says another.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  file(STRINGS ${CPACK_FIREWRIGHT_DEBIAN}/changelog signature REGEX "^ -- " LIMIT_COUNT 1)
  string(REGEX REPLACE "^ -- .*>  " "" date "${signature}")
  execute_process(COMMAND date --utc --date=${date} +%s
    OUTPUT_VARIABLE epoch OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(ENV{SOURCE_DATE_EPOCH} ${epoch})
endif()
