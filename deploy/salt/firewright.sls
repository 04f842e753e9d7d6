# The policy and what it includes are below salt://firewright/policies.
/etc/firewright:
  file.recurse:
    - source: salt://firewright/policies
    - dir_mode: "0755"
    - file_mode: "0644"
    - clean: true

firewright apply:
  cmd.run:
    - name: >-
        firewright apply --confirm 60s /etc/firewright/web.toml &&
        salt-call --timeout 20 test.ping &&
        firewright confirm
    - unless: firewright apply --dry-run /etc/firewright/web.toml
    - require:
        - file: /etc/firewright
