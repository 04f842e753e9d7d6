#!/usr/bin/python
# Makes a Firewright policy the firewall of a Linux host.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: policy
short_description: make a policy the firewall of a host
description:
  - Loads a Firewright policy with C(firewright apply), keeps or undoes a change that waits for its
    confirmation, or only reads a policy and proves its assertions.
  - A second run with the same policy changes nothing and says so.
  - In check mode the firewall is computed, proved and given to the kernel to be checked, and not
    loaded; in diff mode the difference is shown in packets.
  - A policy that would cut off the connection that the task came through is refused, in check mode
    as well.
options:
  src:
    description:
      - A policy on the controller, or a folder with a policy and all that it includes.
      - It is brought to the host for this task and does not stay there; what is loaded is kept by
        C(firewright) itself.
      - Files and folders whose names begin with a dot are left out.
    type: path
  path:
    description:
      - With a folder as I(src), the policy in it.
      - Without I(src), a policy that is on the host already.
    type: str
  state:
    description:
      - C(applied) loads the policy.
      - C(confirmed) keeps the change that waits for its confirmation, and fails when none waits.
      - C(rolled_back) undoes the change that waits, if one does.
      - C(valid) reads the policy and proves its assertions, and never changes anything.
    type: str
    choices: [applied, confirmed, rolled_back, valid]
    default: applied
  confirm:
    description:
      - Undo the change after this time, as in C(60s) or C(5m), unless it is confirmed.
    type: str
  backend:
    description: What to load it with.
    type: str
    choices: [nftables, iptables]
    default: nftables
  audit:
    description: Deny nothing; log and count what would be denied.
    type: bool
    default: false
  strict:
    description: With C(state=valid), a warning is a failure.
    type: bool
    default: false
  approximate:
    description: Where the backend cannot say an exception exactly, deny more, never less.
    type: bool
    default: false
  allow_lockout:
    description: Load it even if it forbids the connection that the task came through.
    type: bool
    default: false
  end_denied_flows:
    description: After loading, end the open connections that the policy forbids.
    type: bool
    default: false
  variables:
    description: Variables of the policy, such as facts of the host.
    type: dict
    default: {}
  at:
    description: The day that C(expires) is held against; unsaid, today.
    type: str
  executable:
    description: The command, by its path or its name.
    type: str
    default: firewright
  state_dir:
    description: What the host remembers of its firewall; unsaid, F(/var/lib/firewright).
    type: path
  run_dir:
    description: What it remembers until it starts anew; unsaid, F(/run/firewright).
    type: path
  lock_timeout:
    description: How long to wait for another C(firewright) on the host.
    type: str
author:
  - the Firewright authors
"""

EXAMPLES = r"""
- name: Load the policy, with a way back
  firewright.host.policy:
    src: policies
    path: web.toml
    confirm: 60s
    variables:
      role: "{{ server_role }}"
  register: firewall

- name: Go through the new firewall
  ansible.builtin.meta: reset_connection

- name: Keep it
  firewright.host.policy:
    state: confirmed
  when: firewall.result == "pending"
"""

RETURN = r"""
result:
  description: >-
    C(unchanged), C(loaded), C(pending), C(confirmed), C(rolled-back), C(would-change) in check mode
    or C(valid).
  type: str
  returned: success
installed:
  description: In check mode, false where the command is not there yet.
  type: bool
  returned: when it is not
generation:
  description: The name of what is loaded.
  type: str
  returned: when something is loaded
confirm_by:
  description: When the change is undone, unless it is confirmed.
  type: str
  returned: when it waits for its confirmation
packets:
  description: >-
    The difference from what stood before: C(summary), C(widest_opening), and the classes
    C(newly_accepted), C(newly_denied), C(denied_in_another_way), C(logged_or_counted_in_another_way),
    each with its sets of packets.
  type: dict
  returned: when something changes
notes:
  description: What else decides about packets on this host, and other remarks.
  type: list
  returned: when there can be any
denied_flows:
  description: Open connections that the policy would not let open again.
  type: list
  returned: when a policy is loaded
diagnostics:
  description: What is to be said about the policy, each with C(id), C(severity), C(message), its place.
  type: list
  returned: when a policy is read
exit_status:
  description: How the command ended; firewright(1) tells of it.
  type: int
  returned: when the command had to run
"""

import json
import os
import tarfile

from ansible.module_utils.basic import AnsibleModule

CLASSES = (
    ("newly_accepted", "newly accepted", "+"),
    ("newly_denied", "newly denied", "-"),
    ("denied_in_another_way", "denied in another way", "~"),
    ("logged_or_counted_in_another_way", "logged or counted in another way", "~"),
)


def place(diagnostic):
    if "file" not in diagnostic:
        return ""
    return "%(file)s:%(line)d:%(column)d: " % diagnostic


def say(diagnostic):
    words = "%s%s: %s [%s]" % (
        place(diagnostic),
        diagnostic["severity"],
        diagnostic["message"],
        diagnostic["id"],
    )
    return words + ("; " + diagnostic["help"] if diagnostic.get("help") else "")


def decided(treatment):
    """`accept, by ssh (web.toml:7)`: what becomes of a packet, and who says so."""
    by = []
    for decider in treatment["deciding"]:
        name = decider.get("name") or "the " + decider["kind"].replace("-", " ")
        if "file" in decider:
            name += " (%(file)s:%(line)d)" % decider
        by.append(name)
    effects = "; " + ", ".join(treatment["effects"]) if treatment["effects"] else ""
    return treatment["verdict"] + (", by " + ", ".join(by) if by else "") + effects


def difference_text(difference):
    """The difference as people read it: sets of packets, one packet of each, and both answers."""
    if not difference.get("proved", True):
        return "the difference is not known\n"
    lines = [difference["summary"]]
    if difference["widest_opening"]:
        lines.append("widest opening: " + difference["widest_opening"])
    for key, title, sign in CLASSES:
        boxes = difference[key]["boxes"]
        if boxes:
            lines += ["", title + ":"]
        for box in boxes:
            lines.append("%s %s" % (sign, box["text"]))
            lines.append("    packet  " + box["packet"])
            lines.append("    before  " + decided(box["before"]))
            lines.append("    after   " + decided(box["after"]))
        if difference[key]["count"] > len(boxes):
            lines.append("  and %d more" % (difference[key]["count"] - len(boxes)))
    return "\n".join(lines) + "\n"


class Command:
    def __init__(self, module):
        self.module = module
        self.parameters = module.params
        self.folder = None
        self.executable = module.get_bin_path(
            self.parameters["executable"],
            required=not module.check_mode,
            opt_dirs=["/usr/sbin", "/usr/local/sbin", "/sbin"],
        )

    def run(self, words):
        """The exit status, and the document on standard output."""
        rc, out, err = self.module.run_command(
            [self.executable] + words + ["--format", "json"], cwd=self.folder
        )
        try:
            document = json.loads(out)
        except ValueError:
            document = {"error": err.strip() or out.strip() or "firewright gave no answer"}
        return rc, document

    def fail(self, rc, document, **more):
        diagnostics = document.get("diagnostics", [])
        errors = [say(one) for one in diagnostics if one["severity"] == "error"]
        if document.get("error"):
            errors.append(document["error"])
        self.module.fail_json(
            msg="\n".join(errors) or "firewright ended with status %d" % rc,
            exit_status=rc,
            diagnostics=diagnostics,
            notes=document.get("notes", []),
            denied_flows=document.get("denied_flows", []),
            **more
        )

    def host_words(self):
        words = []
        for option in ("state_dir", "run_dir", "lock_timeout"):
            if self.parameters[option]:
                words += ["--" + option.replace("_", "-"), self.parameters[option]]
        return words

    def flags(self, names):
        return ["--" + name.replace("_", "-") for name in names if self.parameters[name]]

    def policy_words(self):
        """The policy, unpacked if it came along, and how it is to be read."""
        path = self.parameters["path"]
        if self.parameters["_archive"]:
            self.folder = os.path.join(self.module.tmpdir, "policy")
            unpack(self.parameters["_archive"], self.folder)
        elif os.path.isabs(path):
            self.folder, path = os.path.split(path)
        else:
            self.module.fail_json(msg="without src, path is a whole path on the host: " + path)
        # Named from its folder, so that places and generations do not hang on where it lay.
        words = ["./" + path if path.startswith("-") else path]
        if self.parameters["variables"]:
            variables = os.path.join(self.module.tmpdir, "variables.json")
            with open(variables, "w") as stream:
                json.dump(self.parameters["variables"], stream, sort_keys=True)
            words += ["--vars", variables]
        if self.parameters["at"]:
            words += ["--at", self.parameters["at"]]
        return words + self.flags(["approximate"])

    def warn(self, document):
        for diagnostic in document.get("diagnostics", []):
            if diagnostic["severity"] == "warning":
                self.module.warn(say(diagnostic))

    def valid(self):
        words = ["check", "--target", self.parameters["backend"]]
        rc, document = self.run(words + self.policy_words() + self.flags(["strict"]))
        one = document["policies"][0] if document.get("policies") else document
        if rc != 0:
            if one.get("warnings") and not one.get("errors"):
                one["error"] = "\n".join(say(warning) for warning in one["diagnostics"])
            self.fail(rc, one, assertions=one.get("assertions", []))
        self.warn(one)
        return dict(
            changed=False,
            result="valid",
            exit_status=rc,
            notes=[],
            diagnostics=one["diagnostics"],
            assertions=one["assertions"],
        )

    def applied(self):
        words = ["apply", "--backend", self.parameters["backend"]]
        words += self.policy_words() + self.host_words()
        words += self.flags(["audit", "allow_lockout", "end_denied_flows"])
        if self.parameters["confirm"]:
            words += ["--confirm", self.parameters["confirm"]]
        dry_run = self.module.check_mode
        rc, document = self.run(words + (["--dry-run"] if dry_run else []))
        # A dry run answers a difference with 1, as it does a policy with errors.
        differs = dry_run and rc == 1 and document.get("changed", False)
        if rc != 0 and not differs:
            self.fail(rc, document)
        if dry_run and not self.parameters["allow_lockout"]:
            for flow in document["denied_flows"]:
                if flow["own_connection"]:
                    document["error"] = (
                        "this policy would cut off the connection that this task came through: "
                        "%s, %s" % (flow["flow"], flow["by"])
                    )
                    self.fail(rc, document)
        self.warn(document)
        result = dict(
            changed=document["changed"],
            result=document.get("result", "would-change" if differs else "unchanged"),
            exit_status=rc,
            notes=document["notes"],
            diagnostics=document["diagnostics"],
            denied_flows=document["denied_flows"],
        )
        for key in ("generation", "confirm_by", "certificate_sha256"):
            if key in document:
                result[key] = document[key]
        if "diff" in document:
            result["packets"] = document["diff"]
            if self.module._diff:
                result["diff"] = dict(prepared=difference_text(document["diff"]))
        return result

    def waits(self):
        """Whether a change waits for its confirmation."""
        rc, document = self.run(["status"] + self.host_words())
        if "loaded" not in document:
            self.fail(rc, document)
        return document.get("state") == "pending"

    def confirmed(self):
        if self.module.check_mode:
            waits = self.waits()
            return dict(changed=waits, result="would-change" if waits else "unchanged")
        return self.ended("confirm")

    def rolled_back(self):
        if self.module.check_mode:
            waits = self.waits()
            return dict(changed=waits, result="would-change" if waits else "unchanged")
        # Without --waiting the command would go back behind the confirmed firewall, each time.
        return self.ended("rollback", "--waiting")

    def ended(self, *words):
        rc, document = self.run(list(words) + self.host_words())
        if rc != 0:
            self.fail(rc, document)
        if document["result"] == "nothing":
            return dict(changed=False, result="unchanged", exit_status=rc, notes=document["notes"])
        return dict(
            changed=True,
            result=document["result"],
            exit_status=rc,
            notes=document["notes"],
            generation=document["generation"],
        )


def unpack(archive, folder):
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            parts = member.name.split("/")
            if not member.isfile() or os.path.isabs(member.name) or ".." in parts:
                continue
            whole = os.path.join(folder, *parts)
            if not os.path.isdir(os.path.dirname(whole)):
                os.makedirs(os.path.dirname(whole), 0o700)
            with open(whole, "wb") as stream:
                stream.write(packed.extractfile(member).read())
            os.chmod(whole, 0o600)


def main():
    reads = [("state", state, ("path",)) for state in ("applied", "valid")]
    module = AnsibleModule(
        argument_spec=dict(
            src=dict(type="path"),  # the action of this name makes _archive of it
            _archive=dict(type="path"),
            path=dict(type="str"),
            state=dict(
                type="str",
                choices=["applied", "confirmed", "rolled_back", "valid"],
                default="applied",
            ),
            confirm=dict(type="str"),
            backend=dict(type="str", choices=["nftables", "iptables"], default="nftables"),
            audit=dict(type="bool", default=False),
            strict=dict(type="bool", default=False),
            approximate=dict(type="bool", default=False),
            allow_lockout=dict(type="bool", default=False),
            end_denied_flows=dict(type="bool", default=False),
            variables=dict(type="dict", default={}),
            at=dict(type="str"),
            executable=dict(type="str", default="firewright"),
            state_dir=dict(type="path"),
            run_dir=dict(type="path"),
            lock_timeout=dict(type="str"),
        ),
        required_if=reads,
        supports_check_mode=True,
    )
    command = Command(module)
    state = module.params["state"]
    if command.executable is None:
        # In check mode whoever installs it has only said so.
        module.exit_json(
            changed=state != "valid",
            result="would-change",
            installed=False,
            notes=["firewright is not on this host yet, so what it would change is not known"],
        )
    module.exit_json(**getattr(command, state)())


if __name__ == "__main__":
    main()
