# A policy as the firewall of this host. `reach` is a command that succeeds while the host can be
# administered; with one, the change is undone after a while unless that succeeds under the new firewall.
class firewright (
  String $policy,
  Optional[String] $reach = undef,
  String $confirm = '60s',
  String $command = '/usr/sbin/firewright',
  String $options = '', # for each command, such as --state-dir
) {
  if $reach {
    $apply = "${command} apply --confirm ${confirm} ${options} ${policy}"
    $whole = "${apply} && { ${reach}; } && ${command} confirm ${options}"
  } else {
    $whole = "${command} apply ${options} ${policy}"
  }

  exec { 'firewright apply':
    command   => $whole,
    unless    => "${command} apply --dry-run ${options} ${policy}",
    provider  => shell,
    logoutput => on_failure,
  }
}
