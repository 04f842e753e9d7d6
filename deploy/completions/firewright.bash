# Completion of firewright(1) for bash. Held against its --help by tests/house/completions_test.cc.
# shellcheck shell=bash

# The options of a command.
_firewright_options() {
  case $1 in
    check) echo "--target --strict --approximate --set --vars --at --format --help" ;;
    compile) echo "--target --output --hosts --jobs --part --certificate --emit --approximate \
      --set --vars --at --format --help" ;;
    apply) echo "--backend --dry-run --confirm --audit --allow-lockout --end-denied-flows \
      --approximate --set --vars --at --format --state-dir --run-dir --lock-timeout --verify \
      --help" ;;
    confirm) echo "--format --state-dir --run-dir --lock-timeout --verify --help" ;;
    rollback) echo "--token --waiting --format --state-dir --run-dir --lock-timeout --verify --help" ;;
    status) echo "--format --at --state-dir --run-dir --lock-timeout --help" ;;
    restore) echo "--failsafe --failsafe-ssh --state-dir --run-dir --lock-timeout --verify \
      --help" ;;
    verify) echo "--certificate --approximate --set --vars --at --format --help" ;;
    diff) echo "--git --fail-on --target --set --vars --at --format --help" ;;
    review) echo "--git --fail-on --target --jobs --set --vars --at --format --help" ;;
    explain) echo "--target --set --vars --at --format --help" ;;
    fmt) echo "--check --help" ;;
    services) echo "--format --help" ;;
    schema) echo "--help" ;;
    report) echo "--output --git --target --set --vars --at --help" ;;
    *) echo "--help --version" ;;
  esac
}

# What an option takes: words, or :files, :folders, :text; nothing for one that takes no value.
_firewright_values() {
  case $1:$2 in
    review:--fail-on) echo "any none risk widen" ;;
    status:--format) echo "json prometheus text" ;;
    diff:--format) echo "json markdown text" ;;
    review:--format) echo "json markdown sarif" ;;
    report:--output) echo ":files" ;;
    report:-o) echo ":files" ;;
    *:--at | *:--confirm | *:--failsafe-ssh | *:--git | *:--jobs | *:--lock-timeout | \
      *:--part | *:--set | *:--token)
      echo ":text"
      ;;
    *:--backend) echo "iptables nftables" ;;
    *:--certificate | *:--failsafe | *:--hosts | *:--vars) echo ":files" ;;
    *:--emit) echo "ir" ;;
    *:--fail-on) echo "any none widen" ;;
    *:--format) echo "json text" ;;
    *:--output | *:--run-dir | *:--state-dir | *:-o) echo ":folders" ;;
    *:--target) echo "iptables netsh nftables" ;;
    *:--verify) echo "changed full" ;;
  esac
}

# What may follow a command besides options: as above, or :services.
_firewright_operands() {
  case $1 in
    check | compile | apply | review | explain | fmt | report) echo ":files" ;;
    verify | diff) echo "live :files" ;;
    services) echo ":services" ;;
    schema) echo "policy hosts" ;;
  esac
}

_firewright() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command='' word known
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] || {
      command=$word
      break
    }
  done
  known=$(_firewright_values "$command" "$previous")
  if [[ -z $known && $current == -* ]]; then
    known=$(_firewright_options "$command")
  elif [[ -z $known && -z $command ]]; then
    known="check compile apply confirm rollback status restore verify diff \
      review explain fmt services schema report"
  elif [[ -z $known ]]; then
    known=$(_firewright_operands "$command")
  fi

  COMPREPLY=()
  for word in $known; do
    case $word in
      :text) ;;
      :folders) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current") ;;
      :files) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current") ;;
      :services)
        known=$("${COMP_WORDS[0]}" services 2>/dev/null | awk '/^  / { print $1 }')
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$known" -- "$current")
        ;;
      "$current"*) COMPREPLY+=("$word") ;;
    esac
  done
}

complete -o filenames -F _firewright firewright
